#include "staticpod/transaction_verify.h"

#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"

/* Facts from before the file was replaced are about the pod before. */
static bool is_healthy(const struct transaction *t, const struct transaction_input *input)
{
    return input->health == TRANSACTION_HEALTHY && input->health_ms >= t->written_ms;
}

static bool is_seen(const struct transaction *t, const struct transaction_input *input)
{
    return input->mirror.known && input->mirror.seen_ms >= t->written_ms;
}

/* What the mirror pod lacks; NULL: nothing. */
static const char *lacks(const struct transaction *t, const struct transaction_mirror *mirror)
{
    const char *before = t->journal.hash_before;
    if (mirror->hash == NULL) {
        return "there is no mirror pod";
    }
    if (t->journal.restarts && before != NULL && strcmp(mirror->hash, before) == 0) {
        return "the kubelet has not taken the manifest up";
    }
    if (t->journal.restarts && !mirror->as_intended) {
        return "the pod does not run with what the manifest says";
    }
    return mirror->ready ? NULL : "the pod is not Ready";
}

/* What is missing; NULL: it is good. */
static const char *find_missing(const struct transaction *t, const struct transaction_input *input)
{
    if (!is_healthy(t, input)) {
        bool said = input->health == TRANSACTION_UNHEALTHY && input->health_text != NULL;
        return said ? input->health_text : "it does not answer";
    }
    if (is_seen(t, input)) {
        return lacks(t, &input->mirror);
    }
    return t->journal.restarts ? "the mirror pod can't be seen" : NULL;
}

/* When what is known was true at the earliest. */
static int64_t evidence_ms(const struct transaction *t, const struct transaction_input *input)
{
    bool older = t->journal.restarts && input->mirror.seen_ms < input->health_ms;
    return older ? input->mirror.seen_ms : input->health_ms;
}

static void describe(const struct transaction *t, const char *missing,
                     struct transaction_verdict *verdict)
{
    char time[TIMEFMT_SIZE];
    timefmt_duration(t->journal.budget_ms + t->journal.soak_ms, time);
    snprintf(verdict->text, sizeof(verdict->text), "not healthy for %lld s within %s: %s",
             (long long)(t->journal.soak_ms / 1000), time, missing);
}

void transaction_verify(const struct transaction *transaction,
                        const struct transaction_input *input, int64_t now_ms,
                        struct transaction_verdict *ret_verdict)
{
    const struct transaction *t = transaction;
    const char *missing = find_missing(t, input);
    int64_t at_ms = evidence_ms(t, input);
    *ret_verdict = (struct transaction_verdict){
        .good_ms = missing != NULL   ? -1
                   : t->good_ms >= 0 ? t->good_ms
                                     : at_ms,
        .seen = is_seen(t, input),
        .deadline_ms = t->written_ms + t->journal.budget_ms + t->journal.soak_ms,
    };
    if (missing == NULL && at_ms - ret_verdict->good_ms >= t->journal.soak_ms) {
        ret_verdict->judgement = VERDICT_GOOD;
        return;
    }
    describe(t, missing != NULL ? missing : "it was, but not for long enough", ret_verdict);
    if (now_ms >= ret_verdict->deadline_ms) {
        bool unseen = is_healthy(t, input) && t->journal.restarts && !ret_verdict->seen;
        ret_verdict->judgement = unseen ? VERDICT_UNSEEN : VERDICT_BAD;
    }
}
