#include "staticpod/keeper.h"

#include "base/alloc.h"
#include "staticpod/journal_store.h"
#include "staticpod/manifest_file.h"

enum {
    STEPS_MAX = 32 /* in one turn; the longest way from one end to the other has 12 */
};

struct keeper {
    const struct files *files;
    char *manifests;
    char *name;
    struct journal_store *store;
    struct transaction transaction;
    bool swept;        /* what a crash left in the manifests' directory is gone */
    bool has_failed;   /* the last action did: `failed` says how */
    struct err failed; /* kept between turns: the next step must be told */
};

int keeper_open(const struct keeper_place *place, struct keeper **ret_keeper, struct err *err)
{
    AUTO(journal_store) struct journal_store *store = NULL;
    struct journal journal;
    if (journal_store_open(place->files, place->journals, place->name, &store, err) < 0 ||
        journal_store_load(store, &journal, err) < 0) {
        return -1;
    }
    struct keeper *keeper = xcalloc(1, sizeof(*keeper));
    keeper->files = place->files;
    keeper->manifests = xstrdup(place->manifests);
    keeper->name = xstrdup(place->name);
    keeper->store = take_ptr(store);
    transaction_init_take(&keeper->transaction, &journal);
    *ret_keeper = keeper;
    return 0;
}

void keeper_close(struct keeper *keeper)
{
    if (keeper != NULL) {
        transaction_finish(&keeper->transaction);
        journal_store_close(keeper->store);
        free(keeper->manifests);
        free(keeper->name);
        free(keeper);
    }
}

const struct journal *keeper_journal(const struct keeper *keeper)
{
    return &keeper->transaction.journal;
}

enum transaction_phase keeper_phase(const struct keeper *keeper)
{
    return keeper->transaction.phase;
}

static int act(struct keeper *keeper, const struct transaction_output *output,
               const struct manifest_seen *seen, struct err *err)
{
    switch (output->action) {
    case TRANSACTION_SAVE:
        return journal_store_save(keeper->store, &keeper->transaction.journal, err);
    case TRANSACTION_SYNC:
        return manifest_file_sync(keeper->files, keeper->manifests, err);
    case TRANSACTION_WRITE:
        return manifest_file_replace(keeper->files, keeper->manifests, keeper->name, seen,
                                     output->content, err);
    case TRANSACTION_NONE:
        break;
    }
    return 0;
}

/* Reads the file, steps, and does what the machine says. */
static void step(struct keeper *keeper, struct transaction_input *input,
                 const struct keeper_caller *caller, int64_t now_ms,
                 struct transaction_output *ret_output)
{
    AUTO(manifest_seen) struct manifest_seen seen = {0};
    struct err file_err;
    int result =
        manifest_file_read(keeper->files, keeper->manifests, keeper->name, &seen, &file_err);
    input->file = seen.content;
    input->file_err = result < 0 ? &file_err : NULL;
    input->failed = keeper->has_failed ? &keeper->failed : NULL;
    if (caller->look != NULL) {
        caller->look(caller->arg, input);
    }
    transaction_step(&keeper->transaction, input, now_ms, ret_output);
    if (ret_output->event != TRANSACTION_QUIET) {
        caller->event(caller->arg, ret_output->event, ret_output->text);
    }
    keeper->has_failed = act(keeper, ret_output, &seen, &keeper->failed) < 0;
}

/* What a crash left goes before anything else. Where it can't be removed, nothing could be written
 * either, and the next turn tries again. */
static void sweep(struct keeper *keeper)
{
    struct err err;
    if (!keeper->swept) {
        keeper->swept =
            manifest_file_sweep(keeper->files, keeper->manifests, keeper->name, &err) == 0;
    }
}

void keeper_turn(struct keeper *keeper, const struct transaction_input *input,
                 const struct keeper_caller *caller, int64_t now_ms,
                 struct transaction_output *ret_output)
{
    struct transaction_input now = *input;
    struct transaction_output output = {0};
    sweep(keeper);
    for (int i = 0; i < STEPS_MAX; i++) {
        step(keeper, &now, caller, now_ms, &output);
        if (output.action == TRANSACTION_NONE && output.wake_ms > now_ms) {
            break;
        }
    }
    *ret_output = output;
    ret_output->content = NULL;
}
