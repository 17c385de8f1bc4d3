#include "kube/backoff.h"

int64_t backoff_believe(int64_t retry_after_ms)
{
    return retry_after_ms < BACKOFF_RETRY_AFTER_MAX_MS ? retry_after_ms
                                                       : BACKOFF_RETRY_AFTER_MAX_MS;
}

void backoff_init(struct backoff *backoff)
{
    backoff->bound_ms = BACKOFF_FIRST_MS;
    backoff->healthy_since_ms = -1;
}

void backoff_healthy(struct backoff *backoff, int64_t now_ms)
{
    if (backoff->healthy_since_ms < 0) {
        backoff->healthy_since_ms = now_ms;
    }
}

void backoff_interrupt(struct backoff *backoff, int64_t now_ms)
{
    if (backoff->healthy_since_ms >= 0 && now_ms - backoff->healthy_since_ms >= BACKOFF_HEALTH_MS) {
        backoff->bound_ms = BACKOFF_FIRST_MS;
    }
    backoff->healthy_since_ms = -1;
}

int64_t backoff_next(struct backoff *backoff, int64_t retry_after_ms, int64_t now_ms,
                     uint64_t random)
{
    backoff_interrupt(backoff, now_ms);
    uint64_t range = (uint64_t)(backoff->bound_ms - BACKOFF_FLOOR_MS + 1);
    int64_t delay_ms = BACKOFF_FLOOR_MS + (int64_t)(random % range);
    backoff->bound_ms = backoff->bound_ms * 2;
    if (backoff->bound_ms > BACKOFF_CAP_MS) {
        backoff->bound_ms = BACKOFF_CAP_MS;
    }
    if (retry_after_ms <= 0) {
        return delay_ms;
    }
    int64_t asked_ms = backoff_believe(retry_after_ms);
    int64_t spread_ms = (int64_t)(random % BACKOFF_FIRST_MS);
    return delay_ms > asked_ms ? delay_ms : asked_ms + spread_ms;
}
