/*
 * The driver of a transaction's files: one manifest, its journal, and the machine between them.
 *
 * keeper_turn() reads the file, steps the machine and does what it says until there is nothing to
 * do at this moment. File calls block, for as long as the disk takes. Probes and the mirror pod are
 * the caller's: as long as the output says `probe`, a new result is to be given with another turn.
 */
#ifndef STATICPOD_KEEPER_H
#define STATICPOD_KEEPER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "staticpod/file_ops.h"
#include "staticpod/transaction.h"

struct keeper;

struct keeper_place {
    const struct files *files; /* borrowed for the keeper's life */
    const char *manifests;     /* the kubelet's directory */
    const char *name;          /* of the file in it */
    const char *journals;      /* JOURNAL_BASE_DEFAULT; never below `manifests` */
};

/*
 * Opens the journal, which stays locked while the keeper lives. ERR_CONFLICT: another process has
 * it. ERR_INVALID: the journal is damaged or of a newer version; nothing may be written then.
 */
int keeper_open(const struct keeper_place *place, struct keeper **ret_keeper,
                struct err *err) MUST_CHECK;
void keeper_close(struct keeper *keeper);
DEFINE_AUTO_DESTROY(keeper, struct keeper, keeper_close)

/*
 * `look` may be NULL: then `input` counts as it is. Else it is called with each reading of the
 * file, to fill in what depends on it: which bytes are wanted, whether they make a new pod. `event`
 * is called for each thing that happened. In `input`, `file`, `file_err` and `failed` are the
 * keeper's.
 */
struct keeper_caller {
    void (*look)(void *arg, struct transaction_input *input);
    void (*event)(void *arg, enum transaction_event event, const char *text);
    void *arg;
};

void keeper_turn(struct keeper *keeper, const struct transaction_input *input,
                 const struct keeper_caller *caller, int64_t now_ms,
                 struct transaction_output *ret_output);

/* What is remembered; borrowed, as of the last turn. */
const struct journal *keeper_journal(const struct keeper *keeper);
enum transaction_phase keeper_phase(const struct keeper *keeper);

#endif
