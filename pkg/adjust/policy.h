/*
 * What is asked: the ConfigMap kube-system/yurt-steward, checked key by key.
 *
 * A key with a wrong value keeps its last good one; a key that is absent has its default. Without
 * the ConfigMap every adjustment is on Observe: no configuration, no writes. In one, the static
 * pods are off until asked for.
 */
#ifndef ADJUST_POLICY_H
#define ADJUST_POLICY_H

#include <stdint.h>

#include "adjust/adjust.h"
#include "base/strmap.h"

enum mode {
    MODE_OBSERVE, /* report drift, write nothing */
    MODE_ENFORCE, /* keep the desired state */
    MODE_REVERT,  /* put back what was there, then observe */
    MODE_IGNORE,  /* not even watched */
};

enum {
    POLICY_PROBLEMS_MAX = 16,
    POLICY_ADJUSTMENTS_MAX = 8,
};

struct policy {
    struct strmap values;                /* every known key to its value in force (char *) */
    char *problems[POLICY_PROBLEMS_MAX]; /* one sentence each, naming the key and what is allowed */
    size_t problems_len;
};

void policy_init(struct policy *policy);
void policy_finish(struct policy *policy);
DEFINE_AUTO_FINISH(policy, struct policy, policy_finish)

/* Puts the ConfigMap (NULL: absent) in force; what is wrong in it is in `problems` afterwards. */
void policy_read(struct policy *policy, const struct json_object *configmap);

enum mode policy_mode(const struct policy *policy, const struct adjustment *adjustment);
/* By id: also "kube-controller-manager" and "kube-apiserver", which the agent on control-plane
 * nodes acts on and the operator does not. */
enum mode policy_mode_of(const struct policy *policy, const char *id);
/* Puts another mode in force, until the ConfigMap is read again. */
void policy_set_mode(struct policy *policy, const struct adjustment *adjustment, enum mode mode);
/* The value in force of a known key; never NULL. */
const char *policy_value(const struct policy *policy, const char *key);
bool policy_is(const struct policy *policy, const char *key, const char *word);
/* For options of kind OPTION_DURATION and OPTION_PERCENT. */
int64_t policy_duration_ms(const struct policy *policy, const char *key);
int policy_percent(const struct policy *policy, const char *key);

const char *mode_word(enum mode mode);

#endif
