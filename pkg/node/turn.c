#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "node/private.h"
#include "json/json.h"

enum {
    REREAD_MS = 60000,     /* without any hint that something changed */
    DRIFT_MS = 10000,      /* the same, while something is to be done or can't be seen */
    ONCE_LIMIT_MS = 30000, /* to find out what is to be done */
};

bool agent_is_changing(const struct agent *agent)
{
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        if (ward_is_changing(&agent->wards[i])) {
            return true;
        }
    }
    return false;
}

/* --- what is asked --- */

static char *describe(const struct staticpod_wanted *wanted)
{
    if (wanted->component == STATICPOD_CONTROLLER_MANAGER) {
        return xstrdup("nodelifecycle off");
    }
    return xasprintf("Hostname first%s; nameserver %s, domain %s",
                     wanted->no_certificate_authority ? ", no certificate authority" : "",
                     wanted->nameserver != NULL ? wanted->nameserver : "none",
                     wanted->cluster_domain);
}

/* `ret_input` is owned by the caller, and borrowed by the result. */
static struct ward_asked ask_of(const struct agent *agent, const struct ward *ward, enum mode mode,
                                char **ret_input)
{
    const struct policy *policy = &agent->policy;
    bool apiserver = ward->component == STATICPOD_APISERVER;
    struct ward_asked asked = {
        .mode = mode,
        .wanted = {.component = ward->component, .nodelifecycle_off = !apiserver},
        .soak_ms = policy_duration_ms(policy, "static-pods.soak"),
    };
    if (apiserver) {
        asked.wanted.hostname_first = true;
        asked.wanted.no_certificate_authority =
            policy_is(policy, "kube-apiserver.kubelet-certificate-authority", "Remove");
        asked.wanted.nameserver = agent->dns.nameserver;
        asked.wanted.cluster_domain = policy_value(policy, "kube-apiserver.cluster-domain");
        /* names are a gate of their own, which looks into files too */
        asked.wanted.names_allowed = true;
    }
    *ret_input = mode == MODE_REVERT ? xstrdup("revert") : describe(&asked.wanted);
    asked.input = *ret_input;
    return asked;
}

/*
 * Whether it is known what is wanted: the ConfigMap was read, and the cluster where that counts.
 * Until then only what is under way goes on.
 */
static bool is_known(const struct agent *agent, enum mode mode)
{
    bool read = sight_seen(agent->sight)->asked_ms > 0 || agent->blind;
    return store_synced(agent->store) && report_is_loaded(agent->report) &&
           (mode == MODE_IGNORE || mode == MODE_REVERT || read);
}

/* --- how it stands --- */

static bool is_waiting_for_permit(const struct standing *standing)
{
    return standing->state == STANDING_HELD && strcmp(standing->reason, "WaitingForLease") == 0;
}

static void move(struct agent *agent, struct ward *ward, struct standing *next)
{
    bool silent = next->quiet;
    if (!standing_move(&ward->standing, next, clock_wall_ms())) {
        return;
    }
    const struct standing *now = &ward->standing;
    if (silent || is_waiting_for_permit(now) || now->state == STANDING_IGNORED) {
        LOG_INFO("state", "manifest", ward->name, "state", standing_word(now->state), "reason",
                 now->reason, "message", now->message);
    } else {
        say_of_ward(agent, ward, now->warning, now->reason, now->message);
    }
}

/* One that was never seen to be edited has nothing to be reported as wrong by the cluster. */
static void judge(struct agent *agent, struct ward *ward, const struct ward_asked *asked,
                  const struct precondition *verdict)
{
    AUTO(standing) struct standing next = {0};
    if (agent->blind && asked->mode != MODE_REVERT && asked->mode != MODE_IGNORE &&
        sight_seen(agent->sight)->asked_ms == 0 && !ward_is_changing(ward)) {
        standing_set(&next, STANDING_HELD, "Blind", "%s", agent->blind_err.text);
        next.warning = true;
    } else {
        ward_judge(ward, asked, verdict, &next);
    }
    move(agent, ward, &next);
}

/* --- one manifest --- */

static int64_t turn_ward(struct agent *agent, struct ward *ward, const struct manifest_dir *dir,
                         const char *trouble, int64_t now_ms)
{
    enum mode mode = policy_mode_of(&agent->policy, ward->name);
    bool known = is_known(agent, mode);
    bool seen = sight_seen(agent->sight)->asked_ms > 0;
    AUTO_FREE char *input = NULL;
    AUTO(precondition) struct precondition verdict = {0};
    struct ward_asked asked = ask_of(agent, ward, mode, &input);
    enum gate gate = GATE_CLOSED;
    bool tired = ward_is_backing_off(ward, now_ms); /* nothing begins: no gate need be asked */
    if (!known || (!seen && mode != MODE_REVERT)) {
        asked.mode = MODE_IGNORE;
    }
    ward_look(ward, dir, trouble, &asked);
    if (ward_wants_change(ward, &asked) && !tired) {
        gate = gate_change(agent, ward, asked.mode, now_ms, &verdict);
    } else if (seen) {
        gate_cluster(agent, ward, asked.mode, &verdict);
    }
    bool open = gate == GATE_OPEN || tired;
    agent->looking = agent->looking || gate == GATE_LOOKING;
    int64_t wake_ms = ward_turn(ward, &asked,
                                open                      ? NULL
                                : verdict.message != NULL ? verdict.message
                                                          : "not known yet",
                                now_ms);
    asked.mode = mode;
    if (known && gate != GATE_LOOKING) {
        judge(agent, ward, &asked, &verdict);
    }
    return wake_ms;
}

