#include "app/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timefmt.h"

/* One per input: what its store's callback is given. */
struct world_input {
    void (*changed)(void *arg, enum input input);
    void *arg;
    enum input input;
};

static void store_changed(void *arg)
{
    const struct world_input *input = arg;
    if (input->changed != NULL) {
        input->changed(input->arg, input->input);
    }
}

void world_init(struct world *world, void (*changed)(void *arg, enum input input), void *arg)
{
    *world = (struct world){.leases = STRMAP_INIT(free), .dns = STRMAP_INIT(free)};
    world->callbacks = xcalloc(INPUT_COUNT, sizeof(*world->callbacks));
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        world->callbacks[input] = (struct world_input){changed, arg, input};
        world->stores[input] = store_create(store_changed, &world->callbacks[input]);
    }
    policy_init(&world->policy);
    policy_read(&world->policy, NULL);
}

void world_finish(struct world *world)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        store_destroy(world->stores[input]);
    }
    free(world->callbacks);
    policy_finish(&world->policy);
    strmap_finish(&world->leases);
    strmap_finish(&world->dns);
}

void world_snapshot(const struct world *world, int64_t wall_ms, struct snapshot *ret_snapshot)
{
    *ret_snapshot = (struct snapshot){
        .leases = world->leases_read ? &world->leases : NULL,
        .leases_read_ms = world->leases_read_ms,
        .leases_known = world->can_read_leases || world->leases.len > 0,
        .can_read_leases = world->can_read_leases,
        .leases_unreadable = world->leases_unreadable,
        .blind = world->blind,
        .watching_since_ms = world->watching_since_ms,
        .can_apply = !world->lacks_apply,
        .dns = world->can_ask_dns ? &world->dns : NULL,
        .wall_ms = wall_ms,
    };
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        ret_snapshot->stores[input] = world->stores[input];
    }
}

void world_read_policy(struct world *world)
{
    const struct object *configmap = store_only(world->stores[INPUT_CONFIG]);
    policy_read(&world->policy, configmap != NULL ? configmap->body : NULL);
}

unsigned world_wanted_inputs(const struct world *world)
{
    unsigned inputs = INPUT_BIT(INPUT_CONFIG) | INPUT_BIT(INPUT_STATE);
    for (size_t i = 0; i < adjustments_len; i++) {
        if (policy_mode(&world->policy, adjustments[i]) != MODE_IGNORE) {
            inputs |= adjustments[i]->inputs;
        }
    }
    return inputs;
}

bool world_synced(const struct world *world, unsigned inputs)
{
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        if ((inputs & INPUT_BIT(input)) != 0 && !store_synced(world->stores[input])) {
            return false;
        }
    }
    return true;
}

static bool hold_unreadable(const struct world *world, const struct adjustment *adjustment,
                            struct plan *ret_plan)
{
    unsigned inputs = adjustment->inputs | INPUT_BIT(INPUT_CONFIG);
    size_t count = 0;
    const char *first = NULL;
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        const char *why;
        if ((inputs & INPUT_BIT(input)) != 0) {
            count += store_unreadable(world->stores[input], &why);
            first = first != NULL ? first : why;
        }
    }
    if (count != 0) {
        AUTO_FREE char *more = count > 1 ? xasprintf(" (and %zu more)", count - 1) : xstrdup("");
        plan_hold(ret_plan, true, "UnreadableObject",
                  "%s%s. Nothing is written until it is corrected or deleted", first, more);
    }
    return count != 0;
}

void world_plan(const struct world *world, const struct adjustment *adjustment, int64_t wall_ms,
                int64_t now_ms, struct plan *ret_plan)
{
    struct snapshot seen;
    if (hold_unreadable(world, adjustment, ret_plan)) {
        return;
    }
    world_snapshot(world, wall_ms, &seen);
    adjustment_plan(adjustment, policy_mode(&world->policy, adjustment) == MODE_REVERT, &seen,
                    &world->policy, now_ms, ret_plan);
}

void world_add_lease(struct world *world, const struct json_object *lease)
{
    const char *node = json_get_str(lease, "metadata/name");
    const char *renewed = json_get_str(lease, "spec/renewTime");
    int64_t when;
    if (node == NULL || renewed == NULL || timefmt_parse(renewed, &when) < 0) {
        return;
    }
    struct node_lease *slot = xmalloc(sizeof(*slot));
    *slot = (struct node_lease){.alive_ms = when, .renewed_ms = when};
    strmap_set(&world->leases, node, slot);
}

void world_take_leases(struct world *world, struct strmap *fresh, int64_t wall_ms)
{
    for (size_t i = 0; i < fresh->len; i++) {
        struct node_lease *lease = fresh->entries[i].value;
        const struct node_lease *before = strmap_get(&world->leases, fresh->entries[i].key);
        if (before == NULL) {
            lease->alive_ms = lease->renewed_ms < wall_ms ? lease->renewed_ms : wall_ms;
        } else {
            lease->alive_ms = before->renewed_ms != lease->renewed_ms ? wall_ms : before->alive_ms;
        }
    }
    strmap_finish(&world->leases);
    world->leases = *fresh;
    *fresh = STRMAP_INIT(free);
}

int64_t world_newest_lease(const struct world *world)
{
    int64_t newest = 0;
    for (size_t i = 0; i < world->leases.len; i++) {
        const struct node_lease *lease = world->leases.entries[i].value;
        newest = lease->renewed_ms > newest ? lease->renewed_ms : newest;
    }
    return newest;
}
