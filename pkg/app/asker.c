#include "app/asker.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dns/dns.h"

enum {
    DEADLINE_MS = 1500,
    OBSERVATIONS_MAX = 16384, /* pods come and go; then all are asked anew */
};

struct question {
    struct asker *asker;
    char *address; /* NULL: the slot is free */
    struct dns_query *query;
};

struct asker {
    struct loop *loop;
    struct strmap *observations;
    void (*idle)(void *arg);
    void *arg;
    struct loop_deferred *tell;
    struct question questions[PLAN_DNS_MAX];
    size_t asking;
};

static void tell(void *arg)
{
    struct asker *asker = arg;
    if (asker->asking == 0) {
        asker->idle(asker->arg);
    }
}

struct asker *asker_create(struct loop *loop, struct strmap *observations, void (*idle)(void *arg),
                           void *arg)
{
    struct asker *asker = xcalloc(1, sizeof(*asker));
    asker->loop = loop;
    asker->observations = observations;
    asker->idle = idle;
    asker->arg = arg;
    asker->tell = loop_deferred_create(loop, tell, asker);
    return asker;
}

void asker_destroy(struct asker *asker)
{
    if (asker == NULL) {
        return;
    }
    for (size_t i = 0; i < PLAN_DNS_MAX; i++) {
        dns_query_destroy(asker->questions[i].query);
        free(asker->questions[i].address);
    }
    loop_deferred_destroy(asker->tell);
    free(asker);
}

static void answered(void *arg, enum dns_result result)
{
    struct question *question = arg;
    struct asker *asker = question->asker;
    struct dns_observation *seen = xmalloc(sizeof(*seen));
    *seen = (struct dns_observation){result, loop_now_ms(asker->loop)};
    if (asker->observations->len >= OBSERVATIONS_MAX) {
        strmap_clear(asker->observations);
    }
    strmap_set(asker->observations, question->address, seen);
    question->query = NULL;
    free(take_ptr(question->address));
    asker->asking--;
    loop_deferred_schedule(asker->tell);
}

/* The slot that asks this address, or a free one; NULL: all are taken. */
static struct question *find_slot(struct asker *asker, const char *address)
{
    struct question *free_slot = NULL;
    for (size_t i = 0; i < PLAN_DNS_MAX; i++) {
        struct question *question = &asker->questions[i];
        if (question->address == NULL) {
            free_slot = free_slot != NULL ? free_slot : question;
        } else if (strcmp(question->address, address) == 0) {
            return question;
        }
    }
    return free_slot;
}

void asker_ask(struct asker *asker, const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->dns_len; i++) {
        const struct dns_question asked = {plan->dns[i], DNS_PORT, name, DEADLINE_MS};
        struct question *slot = find_slot(asker, plan->dns[i]);
        struct err err;
        if (slot == NULL || slot->address != NULL) {
            continue;
        }
        slot->asker = asker;
        slot->address = xstrdup(plan->dns[i]);
        asker->asking++;
        if (dns_ask(asker->loop, &asked, answered, slot, &slot->query, &err) < 0) {
            LOG_DEBUG("cannot ask a DNS server", "address", slot->address, "error", err.text);
            answered(slot, DNS_SILENT);
        }
    }
}
