/*
 * What is remembered about one manifest across restarts: the journal, as a value and as text. Pure.
 *
 * It holds apart the *original*, what was there before the first change, kept for Revert until that
 * is done, and the *previous*, what was there before the change under way, for rolling back. The
 * text is JSON with a checksum over all of it; the bytes of the manifests are not in it but in
 * files by their digest, which journal_store reads and writes.
 */
#ifndef STATICPOD_JOURNAL_H
#define STATICPOD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "staticpod/manifest_content.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_TEXT_MAX = 64 << 10,
};

enum journal_phase {
    JOURNAL_IDLE,         /* no change under way; `previous` and `written` are NULL */
    JOURNAL_PENDING,      /* `written` takes, or took, the place of `previous`; not committed */
    JOURNAL_ROLLING_BACK, /* `previous` takes, or took, the place of `written` again */
};

/* What is not tried again: until other bytes are wanted, or for another reason. */
struct journal_latch {
    char wanted[SHA256_HEX_SIZE]; /* digest; "": nothing is latched */
    char *input;                  /* what the bytes were wanted for; NULL: nothing is latched */
    char *why;                    /* what went wrong, for people */
};

/* Owns all it points to. */
struct journal {
    enum journal_phase phase;
    struct manifest_content *original; /* NULL: nothing of ours is in force */
    char applied[SHA256_HEX_SIZE];     /* what was committed last, on top of `original`; or "" */
    struct journal_latch latch;

    /* the change under way */
    struct manifest_content *previous;
    struct manifest_content *written;
    bool revert;       /* it puts back the original */
    bool restarts;     /* the pod is made anew by it */
    char *hash_before; /* of the mirror pod; NULL: not known */
    char *input;       /* what the bytes are wanted for */
    int64_t budget_ms; /* for the pod to start */
    int64_t soak_ms;   /* how long it must stay healthy */
    int64_t resumed;   /* how often the verification was begun anew */
};

void journal_finish(struct journal *journal);
DEFINE_AUTO_FINISH(journal, struct journal, journal_finish)
/* Ends the change under way: JOURNAL_IDLE, without what is about that change only. */
void journal_end_change(struct journal *journal);
void journal_set_latch(struct journal *journal, const char *wanted, const char *input,
                       const char *why);
void journal_clear_latch(struct journal *journal);

/* As text, for the manifest of that name. Caller frees. */
char *journal_encode(const struct journal *journal, const char *name);
/*
 * The contents of the result have no bytes yet: their digests and lengths say which. Refuses
 * (ERR_INVALID) what is damaged, was made by a newer version, or is about another manifest.
 */
int journal_decode(const char *text, size_t len, const char *name, struct journal *ret_journal,
                   struct err *err) MUST_CHECK;

/* Whether it is a digest as sha256_hex() writes it. */
bool journal_is_digest(const char *text);

#endif
