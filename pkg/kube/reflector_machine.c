#include "kube/reflector_machine.h"

#include <string.h>

#include "kube/object.h"

/* splitmix64: enough for jitter, and the same everywhere. */
static uint64_t next_random(struct reflector_machine *self)
{
    self->seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = self->seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void reflector_machine_init(struct reflector_machine *machine, bool single, bool list_only,
                            uint64_t seed)
{
    *machine = (struct reflector_machine){
        .state = REFLECTOR_IDLE,
        .single = single,
        .list_only = list_only,
        .started_ms = -REFLECTOR_REOPEN_MS,
        .relisted_ms = -REFLECTOR_RELIST_MS,
        .hurried_ms = -REFLECTOR_HURRY_MS,
        .check_ms = INT64_MAX,
        .seed = seed,
    };
    backoff_init(&machine->backoff);
}

static bool version_usable(const char *version)
{
    return version != NULL && version[0] != '\0' && strlen(version) < REFLECTOR_VERSION_MAX;
}

/* Any of the machine's own versions may be given, `slot` too. */
static void set_version(char slot[REFLECTOR_VERSION_MAX], const char *version)
{
    memmove(slot, version, strlen(version) + 1);
}

static bool is_gone(const struct kube_status *status)
{
    return status->code == 410 || strcmp(status->reason, "Expired") == 0 ||
           strcmp(status->reason, "Gone") == 0;
}

/*
 * What a server says that is starting or stopping: handlers that fail, an authorizer that has not
 * read its roles, a custom resource that is not served yet, a watch cache that has lost its etcd.
 */
static bool is_doubtful(const struct kube_status *status)
{
    return status->code >= 500 || status->code == 401 || status->code == 403 ||
           status->code == 404 || status->code == 429;
}

/* --- commands --- */

static void wait_for(struct reflector_machine *self, enum reflector_next next, int64_t delay_ms,
                     struct reflector_output *out)
{
    self->state = REFLECTOR_WAITING;
    self->next = next;
    out->command = REFLECTOR_WAIT;
    out->timer_ms = delay_ms;
}

static void back_off(struct reflector_machine *self, enum reflector_next next,
                     int64_t retry_after_ms, int64_t now_ms, struct reflector_output *out)
{
    uint64_t random = next_random(self);
    wait_for(self, next, backoff_next(&self->backoff, retry_after_ms, now_ms, random), out);
    self->not_before_ms = now_ms + backoff_believe(retry_after_ms);
}

/*
 * client-go's rule: "0" at first, for any watch cache may answer that; then what was seen last;
 * "" (the newest, from etcd) once that was refused. A limit at a resourceVersion makes the server
 * go to etcd instead of its cache, so it is set only where that is so anyway.
 */
static void list_at(struct reflector_machine *self, const char *version, bool whole,
                    struct reflector_output *out)
{
    bool newest = version[0] == '\0';
    bool any = strcmp(version, "0") == 0;
    set_version(self->asked, version);
    self->state = REFLECTOR_LISTING;
    self->continued = false;
    self->whole = whole;
    out->command = REFLECTOR_LIST;
    out->version = self->asked;
    out->match = newest || any ? "" : "NotOlderThan";
    out->limit = !whole && (newest || any || self->pages) ? REFLECTOR_PAGE_LIMIT : 0;
}

static void list(struct reflector_machine *self, struct reflector_output *out)
{
    const char *version = self->held[0] != '\0' ? self->held : "0";
    list_at(self, self->unavailable ? "" : version, false, out);
}

static void watch_at(struct reflector_machine *self, const char *version, int64_t now_ms,
                     struct reflector_output *out)
{
    self->events = 0;
    self->started_ms = now_ms;
    out->command = REFLECTOR_WATCH;
    out->version = version;
    out->timeout_s =
        REFLECTOR_TIMEOUT_MIN_S + (int)(next_random(self) % (REFLECTOR_TIMEOUT_MIN_S + 1));
}

static void open_watch(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    watch_at(self, self->held, now_ms, out);
    self->state = REFLECTOR_OPENING;
    out->timer_ms = REFLECTOR_OPEN_LIMIT_MS;
}

/* Gets the whole collection: streamed where that may work, else listed. */
static void sync(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    if (self->plain || self->list_only) {
        list(self, out);
        return;
    }
    set_version(self->asked, self->unavailable ? "" : self->held);
    watch_at(self, self->asked, now_ms, out);
    self->state = REFLECTOR_STREAM_OPENING;
    out->match = "NotOlderThan";
    out->send_initial_events = true;
    out->timer_ms = REFLECTOR_STREAM_LIMIT_MS;
}

/* Relists at once, unless that was done a moment ago: then it does not help. */
static void relist(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    if (now_ms - self->relisted_ms < REFLECTOR_RELIST_MS) {
        back_off(self, REFLECTOR_NEXT_SYNC, 0, now_ms, out);
        return;
    }
    self->relisted_ms = now_ms;
    sync(self, now_ms, out);
}

static void plan_check(struct reflector_machine *self, int64_t shortest_ms, int64_t now_ms)
{
    self->check_ms = now_ms + shortest_ms + (int64_t)(next_random(self) % (uint64_t)shortest_ms);
}

/* Goes on watching; looks first whether the server's versions went back, when that is due. */
static void resume_watch(struct reflector_machine *self, int64_t now_ms,
                         struct reflector_output *out)
{
    if (now_ms < self->check_ms) {
        open_watch(self, now_ms, out);
    } else if (self->single) {
        list_at(self, "", false, out);
    } else {
        self->state = REFLECTOR_CHECKING;
        out->command = REFLECTOR_CHECK;
        out->limit = 1;
    }
}

static void go_on(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    if (self->next == REFLECTOR_NEXT_SYNC) {
        sync(self, now_ms, out);
    } else {
        resume_watch(self, now_ms, out);
    }
}

/* --- lists --- */

static void commit(struct reflector_machine *self, const char *version, int64_t now_ms,
                   struct reflector_output *out)
{
    bool newest = self->asked[0] == '\0';
    out->store = REFLECTOR_COMMIT;
    out->rewind =
        newest && self->held[0] != '\0' && resource_version_compare(version, self->held) < 0;
    set_version(self->held, version);
    self->unavailable = false;
    self->plain = false;
    if (newest || self->check_ms == INT64_MAX) {
        plan_check(self, REFLECTOR_CHECK_MIN_MS, now_ms);
    }
}

static void on_list_failed(struct reflector_machine *self, const struct kube_status *status,
                           int64_t now_ms, struct reflector_output *out)
{
    bool gone = is_gone(status);
    out->store = REFLECTOR_DISCARD;
    if (gone && self->continued && !self->whole) {
        list_at(self, self->asked, true, out);
    } else if ((gone || status->too_large_version) && self->asked[0] != '\0') {
        self->unavailable = true;
        list(self, out);
    } else {
        out->doubt = is_doubtful(status);
        back_off(self, REFLECTOR_NEXT_SYNC, status->retry_after_ms, now_ms, out);
    }
}

static void on_check_failed(struct reflector_machine *self, const struct kube_status *status,
                            int64_t now_ms, struct reflector_output *out)
{
    plan_check(self, REFLECTOR_CHECK_MIN_MS / 10, now_ms);
    out->doubt = is_doubtful(status);
    if (out->doubt) {
        back_off(self, REFLECTOR_NEXT_WATCH, status->retry_after_ms, now_ms, out);
    } else {
        open_watch(self, now_ms, out);
    }
}

static void on_failed(struct reflector_machine *self, const struct kube_status *status,
                      int64_t now_ms, struct reflector_output *out)
{
    if (self->state == REFLECTOR_LISTING) {
        on_list_failed(self, status, now_ms, out);
    } else if (self->state == REFLECTOR_CHECKING) {
        on_check_failed(self, status, now_ms, out);
    }
}

static void on_checked(struct reflector_machine *self, const char *version, int64_t now_ms,
                       struct reflector_output *out)
{
    plan_check(self, REFLECTOR_CHECK_MIN_MS, now_ms);
    if (resource_version_compare(version, self->held) < 0) {
        self->unavailable = true;
        self->plain = true;
        list(self, out);
    } else {
        open_watch(self, now_ms, out);
    }
}

static void on_page(struct reflector_machine *self, const struct reflector_input *input,
                    int64_t now_ms, struct reflector_output *out)
{
    if (!version_usable(input->version)) {
        on_failed(self, &(struct kube_status){0}, now_ms, out);
    } else if (self->state == REFLECTOR_CHECKING) {
        on_checked(self, input->version, now_ms, out);
    } else if (self->state == REFLECTOR_LISTING && input->continue_token != NULL &&
               input->continue_token[0] != '\0') {
        self->pages = self->pages || strcmp(self->asked, "0") == 0;
        self->continued = true;
        out->command = REFLECTOR_LIST;
        out->continue_token = input->continue_token;
        out->limit = REFLECTOR_PAGE_LIMIT;
    } else if (self->state == REFLECTOR_LISTING) {
        commit(self, input->version, now_ms, out);
        open_watch(self, now_ms, out);
    }
}

/* --- watches --- */

static bool is_streaming(const struct reflector_machine *self)
{
    return self->state == REFLECTOR_STREAM_OPENING || self->state == REFLECTOR_STREAMING;
}

static bool has_watch(const struct reflector_machine *self)
{
    return is_streaming(self) || self->state == REFLECTOR_OPENING ||
           self->state == REFLECTOR_WATCHING;
}

/* Whatever went wrong with a streamed list: without one, this time. */
static void list_instead(struct reflector_machine *self, struct reflector_output *out)
{
    self->plain = true;
    out->store = REFLECTOR_DISCARD;
    list(self, out);
}

static void on_open(struct reflector_machine *self, int64_t now_ms)
{
    self->opened_ms = now_ms;
    if (self->state == REFLECTOR_OPENING) {
        self->state = REFLECTOR_WATCHING;
        backoff_healthy(&self->backoff, now_ms);
    } else if (self->state == REFLECTOR_STREAM_OPENING) {
        self->state = REFLECTOR_STREAMING;
    }
}

static void on_garbled(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    if (is_streaming(self)) {
        list_instead(self, out);
    } else if (has_watch(self)) {
        back_off(self, REFLECTOR_NEXT_SYNC, 0, now_ms, out);
    }
}

static void on_event(struct reflector_machine *self, const struct reflector_input *input,
                     int64_t now_ms, struct reflector_output *out)
{
    bool streaming = self->state == REFLECTOR_STREAMING;
    if (!streaming && self->state != REFLECTOR_WATCHING) {
        return;
    }
    if (!version_usable(input->version)) {
        on_garbled(self, now_ms, out);
        return;
    }
    self->events++;
    if (streaming && input->type == REFLECTOR_IN_EVENT) {
        out->store = REFLECTOR_COLLECT;
    } else if (streaming && input->initial_events_end) {
        commit(self, input->version, now_ms, out);
        self->state = REFLECTOR_WATCHING;
        backoff_healthy(&self->backoff, now_ms);
    } else if (!streaming) {
        set_version(self->held, input->version);
        out->store = input->type == REFLECTOR_IN_EVENT ? REFLECTOR_APPLY : REFLECTOR_KEEP;
    }
}

static void on_stream_error(struct reflector_machine *self, const struct kube_status *status,
                            int64_t now_ms, struct reflector_output *out)
{
    self->unavailable = self->unavailable || status->too_large_version;
    out->doubt = is_doubtful(status) && !status->too_large_version;
    if (status->code == 429) {
        self->plain = true;
        out->store = REFLECTOR_DISCARD;
        back_off(self, REFLECTOR_NEXT_SYNC, status->retry_after_ms, now_ms, out);
    } else {
        list_instead(self, out);
    }
}

static void on_watch_error(struct reflector_machine *self, const struct kube_status *status,
                           int64_t now_ms, struct reflector_output *out)
{
    if (is_streaming(self)) {
        on_stream_error(self, status, now_ms, out);
    } else if (!has_watch(self)) {
        return;
    } else if (is_gone(status)) {
        relist(self, now_ms, out);
    } else if (status->too_large_version) {
        self->unavailable = true;
        relist(self, now_ms, out);
    } else {
        bool relist_too = status->code != 429;
        out->doubt = is_doubtful(status);
        back_off(self, relist_too ? REFLECTOR_NEXT_SYNC : REFLECTOR_NEXT_WATCH,
                 status->retry_after_ms, now_ms, out);
    }
}

static void on_watch_end(struct reflector_machine *self, int64_t now_ms,
                         struct reflector_output *out)
{
    if (self->state == REFLECTOR_STREAMING) {
        list_instead(self, out);
    } else if (self->state == REFLECTOR_WATCHING) {
        int64_t early_ms = self->started_ms + REFLECTOR_REOPEN_MS - now_ms;
        if (self->events == 0 && now_ms - self->opened_ms < REFLECTOR_SHORT_WATCH_MS) {
            back_off(self, REFLECTOR_NEXT_SYNC, 0, now_ms, out);
        } else if (early_ms > 0) {
            wait_for(self, REFLECTOR_NEXT_WATCH, early_ms, out);
        } else {
            resume_watch(self, now_ms, out);
        }
    }
}

/* --- availability and time --- */

static void on_no_answer(struct reflector_machine *self, int64_t now_ms,
                         struct reflector_output *out)
{
    bool listing = self->state == REFLECTOR_LISTING || is_streaming(self);
    if (!listing && self->state != REFLECTOR_CHECKING && !has_watch(self)) {
        return;
    }
    backoff_interrupt(&self->backoff, now_ms);
    self->next = listing ? REFLECTOR_NEXT_SYNC : REFLECTOR_NEXT_WATCH;
    self->state = REFLECTOR_BLOCKED;
    out->store = listing ? REFLECTOR_DISCARD : REFLECTOR_KEEP;
    out->command = REFLECTOR_WAIT_UP;
}

static void on_up(struct reflector_machine *self, int64_t outage_ms, int64_t now_ms,
                  struct reflector_output *out)
{
    bool away = outage_ms > 0;
    if (away && self->check_ms != INT64_MAX) {
        self->check_ms = now_ms; /* etcd is restored in outages */
    }
    bool waiting = self->state == REFLECTOR_WAITING && away;
    if (self->state != REFLECTOR_BLOCKED && !waiting) {
        return;
    }
    int64_t next_ms = self->hurried_ms + REFLECTOR_HURRY_MS;
    int64_t early_ms = (next_ms > self->not_before_ms ? next_ms : self->not_before_ms) - now_ms;
    if (early_ms <= 0) {
        self->hurried_ms = now_ms;
        go_on(self, now_ms, out);
    } else if (away) {
        wait_for(self, self->next, early_ms, out);
    } else {
        /* It answers the probe and not us, again and again. */
        back_off(self, self->next, 0, now_ms, out);
    }
}

static void on_timer(struct reflector_machine *self, int64_t now_ms, struct reflector_output *out)
{
    switch (self->state) {
    case REFLECTOR_WAITING:
        go_on(self, now_ms, out);
        break;
    case REFLECTOR_STREAMING:
        /* Who swallowed the option will do so again. */
        self->list_only = true;
        list_instead(self, out);
        break;
    case REFLECTOR_STREAM_OPENING:
        out->doubt = true;
        list_instead(self, out);
        break;
    case REFLECTOR_OPENING:
        out->doubt = true;
        back_off(self, REFLECTOR_NEXT_WATCH, 0, now_ms, out);
        break;
    case REFLECTOR_IDLE:
    case REFLECTOR_LISTING:
    case REFLECTOR_CHECKING:
    case REFLECTOR_WATCHING:
    case REFLECTOR_BLOCKED:
        break;
    }
}

void reflector_step(struct reflector_machine *machine, const struct reflector_input *input,
                    int64_t now_ms, struct reflector_output *ret_output)
{
    struct reflector_machine *self = machine;
    *ret_output =
        (struct reflector_output){.timer_ms = -1, .version = "", .match = "", .continue_token = ""};
    switch (input->type) {
    case REFLECTOR_IN_START:
        if (self->state == REFLECTOR_IDLE) {
            sync(self, now_ms, ret_output);
        }
        break;
    case REFLECTOR_IN_PAGE:
        on_page(self, input, now_ms, ret_output);
        break;
    case REFLECTOR_IN_LIST_FAILED:
        on_failed(self, &input->status, now_ms, ret_output);
        break;
    case REFLECTOR_IN_NO_ANSWER:
        on_no_answer(self, now_ms, ret_output);
        break;
    case REFLECTOR_IN_OPEN:
        on_open(self, now_ms);
        break;
    case REFLECTOR_IN_EVENT:
    case REFLECTOR_IN_BOOKMARK:
        on_event(self, input, now_ms, ret_output);
        break;
    case REFLECTOR_IN_SKIPPED:
        break;
    case REFLECTOR_IN_WATCH_ERROR:
        on_watch_error(self, &input->status, now_ms, ret_output);
        break;
    case REFLECTOR_IN_GARBLED:
        on_garbled(self, now_ms, ret_output);
        break;
    case REFLECTOR_IN_WATCH_END:
        on_watch_end(self, now_ms, ret_output);
        break;
    case REFLECTOR_IN_TIMER:
        on_timer(self, now_ms, ret_output);
        break;
    case REFLECTOR_IN_UP:
        on_up(self, input->outage_ms, now_ms, ret_output);
        break;
    }
}
