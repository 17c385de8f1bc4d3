#include "staticpod/transaction.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "staticpod/transaction_verify.h"

void transaction_init_take(struct transaction *transaction, struct journal *journal)
{
    *transaction = (struct transaction){
        .journal = *journal,
        .phase = journal->phase == JOURNAL_IDLE ? TRANSACTION_IDLE : TRANSACTION_RESUMING,
        .good_ms = -1,
        .retry_ms = INT64_MIN,
        .backoff_ms = TRANSACTION_RETRY_MS,
    };
    *journal = (struct journal){0};
}

void transaction_finish(struct transaction *transaction)
{
    journal_finish(&transaction->journal);
}

/* --- what every phase does --- */

static void tell(struct transaction_output *out, enum transaction_event event, const char *text)
{
    out->event = event;
    snprintf(out->text, sizeof(out->text), "%s", text);
}

static void wait_for(struct transaction_output *out, enum transaction_wait wait, const char *text)
{
    out->wait = wait;
    if (out->event == TRANSACTION_QUIET) {
        snprintf(out->text, sizeof(out->text), "%s", text);
    }
}

static void ask(struct transaction *t, struct transaction_output *out,
                enum transaction_action action)
{
    t->asked = true;
    out->action = action;
}

static void ask_write(struct transaction *t, struct transaction_output *out,
                      const struct manifest_content *content)
{
    ask(t, out, TRANSACTION_WRITE);
    out->content = content;
}

static void back_off(struct transaction *t, int64_t now_ms)
{
    t->retry_ms = now_ms + t->backoff_ms;
    t->backoff_ms =
        t->backoff_ms * 2 < TRANSACTION_RETRY_MAX_MS ? t->backoff_ms * 2 : TRANSACTION_RETRY_MAX_MS;
}

/* Whether it is too early for another try. */
static bool is_backing_off(const struct transaction *t, int64_t now_ms,
                           struct transaction_output *out)
{
    if (now_ms >= t->retry_ms) {
        return false;
    }
    wait_for(out, TRANSACTION_RETRYING, "a write failed before");
    out->wake_ms = t->retry_ms;
    return true;
}

static void enter(struct transaction *t, enum transaction_phase phase)
{
    t->phase = phase;
    t->asked = false;
}

static void wait_for_file(const struct transaction_input *input, struct transaction_output *out)
{
    wait_for(out, TRANSACTION_UNREADABLE, input->file_err->text);
}

/* --- the end of a change --- */

/* Where nothing of ours is in the file, there is nothing to revert either. */
static void drop_needless_original(struct journal *journal)
{
    if (manifest_content_same(journal->original, journal->previous)) {
        manifest_content_destroy(take_ptr(journal->original));
        journal->applied[0] = '\0';
    }
}

static void close_change(struct transaction *t, struct transaction_output *out,
                         enum transaction_event event, const char *text)
{
    journal_end_change(&t->journal);
    enter(t, TRANSACTION_CLOSING);
    t->synced = false;
    tell(out, event, text);
    ask(t, out, TRANSACTION_SYNC);
}

static void close_committed(struct transaction *t, struct transaction_output *out)
{
    bool revert = t->journal.revert;
    if (revert) {
        manifest_content_destroy(take_ptr(t->journal.original));
        t->journal.applied[0] = '\0';
    } else {
        memcpy(t->journal.applied, t->journal.written->digest, SHA256_HEX_SIZE);
    }
    journal_clear_latch(&t->journal);
    t->backoff_ms = TRANSACTION_RETRY_MS;
    close_change(t, out, revert ? TRANSACTION_REVERTED : TRANSACTION_COMMITTED, "");
}

/* The original stays: the file may come back as we wrote it. */
static void close_left(struct transaction *t, struct transaction_output *out)
{
    memcpy(t->journal.applied, t->journal.written->digest, SHA256_HEX_SIZE);
    close_change(t, out, TRANSACTION_LEFT,
                 "the manifest is neither what was there before nor what was written: somebody "
                 "else changed it, and it is left so");
}

static void close_dropped(struct transaction *t, struct transaction_output *out)
{
    drop_needless_original(&t->journal);
    close_change(t, out, TRANSACTION_DROPPED, "the manifest is what was there before the change");
}

