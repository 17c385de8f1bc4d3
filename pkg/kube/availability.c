#include "kube/availability.h"

#include "kube/backoff.h"

enum {
    DOUBT_INTERVAL_MS = 1000, /* many watches may doubt at once: one question answers all */
};

enum verdict {
    VERDICT_READY,
    VERDICT_TROUBLE,
    VERDICT_SILENT,
};

void availability_init(struct availability *availability)
{
    *availability = (struct availability){.trouble_since_ms = -1};
}

static int64_t max_ms(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/*
 * 401, 403 and 404 come from a server that works but does not let us ask. A server that did let
 * us ask says 403 while it starts: its authorizer has not read its roles yet.
 */
static enum verdict judge(const struct availability *self, int http_status)
{
    if (http_status == 0) {
        return VERDICT_SILENT;
    }
    if (http_status >= 200 && http_status <= 299) {
        return VERDICT_READY;
    }
    bool denied = http_status == 401 || http_status == 403 || http_status == 404;
    return denied && !self->was_ok ? VERDICT_READY : VERDICT_TROUBLE;
}

static void start(struct availability *self, enum availability_request request, int64_t now_ms,
                  uint64_t random, struct availability_output *out)
{
    self->pending |= request;
    out->start |= request;
    if (self->down && !self->answered) {
        out->fresh |= request;
    }
    if (request == AVAILABILITY_PROBE) {
        int64_t fifth = AVAILABILITY_INTERVAL_MS / 5;
        int64_t jitter_ms = (int64_t)(random % (uint64_t)(2 * fifth + 1)) - fifth;
        self->probe_ms = now_ms + AVAILABILITY_INTERVAL_MS + jitter_ms;
    } else if (request == AVAILABILITY_PATIENT) {
        self->patient_ms = now_ms + AVAILABILITY_PATIENT_INTERVAL_MS;
    } else {
        self->beat_ms = now_ms + AVAILABILITY_INTERVAL_MS;
    }
}

static void take_back(struct availability *self, unsigned requests, struct availability_output *out)
{
    out->cancel |= self->pending & requests;
    self->pending &= ~requests;
}

static void drop_connections(struct availability *self, struct availability_output *out)
{
    take_back(self, ~0U, out);
    out->reset = true;
    self->dropped = true;
    self->answered = false;
}

static void go_down(struct availability *self, int64_t now_ms, bool confirmed, bool drop,
                    struct availability_output *out)
{
    self->down = true;
    self->confirmed = confirmed;
    self->dropped = false;
    self->down_since_ms = now_ms;
    self->trouble_since_ms = -1;
    self->probe_ms = now_ms;
    self->patient_ms = now_ms + AVAILABILITY_PROBE_LIMIT_MS;
    out->went_down = confirmed;
    take_back(self, AVAILABILITY_HEARTBEAT, out);
    if (drop) {
        drop_connections(self, out);
    }
}

static void go_up(struct availability *self, int64_t now_ms, struct availability_output *out)
{
    take_back(self, ~0U, out);
    self->down = false;
    out->came_up = true;
    out->outage_ms = self->confirmed ? max_ms(now_ms - self->down_since_ms, 1) : 0;
}

static void confirm(struct availability *self, struct availability_output *out)
{
    if (!self->confirmed) {
        self->confirmed = true;
        out->went_down = true;
    }
}

/* Waits as long as a troubled server asked for; nothing, when it did not. */
static void obey(struct availability *self, int64_t retry_after_ms, int64_t now_ms)
{
    if (retry_after_ms > 0) {
        int64_t then_ms = now_ms + backoff_believe(retry_after_ms);
        self->probe_ms = max_ms(self->probe_ms, then_ms);
        self->patient_ms = max_ms(self->patient_ms, then_ms);
        self->beat_ms = max_ms(self->beat_ms, then_ms);
    }
}

static void on_answer_while_up(struct availability *self, const struct availability_input *input,
                               enum verdict verdict, int64_t now_ms,
                               struct availability_output *out)
{
    self->answered = verdict != VERDICT_SILENT;
    if (verdict == VERDICT_SILENT) {
        go_down(self, now_ms, true, true, out);
    } else if (verdict == VERDICT_TROUBLE && input->http_status != 429 && !self->tolerated) {
        go_down(self, now_ms, true, false, out);
        self->trouble_since_ms = now_ms;
        self->probe_ms = now_ms + AVAILABILITY_INTERVAL_MS;
        obey(self, input->retry_after_ms, now_ms);
    } else if (verdict == VERDICT_TROUBLE) {
        obey(self, input->retry_after_ms, now_ms);
    }
}

static void on_probe(struct availability *self, const struct availability_input *input,
                     enum verdict verdict, int64_t now_ms, struct availability_output *out)
{
    if (verdict == VERDICT_READY) {
        self->answered = true;
        go_up(self, now_ms, out);
        return;
    }
    confirm(self, out);
    self->answered = verdict != VERDICT_SILENT;
    if (verdict == VERDICT_SILENT) {
        self->trouble_since_ms = -1;
        if (!self->dropped) {
            drop_connections(self, out);
        }
        return;
    }
    /* From here on over the connection that answered. */
    take_back(self, ~0U, out);
    if (self->trouble_since_ms < 0) {
        self->trouble_since_ms = now_ms;
    }
    obey(self, input->retry_after_ms, now_ms);
    if (now_ms - self->trouble_since_ms >= AVAILABILITY_TROUBLE_LIMIT_MS) {
        self->tolerated = true;
        go_up(self, now_ms, out);
    }
}

static void on_result(struct availability *self, const struct availability_input *input,
                      int64_t now_ms, struct availability_output *out)
{
    enum verdict verdict = judge(self, input->http_status);
    self->pending &= ~(unsigned)input->request;
    bool readyz = input->request != AVAILABILITY_HEARTBEAT;
    if (readyz && input->http_status >= 200 && input->http_status <= 299) {
        self->was_ok = true;
        self->tolerated = false;
    }
    if (self->down) {
        on_probe(self, input, verdict, now_ms, out);
    } else {
        on_answer_while_up(self, input, verdict, now_ms, out);
    }
}

static void on_suspect(struct availability *self, int64_t now_ms, struct availability_output *out)
{
    if (!self->down) {
        go_down(self, now_ms, false, true, out);
    } else if (!self->dropped) {
        drop_connections(self, out);
    }
}

/* Starts what is due and says when to ask again. */
static void schedule_down(struct availability *self, int64_t now_ms, uint64_t random,
                          struct availability_output *out)
{
    int64_t next_ms = INT64_MAX;
    if ((self->pending & AVAILABILITY_PROBE) == 0) {
        if (self->probe_ms <= now_ms) {
            start(self, AVAILABILITY_PROBE, now_ms, random, out);
        } else {
            next_ms = self->probe_ms;
        }
    }
    if ((self->pending & AVAILABILITY_PATIENT) == 0 && !self->answered) {
        if (self->patient_ms <= now_ms) {
            start(self, AVAILABILITY_PATIENT, now_ms, random, out);
        } else if (self->patient_ms < next_ms) {
            next_ms = self->patient_ms;
        }
    }
    out->timer_ms = next_ms == INT64_MAX ? -1 : next_ms - now_ms;
}

static void schedule_up(struct availability *self, int64_t idle_ms, int64_t now_ms, uint64_t random,
                        struct availability_output *out)
{
    if (!self->watched || (self->pending & AVAILABILITY_HEARTBEAT) != 0) {
        return;
    }
    int64_t wait_ms = max_ms(AVAILABILITY_HEARTBEAT_IDLE_MS - idle_ms, self->beat_ms - now_ms);
    if (wait_ms > 0) {
        out->timer_ms = wait_ms;
    } else {
        start(self, AVAILABILITY_HEARTBEAT, now_ms, random, out);
    }
}

/* A question at once, over the connection that is there. */
static void ask(struct availability *self, const struct availability_input *input, int64_t now_ms,
                struct availability_output *out)
{
    if (!self->down && (self->pending & AVAILABILITY_PATIENT) == 0 && self->patient_ms <= now_ms) {
        start(self, AVAILABILITY_PATIENT, now_ms, input->random, out);
        self->patient_ms = now_ms + DOUBT_INTERVAL_MS;
    }
}

void availability_step(struct availability *availability, const struct availability_input *input,
                       int64_t now_ms, struct availability_output *ret_output)
{
    struct availability *self = availability;
    *ret_output = (struct availability_output){.timer_ms = -1};
    switch (input->type) {
    case AVAILABILITY_IN_WATCHED:
        if (!self->watched) {
            /* The first answer also shows whether we may ask: see judge(). */
            self->watched = true;
            ask(self, input, now_ms, ret_output);
        }
        break;
    case AVAILABILITY_IN_SUSPECT:
        on_suspect(self, now_ms, ret_output);
        break;
    case AVAILABILITY_IN_DOUBT:
        ask(self, input, now_ms, ret_output);
        break;
    case AVAILABILITY_IN_RESULT:
        on_result(self, input, now_ms, ret_output);
        break;
    case AVAILABILITY_IN_TIMER:
        break;
    }
    if (self->down) {
        schedule_down(self, now_ms, input->random, ret_output);
    } else {
        schedule_up(self, input->idle_ms, now_ms, input->random, ret_output);
    }
}
