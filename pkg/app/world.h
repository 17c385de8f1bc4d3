/*
 * The stores of all inputs and the policy, and a snapshot of them: what every verb decides from.
 */
#ifndef APP_WORLD_H
#define APP_WORLD_H

#include "adjust/policy.h"
#include "control/plan.h"
#include "control/snapshot.h"

struct world_input;

struct world {
    struct world_input *callbacks;
    struct store *stores[INPUT_COUNT];
    struct policy policy;
    struct strmap leases; /* node name to struct node_lease * */
    bool leases_read;
    bool can_read_leases; /* false for a dump */
    int64_t leases_read_ms;
    struct strmap dns; /* address to struct dns_observation * */
    bool can_ask_dns;  /* false for a dump and a look */
    bool leases_unreadable;
    unsigned blind; /* INPUT_BITs, as of the last look */
    int64_t watching_since_ms;
    bool lacks_apply; /* the server refused a server-side apply with 415 */
};

/* `changed` (may be NULL) is told which input changed. */
void world_init(struct world *world, void (*changed)(void *arg, enum input input), void *arg);
void world_finish(struct world *world);
void world_snapshot(const struct world *world, int64_t wall_ms, struct snapshot *ret_snapshot);
/* Reads the ConfigMap as it is in its store into the policy. */
void world_read_policy(struct world *world);
/* The inputs (INPUT_BITs) that are read under the policy: an ignored adjustment needs none. */
unsigned world_wanted_inputs(const struct world *world);
/* Whether all of these inputs (INPUT_BITs) were listed. */
bool world_synced(const struct world *world, unsigned inputs);

/*
 * The plan of an adjustment that is not on Ignore: back when its mode is Revert, else as if it were
 * enforced. While an object that it reads, or the policy, can't be read, the plan is a hold that
 * says so: nothing is decided from a part of what there is.
 */
void world_plan(const struct world *world, const struct adjustment *adjustment, int64_t wall_ms,
                int64_t now_ms, struct plan *ret_plan);

/* One Lease of kube-node-lease, as JSON. */
void world_add_lease(struct world *world, const struct json_object *lease);
/*
 * Puts a new reading of all Leases, made with world_add_lease() in another world, in the place of
 * the last one, and empties it. What changed in between was renewed just now, whatever its clock.
 */
void world_take_leases(struct world *world, struct strmap *fresh, int64_t wall_ms);
/* The newest renewal among the Leases: "now" for a dump, which may be old. 0: there are none. */
int64_t world_newest_lease(const struct world *world);

#endif
