/*
 * A plan: what one reconcile of one adjustment wants done, held, said and looked at again.
 *
 * Pure data that owns copies. The same plan is printed by `plan`, compared by the tests and
 * carried out by the engine: actions in order, each with its precondition in its body, stopping at
 * the first failure. Waiting is a plan without actions and with a requeue.
 */
#ifndef CONTROL_PLAN_H
#define CONTROL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "control/snapshot.h"
#include "kube/resource.h"
#include "json/json.h"

enum action_verb {
    ACTION_CREATE,
    ACTION_PATCH,
    ACTION_DELETE,
    ACTION_REPLACE, /* PUT; the body has the resourceVersion that was seen */
};

enum patch_type {
    PATCH_NONE, /* a create or a delete: the body is the object or the DeleteOptions */
    PATCH_MERGE,
    PATCH_JSON,
    PATCH_APPLY, /* server-side apply; on what is there, the body has uid and resourceVersion */
};

struct action {
    enum action_verb verb;
    enum patch_type patch_type;
    const struct kube_resource *resource;
    char *ns;
    char *name;
    struct json_object *body; /* exactly what is sent */
    bool force;               /* PATCH_APPLY: take fields over from other managers */
    enum input input;         /* the store that the result goes to; INPUT_NONE: none */
    char *reason;             /* one sentence for people: what and why */
    const char *event;        /* reason of the Event when it was done; NULL: no Event */
    char *field;              /* json_get path of the field that is repaired; NULL: first time */
};

/* Something that people should know. Reported when it appears or changes, not again. */
struct note {
    bool held; /* it keeps the adjustment from being in force */
    bool warning;
    const char *reason; /* UpperCamelCase */
    char *message;
    int64_t after_ms; /* reported once it was there for so long without a break */
};

enum plan_state {
    PLAN_IN_FORCE,       /* nothing to do */
    PLAN_CHANGING,       /* the actions bring it into force, or it waits for what they started */
    PLAN_HELD,           /* a gate is closed or the input is refused; the notes say why */
    PLAN_NOT_APPLICABLE, /* this cluster has no such thing */
    PLAN_REVERTED,       /* what was there before is there again */
};

enum {
    PLAN_ACTIONS_MAX = 64,
    PLAN_NOTES_MAX = 16,
    PLAN_DNS_MAX = 64,
};

struct plan {
    enum plan_state state;
    struct action actions[PLAN_ACTIONS_MAX];
    size_t actions_len;
    struct note notes[PLAN_NOTES_MAX];
    size_t notes_len;
    bool wants_leases;       /* read the node Leases, then reconcile again */
    char *dns[PLAN_DNS_MAX]; /* ask the DNS servers at these addresses, then reconcile again */
    size_t dns_len;
    int64_t requeue_ms; /* look again after so long; 0: only when something changes */
};

void plan_finish(struct plan *plan);
DEFINE_AUTO_FINISH(plan, struct plan, plan_finish)

/*
 * Appends an action, which takes `body`; the rest is copied. Returns it for the optional slots, or
 * NULL when the plan is full: the next reconcile goes on from there.
 */
struct action *plan_add_take(struct plan *plan, enum action_verb verb,
                             const struct kube_resource *resource, const char *ns, const char *name,
                             struct json_object *body);
/* Sets the action's sentence; an action of NULL is left alone, as in the next two. */
void action_reason(struct action *action, const char *event, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* Appends an action that sets (value NULL: removes) keys of the state ConfigMap, with its
 * resourceVersion as precondition, or creates it with its version (snapshot.h). `data` maps keys to
 * strings or null; taken. */
void plan_record_take(struct plan *plan, const struct snapshot *seen, struct json_object *data,
                      const char *reason);

void plan_note(struct plan *plan, bool warning, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A note that keeps the adjustment from being in force; the state becomes PLAN_HELD. */
void plan_hold(struct plan *plan, bool warning, const char *reason, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A warning of what may pass by itself: reported once it was there for so long. */
void plan_warn_after(struct plan *plan, int64_t after_ms, const char *reason, const char *format,
                     ...) PRINTF_LIKE(4, 5);
/* Asks the DNS server at the address; false: as many as one look may ask are asked. */
bool plan_want_dns(struct plan *plan, const char *address);
/* Look again after `ms` at the latest. */
void plan_requeue(struct plan *plan, int64_t ms);

/* "InForce", "Changing", … */
const char *plan_state_word(enum plan_state state);
/* "create", "patch", "delete", "replace" */
const char *action_verb_word(enum action_verb verb);
/* "application/merge-patch+json", …; NULL for PATCH_NONE */
const char *patch_type_content(enum patch_type type);
/* "merge", "json", "apply", "" */
const char *patch_type_word(enum patch_type type);

#endif
