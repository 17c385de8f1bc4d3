/*
 * Whether a pod took up its new manifest and stays healthy with it. Pure.
 *
 * Good is: the local probe answers, and where the change makes a new pod, the mirror pod shows
 * another hash than before, the arguments intended, and is Ready. It must be good at the two ends
 * of a soak and whenever it was looked at in between. Without the API server nothing is called good
 * that makes a new pod, since the old one may still be answering; a pod whose probe fails is called
 * bad without it.
 */
#ifndef STATICPOD_TRANSACTION_VERIFY_H
#define STATICPOD_TRANSACTION_VERIFY_H

#include "staticpod/transaction.h"

enum transaction_judgement {
    VERDICT_OPEN,   /* too early to say */
    VERDICT_UNSEEN, /* time is up, it is healthy, and the mirror pod can't be seen */
    VERDICT_GOOD,
    VERDICT_BAD, /* time is up */
};

struct transaction_verdict {
    enum transaction_judgement judgement;
    int64_t good_ms;         /* good since; -1: it is not */
    int64_t deadline_ms;     /* when the time is up */
    bool seen;               /* the mirror pod was, or that there is none */
    char text[ERR_TEXT_MAX]; /* what is missing; "" when it is good */
};

void transaction_verify(const struct transaction *transaction,
                        const struct transaction_input *input, int64_t now_ms,
                        struct transaction_verdict *ret_verdict);

#endif
