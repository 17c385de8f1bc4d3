#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "base/version.h"
#include "node/kubeadm_config.h"
#include "node/private.h"
#include "json/json.h"

static void record(struct agent *agent, bool warning, const char *reason, const char *message,
                   const struct event *about)
{
    struct event event = *about;
    event.warning = warning;
    event.reason = reason;
    event.action = "KeepManifest";
    event.note = message;
    event.api_version = "v1";
    event.ns = "kube-system";
    event_record(agent->recorder, &event);
}

void say_of_ward(struct agent *agent, const struct ward *ward, bool warning, const char *reason,
                 const char *message)
{
    const struct facts *facts = &ward->facts;
    AUTO_FREE char *pod =
        xasprintf("%s-%s", facts->pod != NULL ? facts->pod : ward->name, agent->options.node);
    record(agent, warning, reason, message,
           &(struct event){.kind = "Pod",
                           .name = pod,
                           .uid = json_get_str_or(ward->mirror.pod, "metadata/uid", "")});
    tally_said(agent->tally, ward->name, reason);
    LOG_AT(warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, "manifest", ward->name, "reason",
           reason);
}

void say_of_config(struct agent *agent, const char *name, bool warning, const char *reason,
                   const char *message)
{
    record(agent, warning, reason, message,
           &(struct event){.kind = "ConfigMap", .name = name, .uid = ""});
    LOG_AT(warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, message, "configMap", name, "reason", reason);
}

/* Those of the agent's keys; the others are the operator's to say. */
static bool is_about_manifests(const char *problem)
{
    static const char *const prefixes[] = {"kube-controller-manager", "kube-apiserver",
                                           "static-pods"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (strncmp(problem, prefixes[i], strlen(prefixes[i])) == 0) {
            return true;
        }
    }
    return false;
}

void say_problems(struct agent *agent)
{
    static char said[] = "said";
    struct strmap now = STRMAP_INIT(NULL);
    for (size_t i = 0; i < agent->policy.problems_len; i++) {
        const char *problem = agent->policy.problems[i];
        if (strmap_get(&agent->problems, problem) == NULL && is_about_manifests(problem)) {
            say_of_config(agent, "yurt-steward", true, "InvalidConfiguration", problem);
        }
        strmap_set(&now, problem, said);
    }
    strmap_finish(&agent->problems);
    agent->problems = now;
}

/* --- for status --- */

static struct json_object *entry_of(const struct agent *agent, const struct ward *ward)
{
    const struct standing *standing = &ward->standing;
    char since[TIMEFMT_SIZE];
    struct json_object *entry = json_new_object();
    timefmt_rfc3339(standing->since_ms, since);
    json_set_str(entry, "mode", mode_word(policy_mode_of(&agent->policy, ward->name)));
    json_set_str(entry, "state", standing_word(standing->state));
    json_set_str(entry, "since", since);
    json_set_str(entry, "reason", standing->reason);
    json_set_str(entry, "message", standing->message);
    return entry;
}

void say_report(struct agent *agent)
{
    AUTO(json) struct json_object *said = json_new_object();
    struct json_object *manifests = json_new_object();
    json_set_str(said, "version", YURT_STEWARD_VERSION);
    json_set_take(said, "manifests", manifests);
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        const struct ward *ward = &agent->wards[i];
        if (ward->standing.state == STANDING_UNKNOWN) {
            return; /* all of it, or what was said by the agent before this one */
        }
        json_set_take(manifests, ward->name, entry_of(agent, ward));
        tally_stands(agent->tally, ward->name, ward->standing.state,
                     policy_mode_of(&agent->policy, ward->name));
    }
    report_put(agent->report, said);
}

/* --- kubeadm's own configuration --- */

/* The component's flags where its manifest has got there. */
static struct kubeadm_config_wanted flags_of(const struct agent *agent, enum mode mode,
                                             enum standing_state state)
{
    bool there[AGENT_WARDS];
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        const struct ward *ward = &agent->wards[i];
        there[i] =
            policy_mode_of(&agent->policy, ward->name) == mode && ward->standing.state == state;
    }
    bool remove =
        policy_is(&agent->policy, "kube-apiserver.kubelet-certificate-authority", "Remove");
    return (struct kubeadm_config_wanted){
        .nodelifecycle_off = there[STATICPOD_CONTROLLER_MANAGER],
        .hostname_first = there[STATICPOD_APISERVER],
        .no_certificate_authority = there[STATICPOD_APISERVER] && remove,
    };
}

static void on_written(void *arg, const struct kube_reply *reply, const struct err *err)
{
    struct agent *agent = arg;
    (void)reply;
    agent->advice_request = 0;
    if (err == NULL) {
        say_of_config(agent, KUBEADM_CONFIG_NAME, false, "Updated",
                      "our flags are in kubeadm's configuration of the cluster");
    } else if (err->kind != ERR_CONFLICT) {
        say_of_config(agent, KUBEADM_CONFIG_NAME, true, "WriteFailed", err->text);
        return; /* until the next look */
    }
    sight_read(agent->sight); /* on a conflict, another node's agent was there first */
}

static void write_advice(struct agent *agent, const struct json_object *patch)
{
    AUTO_FREE char *path =
        kube_path(&resource_configmap, KUBEADM_CONFIG_NAMESPACE, KUBEADM_CONFIG_NAME, NULL);
    const struct kube_request request = {.method = "PATCH",
                                         .path = path,
                                         .content_type = "application/json-patch+json",
                                         .body = patch};
    agent->advice_request = kube_submit(agent->client, &request, on_written, agent);
}

/*
 * Only of flags that are in force here: what can't work must not come with the next upgrade. After
 * a Revert, of those that the next upgrade would bring back.
 */
void say_advice(struct agent *agent)
{
    const struct sight_seen *seen = sight_seen(agent->sight);
    const struct kubeadm_config_wanted wanted = flags_of(agent, MODE_ENFORCE, STANDING_IN_FORCE);
    const struct kubeadm_config_wanted gone = flags_of(agent, MODE_REVERT, STANDING_REVERTED);
    AUTO(kubeadm_config_advice) struct kubeadm_config_advice advice = {0};
    if (agent->advice_request != 0) {
        return;
    }
    if (wanted.nodelifecycle_off || wanted.hostname_first) {
        bool write = policy_is(&agent->policy, "static-pods.kubeadm-config", "Write");
        kubeadm_config_advise(seen->kubeadm, &wanted, write, &advice);
    } else if (gone.nodelifecycle_off || gone.hostname_first) {
        kubeadm_config_advise_reverted(seen->kubeadm, &gone, &advice);
    }
    if (advice.patch != NULL && agent->advised_ms != seen->asked_ms) {
        agent->advised_ms = seen->asked_ms;
        write_advice(agent, advice.patch);
    }
    if (advice.message != NULL &&
        (agent->advised == NULL || strcmp(agent->advised, advice.message) != 0)) {
        say_of_config(agent, KUBEADM_CONFIG_NAME, true, advice.reason, advice.message);
    }
    xstr_replace(&agent->advised, advice.message);
}