/* --- all of them --- */

static bool wants_sight(const struct agent *agent)
{
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        if (policy_mode_of(&agent->policy, agent->wards[i].name) != MODE_IGNORE) {
            return store_synced(agent->store);
        }
    }
    return false;
}

static bool is_well(const struct agent *agent)
{
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        if (!standing_is_well(&agent->wards[i].standing)) {
            return false;
        }
    }
    return true;
}

static int64_t look_around(struct agent *agent, int64_t now_ms)
{
    int64_t period_ms = is_well(agent) && !agent->blind ? REREAD_MS : DRIFT_MS;
    int64_t read_ms = agent->blind ? agent->blind_ms : sight_seen(agent->sight)->asked_ms;
    if (wants_sight(agent) && (read_ms == 0 || now_ms - read_ms >= period_ms)) {
        sight_read(agent->sight);
    }
    return now_ms + period_ms;
}

/* What is too large is known by its name only. */
static void drop_large(struct manifest_dir *dir)
{
    for (size_t i = 0; i < dir->len; i++) {
        if (dir->list[i].len > WARD_TEXT_MAX) {
            free(take_ptr(dir->list[i].text));
        }
    }
}

static void turn_wards(struct agent *agent, int64_t now_ms, int64_t *wake_ms)
{
    AUTO(manifest_dir) struct manifest_dir dir = {0};
    struct err err;
    bool wanted_before = agent->wants_permit;
    bool read = manifest_dir_read(agent->options.manifests, &dir, &err) == 0;
    drop_large(&dir);
    agent->wants_permit = false;
    agent->looking = false;
    if (sight_seen(agent->sight)->asked_ms > 0) {
        gate_read_dns(agent);
    }
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        int64_t due_ms = turn_ward(agent, &agent->wards[i], read ? &dir : NULL, err.text, now_ms);
        *wake_ms = due_ms < *wake_ms ? due_ms : *wake_ms;
    }
    agent->wants_permit =
        agent->wants_permit || agent_is_changing(agent) || (agent->looking && wanted_before);
}

/* --- once --- */

static bool is_settled(const struct agent *agent, int64_t now_ms)
{
    if (agent->looking || agent_is_changing(agent) || sight_is_reading(agent->sight) ||
        agent->advice_request != 0) {
        return false;
    }
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        const struct standing *standing = &agent->wards[i].standing;
        if (standing->state == STANDING_UNKNOWN ||
            (is_waiting_for_permit(standing) && now_ms - agent->started_ms < ONCE_LIMIT_MS)) {
            return false;
        }
    }
    return report_is_sent(agent->report) || now_ms - agent->started_ms >= ONCE_LIMIT_MS;
}

static void end_if_settled(struct agent *agent, int64_t now_ms)
{
    if (is_settled(agent, now_ms)) {
        agent->status = is_well(agent) ? AGENT_DONE : AGENT_LEFT;
        agent_stop(agent);
    } else if (now_ms - agent->started_ms >= ONCE_LIMIT_MS && !agent_is_changing(agent)) {
        LOG_ERROR("what is asked could not be found out in time", "limitMs", "30000");
        agent->status = AGENT_FAILED;
        agent_stop(agent);
    }
}

void agent_turn(void *arg)
{
    struct agent *agent = arg;
    int64_t now_ms = loop_now_ms(agent->loop);
    int64_t wake_ms = INT64_MAX;
    struct err err;
    if (agent->stopping) {
        return;
    }
    if (agent->watch != NULL && dir_watch_renew(agent->watch, &err) < 0) {
        LOG_DEBUG("no hints of changes", "error", err.text);
    }
    turn_wards(agent, now_ms, &wake_ms);
    permit_want(agent->permit, agent->wants_permit);
    int64_t reread_ms = look_around(agent, now_ms);
    wake_ms = reread_ms < wake_ms ? reread_ms : wake_ms;
    say_report(agent);
    say_advice(agent);
    if (agent->options.once) {
        end_if_settled(agent, now_ms);
        wake_ms = wake_ms < now_ms + 1000 ? wake_ms : now_ms + 1000;
    }
    loop_timer_arm(agent->wake, wake_ms - now_ms);
}