static void close_rolled_back(struct transaction *t, struct transaction_output *out)
{
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof(text), "%s", t->journal.latch.why != NULL ? t->journal.latch.why : "");
    drop_needless_original(&t->journal);
    t->backoff_ms = TRANSACTION_RETRY_MS;
    close_change(t, out, TRANSACTION_ROLLED_BACK, text);
}

/* The outcome is recorded once the disk knows the file's name: a rename that a crash kept from
 * being synced could be undone by a power cut, and the journal would know nothing of it. */
static void step_closing(struct transaction *t, const struct transaction_input *input,
                         int64_t now_ms, struct transaction_output *out)
{
    bool done = t->asked && input->failed == NULL;
    bool failed = t->asked && input->failed != NULL;
    t->asked = false;
    if (failed) {
        back_off(t, now_ms);
        tell(out, TRANSACTION_JOURNAL_FAILED, input->failed->text);
    }
    if (done && t->synced) {
        enter(t, TRANSACTION_IDLE);
        out->wake_ms = now_ms;
    } else if (done || !is_backing_off(t, now_ms, out)) {
        t->synced = t->synced || done;
        ask(t, out, t->synced ? TRANSACTION_SAVE : TRANSACTION_SYNC);
    }
}

/* --- rolling back --- */

static void roll_back(struct transaction *t, struct transaction_output *out, const char *why)
{
    journal_set_latch(&t->journal, t->journal.written->digest, t->journal.input, why);
    t->journal.phase = JOURNAL_ROLLING_BACK;
    t->retry_ms = INT64_MIN;
    t->backoff_ms = TRANSACTION_RETRY_MS;
    enter(t, TRANSACTION_ROLLING_BACK);
    tell(out, TRANSACTION_ROLLBACK_BEGUN, why);
    ask(t, out, TRANSACTION_SAVE);
}

/* A journal that can't be written holds up nothing: the file is put back all the same. */
static void step_rolling_back(struct transaction *t, const struct transaction_input *input,
                              int64_t now_ms, struct transaction_output *out)
{
    if (input->failed != NULL) {
        tell(out, TRANSACTION_JOURNAL_FAILED, input->failed->text);
    }
    enter(t, TRANSACTION_RESTORING);
    out->wake_ms = now_ms;
}

static void step_restoring(struct transaction *t, const struct transaction_input *input,
                           int64_t now_ms, struct transaction_output *out)
{
    bool failed = t->asked && input->failed != NULL;
    t->asked = false;
    if (failed) {
        back_off(t, now_ms);
        tell(out, TRANSACTION_ROLLBACK_FAILED, input->failed->text);
    }
    if (input->file == NULL) {
        wait_for_file(input, out);
    } else if (manifest_content_same(input->file, t->journal.previous)) {
        close_rolled_back(t, out);
    } else if (!manifest_content_same(input->file, t->journal.written)) {
        close_left(t, out);
    } else if (!is_backing_off(t, now_ms, out)) {
        ask_write(t, out, t->journal.previous);
    }
}

/* --- verifying --- */

static void begin_verifying(struct transaction *t, int64_t now_ms)
{
    enter(t, TRANSACTION_VERIFYING);
    t->written_ms = now_ms;
    t->good_ms = -1;
    t->unseen = false;
}

static void judge(struct transaction *t, const struct transaction_input *input, int64_t now_ms,
                  struct transaction_output *out)
{
    struct transaction_verdict verdict;
    transaction_verify(t, input, now_ms, &verdict);
    t->good_ms = verdict.good_ms;
    t->unseen = t->unseen && !verdict.seen;
    out->probe = true;
    out->wake_ms = verdict.deadline_ms;
    if (verdict.judgement == VERDICT_GOOD) {
        close_committed(t, out);
    } else if (verdict.judgement == VERDICT_BAD) {
        roll_back(t, out, verdict.text);
    } else if (verdict.judgement == VERDICT_UNSEEN) { /* the time starts anew */
        begin_verifying(t, now_ms);
        t->unseen = true;
        out->wake_ms = now_ms + t->journal.budget_ms + t->journal.soak_ms;
    }
    if (t->unseen) {
        wait_for(out, TRANSACTION_UNSEEN,
                 "healthy, but the mirror pod can't be seen: neither in force nor rolled back");
    }
}

