#include "node/permit.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "kube/elector.h"

struct permit {
    struct loop *loop;
    struct kube_client *client;
    char *identity;
    void (*changed)(void *arg);
    void *arg;
    struct elector *elector; /* NULL: no candidate */
    bool wanted;
    bool releasing;
    int64_t got_ms;
};

static void gained(void *arg)
{
    struct permit *permit = arg;
    permit->got_ms = loop_now_ms(permit->loop);
    permit->changed(permit->arg);
}

static void lost(void *arg)
{
    struct permit *permit = arg;
    permit->changed(permit->arg);
}

struct permit *permit_create(struct loop *loop, struct kube_client *client, const char *identity,
                             void (*changed)(void *arg), void *arg)
{
    struct permit *permit = xcalloc(1, sizeof(*permit));
    *permit = (struct permit){.loop = loop,
                              .client = client,
                              .identity = xstrdup(identity),
                              .changed = changed,
                              .arg = arg};
    return permit;
}

void permit_destroy(struct permit *permit)
{
    if (permit != NULL) {
        elector_destroy(permit->elector);
        free(permit->identity);
        free(permit);
    }
}

static void follow(struct permit *permit);

static void released(void *arg)
{
    struct permit *permit = arg;
    permit->releasing = false;
    elector_destroy(take_ptr(permit->elector));
    follow(permit);
    permit->changed(permit->arg);
}

static void follow(struct permit *permit)
{
    if (permit->wanted && permit->elector == NULL) {
        const struct elector_ops ops = {gained, lost, permit};
        permit->elector =
            elector_create(permit->loop, permit->client, PERMIT_LEASE, permit->identity, &ops);
    } else if (!permit->wanted && permit->elector != NULL && !permit->releasing) {
        permit->releasing = true;
        elector_release(permit->elector, released, permit);
    }
}

void permit_want(struct permit *permit, bool wanted)
{
    permit->wanted = wanted;
    follow(permit);
}

bool permit_held(const struct permit *permit)
{
    return permit->elector != NULL && !permit->releasing && elector_leads(permit->elector);
}

int64_t permit_got_ms(const struct permit *permit)
{
    return permit->got_ms;
}

const char *permit_holder(const struct permit *permit)
{
    return permit->elector != NULL ? elector_holder(permit->elector) : "";
}

bool permit_is_busy(const struct permit *permit)
{
    return permit->releasing;
}
