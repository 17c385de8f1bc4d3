#include "kube/prober.h"

#include "base/alloc.h"
#include "kube/availability.h"

enum {
    READYZ_BODY_MAX = 64 * 1024,
    REQUESTS = 3,
};

struct probe {
    struct prober *prober; /* back */
    enum availability_request request;
    uint64_t id; /* 0: none under way */
};

struct prober {
    struct loop *loop;
    struct http_client *http;
    struct auth *auth;
    struct prober_hooks hooks;
    struct availability availability;
    struct loop_timer *timer;
    struct loop_deferred *tell; /* delivers `lost` and `up` */
    struct probe probes[REQUESTS];
    bool tell_lost;
    bool tell_up;
    int64_t outage_ms;
    char *why; /* the last request of ours that failed; NULL: none did */
};

static void step(struct prober *prober, struct availability_input *input);

static int64_t limit_of(enum availability_request request, bool fresh)
{
    if (request == AVAILABILITY_PATIENT) {
        return AVAILABILITY_PATIENT_LIMIT_MS;
    }
    if (request == AVAILABILITY_HEARTBEAT) {
        return AVAILABILITY_HEARTBEAT_LIMIT_MS;
    }
    return fresh ? AVAILABILITY_PROBE_LIMIT_MS : AVAILABILITY_TROUBLED_LIMIT_MS;
}

/* Paths that every account may ask for (ClusterRole system:public-info-viewer). */
static const char *path_of(enum availability_request request)
{
    return request == AVAILABILITY_HEARTBEAT ? "/livez?exclude=etcd" : "/readyz";
}

static void on_done(void *arg, const struct http_response *response, const struct err *err)
{
    struct probe *probe = arg;
    struct prober *prober = probe->prober;
    probe->id = 0;
    if (err != NULL && err->kind == ERR_CANCELLED) {
        return; /* the client is being destroyed */
    }
    int status = err == NULL ? response->status : 0;
    prober->hooks.request(prober->hooks.arg, path_of(probe->request), status,
                          response->duration_ms);
    if (status != 200) {
        free(prober->why);
        prober->why = err != NULL
                          ? xstrdup(err->text)
                          : xasprintf("%s: HTTP status %d", path_of(probe->request), status);
    }
    if (status == 401) {
        auth_rejected(prober->auth);
    } else if (response->untrusted) {
        prober->hooks.untrusted(prober->hooks.arg, err->text);
        auth_untrusted(prober->auth);
    }
    step(prober, &(struct availability_input){.type = AVAILABILITY_IN_RESULT,
                                              .request = probe->request,
                                              .http_status = status,
                                              .retry_after_ms = response->retry_after_ms});
}

static void submit(struct prober *prober, struct probe *probe, bool fresh)
{
    static const struct http_handler handler = {.done = on_done};
    int64_t limit_ms = limit_of(probe->request, fresh);
    struct http_request request = {
        .method = "GET",
        .path = path_of(probe->request),
        .fresh_connection = fresh,
        .connect_ms = limit_ms,
        .deadline_ms = limit_ms,
        .body_limit = READYZ_BODY_MAX,
    };
    auth_headers(prober->auth, request.headers, 0);
    probe->id = http_submit(prober->http, &request, &handler, probe);
}

/* Cancelling comes first: what reset would end is not reported twice. */
static void carry_out(struct prober *prober, const struct availability_output *out)
{
    for (size_t i = 0; i < REQUESTS; i++) {
        struct probe *probe = &prober->probes[i];
        if ((out->cancel & probe->request) != 0) {
            http_cancel(prober->http, probe->id);
            probe->id = 0;
        }
    }
    if (out->reset) {
        http_client_reset(prober->http);
        prober->hooks.dropped(prober->hooks.arg);
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        struct probe *probe = &prober->probes[i];
        if ((out->start & probe->request) != 0) {
            submit(prober, probe, (out->fresh & probe->request) != 0);
        }
    }
}

static void step(struct prober *prober, struct availability_input *input)
{
    struct availability_output out;
    input->idle_ms = http_client_idle_ms(prober->http);
    input->random = loop_random(prober->loop, UINT32_MAX);
    availability_step(&prober->availability, input, loop_now_ms(prober->loop), &out);
    carry_out(prober, &out);
    if (out.timer_ms < 0) {
        loop_timer_disarm(prober->timer);
    } else {
        loop_timer_arm(prober->timer, out.timer_ms);
    }
    prober->tell_lost = prober->tell_lost || out.went_down;
    if (out.came_up) {
        prober->tell_up = true;
        prober->outage_ms = out.outage_ms;
    }
    if (out.went_down || out.came_up) {
        loop_deferred_schedule(prober->tell);
    }
}

static void on_timer(void *arg)
{
    step(arg, &(struct availability_input){.type = AVAILABILITY_IN_TIMER});
}

static void on_tell(void *arg)
{
    struct prober *prober = arg;
    bool lost = prober->tell_lost;
    bool up = prober->tell_up;
    prober->tell_lost = false;
    prober->tell_up = false;
    if (lost) {
        prober->hooks.lost(prober->hooks.arg, prober->why != NULL ? prober->why : "");
    }
    if (up) {
        prober->hooks.up(prober->hooks.arg, prober->outage_ms);
    }
}

struct prober *prober_create(struct loop *loop, struct http_client *http, struct auth *auth,
                             const struct prober_hooks *hooks)
{
    struct prober *prober = xcalloc(1, sizeof(*prober));
    prober->loop = loop;
    prober->http = http;
    prober->auth = auth;
    prober->hooks = *hooks;
    availability_init(&prober->availability);
    prober->timer = loop_timer_create(loop, on_timer, prober);
    prober->tell = loop_deferred_create(loop, on_tell, prober);
    static const enum availability_request requests[REQUESTS] = {
        AVAILABILITY_PROBE, AVAILABILITY_PATIENT, AVAILABILITY_HEARTBEAT};
    for (size_t i = 0; i < REQUESTS; i++) {
        prober->probes[i] = (struct probe){.prober = prober, .request = requests[i]};
    }
    return prober;
}

void prober_destroy(struct prober *prober)
{
    if (prober == NULL) {
        return;
    }
    for (size_t i = 0; i < REQUESTS; i++) {
        http_cancel(prober->http, prober->probes[i].id);
    }
    loop_deferred_destroy(prober->tell);
    loop_timer_destroy(prober->timer);
    free(prober->why);
    free(prober);
}

bool prober_up(const struct prober *prober)
{
    return !prober->availability.down;
}

void prober_watch(struct prober *prober)
{
    step(prober, &(struct availability_input){.type = AVAILABILITY_IN_WATCHED});
}

void prober_suspect(struct prober *prober)
{
    step(prober, &(struct availability_input){.type = AVAILABILITY_IN_SUSPECT});
}

void prober_doubt(struct prober *prober)
{
    step(prober, &(struct availability_input){.type = AVAILABILITY_IN_DOUBT});
}