static void step_verifying(struct transaction *t, const struct transaction_input *input,
                           int64_t now_ms, struct transaction_output *out)
{
    if (input->file == NULL) { /* moved away for a restart by hand: the time starts anew */
        begin_verifying(t, now_ms);
        wait_for_file(input, out);
    } else if (!manifest_content_same(input->file, t->journal.written)) {
        close_left(t, out);
    } else {
        judge(t, input, now_ms, out);
    }
}

/* --- after a start, and after a write that failed --- */

static void resume_verifying(struct transaction *t, const struct transaction_input *input,
                             int64_t now_ms, struct transaction_output *out)
{
    if (t->asked) { /* the count could be saved, or not: that is no reason to stop */
        if (input->failed != NULL) {
            tell(out, TRANSACTION_JOURNAL_FAILED, input->failed->text);
        }
        begin_verifying(t, now_ms);
        out->probe = true;
        out->wake_ms = now_ms;
    } else if (t->journal.resumed >= TRANSACTION_RESUME_MAX) {
        roll_back(t, out, "the agent ended each time before the change was verified");
    } else {
        t->journal.resumed++;
        tell(out, TRANSACTION_RESUMED, "the manifest is what was written, and not verified yet");
        ask(t, out, TRANSACTION_SAVE);
    }
}

static void step_resuming(struct transaction *t, const struct transaction_input *input,
                          int64_t now_ms, struct transaction_output *out)
{
    if (t->journal.phase == JOURNAL_ROLLING_BACK) {
        enter(t, TRANSACTION_RESTORING);
        step_restoring(t, input, now_ms, out);
    } else if (input->file == NULL) {
        t->asked = false;
        wait_for_file(input, out);
    } else if (manifest_content_same(input->file, t->journal.written)) {
        resume_verifying(t, input, now_ms, out);
    } else if (manifest_content_same(input->file, t->journal.previous)) {
        close_dropped(t, out);
    } else {
        close_left(t, out);
    }
}

/* --- changing the file --- */

static void step_writing(struct transaction *t, const struct transaction_input *input,
                         int64_t now_ms, struct transaction_output *out)
{
    t->asked = false;
    if (input->failed == NULL) {
        tell(out, TRANSACTION_WRITTEN, "");
        begin_verifying(t, now_ms);
        out->probe = true;
        out->wake_ms = now_ms;
        return;
    }
    back_off(t, now_ms);
    tell(out, TRANSACTION_WRITE_FAILED, input->failed->text);
    enter(t, TRANSACTION_RESUMING); /* it may have reached the file all the same */
    out->wake_ms = now_ms;
}

static void step_recording(struct transaction *t, const struct transaction_input *input,
                           int64_t now_ms, struct transaction_output *out)
{
    t->asked = false;
    if (input->failed != NULL) {
        back_off(t, now_ms);
        drop_needless_original(&t->journal);
        journal_end_change(&t->journal);
        enter(t, TRANSACTION_IDLE);
        tell(out, TRANSACTION_JOURNAL_FAILED, input->failed->text);
        out->wait = TRANSACTION_RETRYING;
        out->wake_ms = t->retry_ms;
    } else if (manifest_content_same(input->file, t->journal.previous)) {
        enter(t, TRANSACTION_WRITING);
        ask_write(t, out, t->journal.written);
    } else {
        enter(t, TRANSACTION_RESUMING);
        step_resuming(t, input, now_ms, out);
    }
}

static void begin(struct transaction *t, const struct transaction_input *input,
                  const struct manifest_content *target, struct transaction_output *out)
{
    struct journal *journal = &t->journal;
    struct manifest_content *written = manifest_content_copy(target);
    journal_end_change(journal);
    if (!input->revert && (journal->original == NULL || input->untouched)) {
        manifest_content_destroy(journal->original);
        journal->original = manifest_content_copy(input->file);
        journal->applied[0] = '\0';
    }
    journal->phase = JOURNAL_PENDING;
    journal->previous = manifest_content_copy(input->file);
    journal->written = written;
    journal->revert = input->revert;
    journal->restarts = input->restarts;
    journal->hash_before = xstrdup(input->mirror.known ? input->mirror.hash : NULL);
    journal->input = xstrdup(input->input);
    journal->budget_ms = input->budget_ms;
    journal->soak_ms = input->soak_ms;
    enter(t, TRANSACTION_RECORDING);
    ask(t, out, TRANSACTION_SAVE);
}

