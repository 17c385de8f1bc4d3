/*
 * What a person asks for once, on top of what the ConfigMap says: to bring adjustments into force
 * or to put back what was there. Pure.
 */
#ifndef APP_INTENT_H
#define APP_INTENT_H

#include <stdbool.h>

#include "adjust/policy.h"
#include "control/plan.h"

struct intent {
    bool revert;
    unsigned chosen; /* bits by index in the table of adjustments; 0: all that are not on Ignore */
};

/* Adds the adjustment of that id; -1 (ERR_INVALID, naming those there are): there is none. */
int intent_choose(struct intent *intent, const char *id, struct err *err) MUST_CHECK;
/* Whether the intent is about the adjustment with that index, under the ConfigMap's policy. */
bool intent_concerns(const struct intent *intent, const struct policy *policy, size_t index);
/* Puts the modes that are meant in force in the policy; the others become Ignore. */
void intent_impose(const struct intent *intent, struct policy *policy);
/*
 * Plans the modes of what is to be reverted in the ConfigMap, so that a running operator does not
 * put it in force again; nothing to do when they are there, for what isn't reverted, and while the
 * state is a newer operator's, which this one can't revert.
 */
void intent_plan_modes(const struct intent *intent, const struct snapshot *seen,
                       struct plan *ret_plan);

#endif
