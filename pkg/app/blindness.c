#include "app/blindness.h"

#include <stdlib.h>

#include "app/inputs.h"
#include "base/alloc.h"

enum {
    LOOK_MS = 5000,
};

enum sight {
    SIGHT_GOOD,
    SIGHT_DOUBTFUL, /* bad at the last look */
    SIGHT_BAD,      /* and that was said */
};

struct blindness {
    struct cluster *cluster;
    struct loop_timer *timer;
    void (*say)(void *arg, bool warning, const char *reason, const char *message);
    void *arg;
    enum sight inputs[INPUT_COUNT];
};

/* Only what the server itself says: an answer that cannot be read is tried again soon. */
static bool is_refused(struct cluster *cluster, enum input input, struct err *ret_err)
{
    struct reflector_health health;
    if (!cluster_health(cluster, input, &health) || health.last_error.http_status == 0) {
        return false;
    }
    *ret_err = health.last_error;
    return true;
}

static void look_at(struct blindness *self, enum input input)
{
    enum sight *sight = &self->inputs[input];
    struct err err;
    if (!is_refused(self->cluster, input, &err)) {
        if (*sight == SIGHT_BAD) {
            AUTO_FREE char *text = xasprintf("%s can be seen again", input_name(input));
            self->say(self->arg, false, "Seen", text);
        }
        *sight = SIGHT_GOOD;
    } else if (*sight == SIGHT_GOOD) {
        *sight = SIGHT_DOUBTFUL;
    } else if (*sight == SIGHT_DOUBTFUL) {
        AUTO_FREE char *text = xasprintf("%s cannot be seen, and what changes in it is missed: %s",
                                         input_name(input), err.text);
        self->say(self->arg, true, "Blind", text);
        *sight = SIGHT_BAD;
    }
}

static void look(void *arg)
{
    struct blindness *self = arg;
    for (enum input input = 0; input < INPUT_COUNT; input++) {
        look_at(self, input);
    }
    loop_timer_arm(self->timer, LOOK_MS);
}

struct blindness *blindness_create(struct loop *loop, struct cluster *cluster,
                                   void (*say)(void *arg, bool warning, const char *reason,
                                               const char *message),
                                   void *arg)
{
    struct blindness *self = xcalloc(1, sizeof(*self));
    self->cluster = cluster;
    self->say = say;
    self->arg = arg;
    self->timer = loop_timer_create(loop, look, self);
    loop_timer_arm(self->timer, LOOK_MS);
    return self;
}

void blindness_destroy(struct blindness *blindness)
{
    if (blindness != NULL) {
        loop_timer_destroy(blindness->timer);
        free(blindness);
    }
}
