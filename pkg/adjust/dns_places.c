#include "adjust/dns_places.h"

#include "base/alloc.h"

enum {
    SILENT_ENOUGH = 2
};

void dns_places_init(struct dns_places *places)
{
    strmap_init(&places->map, free);
}

void dns_places_finish(struct dns_places *places)
{
    strmap_finish(&places->map);
}

bool dns_node_counts(const struct node *node)
{
    return node->linux && !node->host_network_pool;
}

struct dns_place *dns_place_of(struct dns_places *places, const struct node *node)
{
    const char *name = node->pool != NULL ? node->pool : DNS_PLACE_NO_POOL;
    struct dns_place *place = strmap_get(&places->map, name);
    if (place == NULL) {
        place = xcalloc(1, sizeof(*place));
        strmap_set(&places->map, name, place);
    }
    return place;
}

static void offer_failed(struct dns_place *place, const struct pod *pod, int64_t age_ms)
{
    if (place->ask_bad == NULL && age_ms >= DNS_FAILED_AGAIN_MS) {
        place->ask_bad = pod->ip;
    }
}

static void offer_asked(struct dns_place *place, const struct pod *pod,
                        const struct dns_observation *said, int64_t age_ms)
{
    bool fresh = age_ms < DNS_AGAIN_MS;
    if (said->result == DNS_ANSWERED) {
        place->answered_before = true;
        place->answered = place->answered || fresh;
    } else {
        place->silent_before = true;
        place->silent += fresh ? 1 : 0;
    }
    if (!fresh && place->ask == NULL) {
        place->ask = pod->ip;
    }
}

void dns_place_offer(struct dns_place *place, const struct snapshot *seen, const struct pod *pod,
                     int64_t now_ms)
{
    place->offered++;
    if (seen->dns == NULL || pod->ip == NULL) {
        place->good++;
        return;
    }
    const struct dns_observation *said = strmap_get(seen->dns, pod->ip);
    if (said != NULL && said->result == DNS_FAILED) {
        offer_failed(place, pod, now_ms - said->at_ms);
        return;
    }
    place->good++;
    if (said != NULL) {
        offer_asked(place, pod, said, now_ms - said->at_ms);
    } else if (place->ask == NULL) {
        place->ask = pod->ip;
    }
}

enum dns_verdict dns_place_ask(const struct dns_place *place, const struct snapshot *seen,
                               struct plan *plan)
{
    if (place->good == 0) {
        if (place->ask_bad != NULL) {
            plan_want_dns(plan, place->ask_bad);
        }
        return DNS_VERDICT_FAILS;
    }
    if (seen->dns == NULL || place->answered) {
        return DNS_VERDICT_ANSWERS;
    }
    if (place->ask != NULL && place->silent < SILENT_ENOUGH) {
        plan_want_dns(plan, place->ask);
        if (!place->answered_before && !place->silent_before) {
            return DNS_VERDICT_ASKED;
        }
    }
    return place->answered_before ? DNS_VERDICT_ANSWERS : DNS_VERDICT_SILENT;
}

void dns_places_say_silent(struct names *silent, struct plan *plan)
{
    if (silent->count > 0) {
        plan_note(plan, false, "DNSUnreachable",
                  "pools whose DNS can't be asked from here, and is judged by Pods, Leases and "
                  "EndpointSlices: %s",
                  names_text(silent));
    }
}