/* --- deciding --- */

static bool is_latched(struct transaction *t, const struct transaction_input *input,
                       const struct manifest_content *target)
{
    const struct journal_latch *latch = &t->journal.latch;
    return strcmp(latch->wanted, target->digest) == 0 && strcmp(latch->input, input->input) == 0;
}

static void consider(struct transaction *t, const struct transaction_input *input,
                     const struct manifest_content *target, int64_t now_ms,
                     struct transaction_output *out)
{
    if (is_latched(t, input, target)) {
        wait_for(out, TRANSACTION_LATCHED, t->journal.latch.why);
    } else if (input->hold != NULL) {
        wait_for(out, TRANSACTION_HELD, input->hold);
    } else if (!is_backing_off(t, now_ms, out)) {
        begin(t, input, target, out);
    }
}

/* The file is as asked: after a Revert nothing is left to remember. */
static void be_in_force(struct transaction *t, const struct transaction_input *input,
                        struct transaction_output *out)
{
    if (input->revert && t->journal.original != NULL) {
        manifest_content_destroy(take_ptr(t->journal.original));
        t->journal.applied[0] = '\0';
        journal_clear_latch(&t->journal);
        close_change(t, out, TRANSACTION_REVERTED, "");
    }
}

static void step_revert(struct transaction *t, const struct transaction_input *input,
                        const struct manifest_content *wanted, int64_t now_ms,
                        struct transaction_output *out)
{
    const struct manifest_content *original = t->journal.original;
    if (original == NULL && wanted == NULL) {
        return;
    }
    bool ours = strcmp(input->file->digest, t->journal.applied) == 0;
    const struct manifest_content *target = ours ? original : wanted;
    if (manifest_content_same(input->file, original) ||
        manifest_content_same(input->file, target)) {
        be_in_force(t, input, out);
    } else if (target == NULL) {
        wait_for(out, TRANSACTION_FOREIGN,
                 "the manifest is not what was written last: somebody else changed it since, and "
                 "what was there before is not put over it");
    } else {
        consider(t, input, target, now_ms, out);
    }
}

static void step_idle(struct transaction *t, const struct transaction_input *input, int64_t now_ms,
                      struct transaction_output *out)
{
    if (input->wanted == NULL && !input->revert) {
        return;
    }
    if (input->file == NULL) {
        wait_for_file(input, out);
        return;
    }
    AUTO(manifest_content) struct manifest_content *wanted = NULL;
    if (input->wanted != NULL) {
        wanted = manifest_content_create(input->wanted, input->wanted_len, input->file);
    }
    if (input->revert) {
        step_revert(t, input, wanted, now_ms, out);
    } else if (!manifest_content_same(input->file, wanted)) {
        consider(t, input, wanted, now_ms, out);
    }
}

void transaction_step(struct transaction *transaction, const struct transaction_input *input,
                      int64_t now_ms, struct transaction_output *ret_output)
{
    static void (*const steps[])(struct transaction *, const struct transaction_input *, int64_t,
                                 struct transaction_output *) = {
        [TRANSACTION_IDLE] = step_idle,           [TRANSACTION_RESUMING] = step_resuming,
        [TRANSACTION_RECORDING] = step_recording, [TRANSACTION_WRITING] = step_writing,
        [TRANSACTION_VERIFYING] = step_verifying, [TRANSACTION_ROLLING_BACK] = step_rolling_back,
        [TRANSACTION_RESTORING] = step_restoring, [TRANSACTION_CLOSING] = step_closing,
    };
    *ret_output = (struct transaction_output){.wake_ms = INT64_MAX};
    steps[transaction->phase](transaction, input, now_ms, ret_output);
}
