/*
 * The order of a stop: no more reconciles, the write under way, the watches, the Lease, the Events.
 */
#include "app/private.h"
#include "base/log.h"

enum {
    DRAIN_MS = 5000, /* for the Events that are queued when we are told to stop */
    STOP_MS = 25000, /* for all of the stop; a pod has 30 s */
};

static void drained(void *arg)
{
    struct steward *steward = arg;
    loop_stop(steward->loop);
}

static void released(void *arg)
{
    struct steward *steward = arg;
    event_recorder_drain(steward->recorder, DRAIN_MS, drained, steward);
}

static void writes_done(void *arg)
{
    struct steward *steward = arg;
    cluster_follow(steward->cluster, 0);
    if (steward->elector != NULL) {
        elector_release(steward->elector, released, steward);
    } else {
        released(steward);
    }
}

void steward_stop_too_late(void *arg)
{
    struct steward *steward = arg;
    LOG_ERROR("the stop took too long, leaving", "limitMs", "25000");
    steward->status = 1;
    loop_stop(steward->loop);
}

void steward_stop(struct steward *steward)
{
    if (steward->stopping) {
        return;
    }
    steward->stopping = true;
    loop_timer_arm(steward->hurry, STOP_MS);
    engine_stop(steward->engine, writes_done, steward);
}
