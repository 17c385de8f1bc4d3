/*
 * The replacement of one static pod's manifest, to its end: the machine, without I/O.
 *
 *     IDLE → RECORDING → WRITING → VERIFYING → CLOSING → IDLE, the change is in force
 *                                     ↓
 *                               ROLLING_BACK → RESTORING → CLOSING → IDLE, latched
 *
 * Before the file is touched, the journal says durably what was there and what takes its place. A
 * pod that does not come up healthy within its start-up budget and a soak is rolled back, without
 * the API server, and the same bytes are not tried again for the same input: the latch. A process
 * that starts with an uncommitted journal is RESUMING: what is in the file tells how to go on. A
 * file that is neither what was there before nor what was written is somebody else's: it is left as
 * it is, always. A manifest that is away for a while is waited for.
 *
 * The driver reads the file, calls transaction_step(), does the action, and steps again with what
 * came of it until the action is TRANSACTION_NONE; then when `wake_ms` comes, the file changes, or
 * a fact does. Nothing here reads YAML: which bytes are wanted, whether they make a new pod and
 * whether the file bears an edit of ours is the caller's to know.
 */
#ifndef STATICPOD_TRANSACTION_H
#define STATICPOD_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "staticpod/journal.h"
#include "staticpod/manifest_content.h"

enum {
    TRANSACTION_RESUME_MAX = 5,       /* verifications begun anew before it is rolled back */
    TRANSACTION_RETRY_MS = 1000,      /* after a failed write; doubled each time */
    TRANSACTION_RETRY_MAX_MS = 60000, /* and no more than this */
};

enum transaction_phase {
    TRANSACTION_IDLE,
    TRANSACTION_RESUMING,     /* an uncommitted change, and the file was not looked at yet */
    TRANSACTION_RECORDING,    /* the journal is being written, the file is as it was */
    TRANSACTION_WRITING,      /* the journal is durable, the file is being replaced */
    TRANSACTION_VERIFYING,    /* the new file is there, the pod is watched */
    TRANSACTION_ROLLING_BACK, /* the decision is being written to the journal */
    TRANSACTION_RESTORING,    /* the file is being put back */
    TRANSACTION_CLOSING,      /* the outcome is being written to the journal */
};

enum transaction_action {
    TRANSACTION_NONE,
    TRANSACTION_SAVE,  /* write the machine's journal */
    TRANSACTION_SYNC,  /* have the disk know the names in the manifests' directory */
    TRANSACTION_WRITE, /* replace the file as given with this step by `content` */
};

/* What holds it, as long as it does. */
enum transaction_wait {
    TRANSACTION_GOES_ON,
    TRANSACTION_HELD,       /* a gate is closed; the text is the gate's */
    TRANSACTION_LATCHED,    /* these bytes were rolled back before */
    TRANSACTION_UNREADABLE, /* the file is not there, or can't or must not be read */
    TRANSACTION_FOREIGN,    /* Revert: the file is not what was written, and no bytes are given */
    TRANSACTION_UNSEEN,     /* healthy, but the mirror pod can't be seen: not judged */
    TRANSACTION_RETRYING,   /* a write failed */
};

/* What happened, once each time. */
enum transaction_event {
    TRANSACTION_QUIET,
    TRANSACTION_WRITTEN,         /* the new file is there */
    TRANSACTION_COMMITTED,       /* and healthy */
    TRANSACTION_REVERTED,        /* the original is there, healthy, and its record gone */
    TRANSACTION_ROLLED_BACK,     /* the previous file is there again; latched */
    TRANSACTION_ROLLBACK_BEGUN,  /* the text says why */
    TRANSACTION_ROLLBACK_FAILED, /* it is tried again */
    TRANSACTION_LEFT,            /* somebody else changed the file in the middle */
    TRANSACTION_DROPPED,         /* a change that never reached the file is forgotten */
    TRANSACTION_RESUMED,         /* verification goes on after a restart */
    TRANSACTION_WRITE_FAILED,
    TRANSACTION_JOURNAL_FAILED,
};

enum transaction_health {
    TRANSACTION_HEALTH_UNKNOWN,
    TRANSACTION_HEALTHY,
    TRANSACTION_UNHEALTHY,
};

/* The mirror pod as the API server shows it. */
struct transaction_mirror {
    bool known;       /* false: the API server can't be asked */
    int64_t seen_ms;  /* monotonic, when it was asked */
    const char *hash; /* kubernetes.io/config.hash; NULL: there is no such pod */
    bool as_intended; /* its arguments are those of the wanted bytes */
    bool ready;       /* its condition */
};

/* What is known at one moment. Everything is borrowed for the call. */
struct transaction_input {
    const struct manifest_content *file; /* as just read; NULL: `file_err` says why not */
    const struct err *file_err;
    const struct err *failed; /* what became of the action of the last step; NULL: done */

    /* what is asked; not looked at in the middle of a change */
    const char *wanted; /* the bytes that the file is to have; NULL: none */
    size_t wanted_len;
    const char *input; /* what they are wanted for: the latch opens when it changes */
    const char *hold;  /* a closed gate in words; NULL: all are open */
    bool revert;       /* put back the original; `wanted` if the file is not as we wrote it */
    bool untouched;    /* the file bears no edit of ours: it is a new original */
    bool restarts;     /* the wanted bytes make a new pod; false: comments only */
    int64_t budget_ms; /* for the pod to start */
    int64_t soak_ms;   /* how long it must stay healthy then */

    /* facts; those from before the file was replaced do not count */
    enum transaction_health health;
    int64_t health_ms; /* monotonic, when the probe was sent */
    const char *health_text;
    struct transaction_mirror mirror;
};

struct transaction_output {
    enum transaction_action action;
    const struct manifest_content *content; /* TRANSACTION_WRITE; the machine's, until next step */
    bool probe;                             /* health and mirror pod are wanted, again and again */
    int64_t wake_ms;                        /* monotonic; step again then. INT64_MAX: no need to */
    enum transaction_wait wait;
    enum transaction_event event;
    char text[ERR_TEXT_MAX]; /* about the event, else about what holds it; "" */
};

struct transaction {
    struct journal journal;
    enum transaction_phase phase;
    bool asked;         /* an action is under way: the next step says what became of it */
    int64_t written_ms; /* when the file was replaced, or verification was begun anew */
    int64_t good_ms;    /* healthy since; -1: not */
    int64_t retry_ms;   /* no write before */
    int64_t backoff_ms; /* how long after the next failure */
    bool unseen;        /* the time was up once, healthy and without a look at the mirror pod */
    bool synced;        /* closing: the file's name is on the disk */
};

/* Takes the journal over, as it was loaded. */
void transaction_init_take(struct transaction *transaction, struct journal *journal);
void transaction_finish(struct transaction *transaction);
DEFINE_AUTO_FINISH(transaction, struct transaction, transaction_finish)

void transaction_step(struct transaction *transaction, const struct transaction_input *input,
                      int64_t now_ms, struct transaction_output *ret_output);

/* Words for logs and status: "Verifying", "Latched", "RolledBack", … */
const char *transaction_phase_name(enum transaction_phase phase);
const char *transaction_wait_name(enum transaction_wait wait);
const char *transaction_event_name(enum transaction_event event);

#endif
