#include <string.h>

#include "base/alloc.h"
#include "node/order.h"
#include "node/private.h"
#include "staticpod/kubeadm_lock.h"
#include "json/json.h"

enum {
    KNOWN_MS = 15000,          /* so old may be what is known of the component */
    CONFIG_FILE_MAX = 4 << 20, /* that the manifest's flags name */
};

static int close_gate(struct precondition *verdict, bool warning, const char *reason,
                      const char *text)
{
    precondition_say(verdict, PRECONDITION_HELD, warning, reason, "%s", text);
    return -1;
}

/* --- what is known of the cluster --- */

/* What stands in the manifest; NULL: its pod asks the node's DNS. */
static const char *nameserver_in_force(const struct ward *ward)
{
    const struct json_object *document = ward->facts.document;
    bool own = strcmp(json_get_str_or(document, "spec/dnsPolicy", ""), "None") == 0;
    return own ? json_get_str(document, "spec/dnsConfig/nameservers/0") : NULL;
}

void gate_read_dns(struct agent *agent)
{
    const struct sight_seen *seen = sight_seen(agent->sight);
    const struct precondition_dns_input input = {
        .configured = policy_value(&agent->policy, "kube-apiserver.nameserver"),
        .services = seen->services,
        .slices = seen->slices,
        .in_force = nameserver_in_force(&agent->wards[STATICPOD_APISERVER]),
    };
    precondition_dns_finish(&agent->dns);
    precondition_dns(&input, &agent->dns);
}

static bool is_off(const struct ward *ward)
{
    const struct staticpod_wanted wanted = {.component = STATICPOD_CONTROLLER_MANAGER,
                                            .nodelifecycle_off = true};
    return ward->content != NULL &&
           staticpod_edit_as_wanted(ward->content->bytes, ward->content->len, &wanted);
}

static void look_for_replacement(struct agent *agent, struct precondition *verdict)
{
    const struct precondition_replacement_input input = {
        .deployments = sight_seen(agent->sight)->deployments,
        .required = policy_is(&agent->policy, "kube-controller-manager.replacement", "Require"),
        .off_already = is_off(&agent->wards[STATICPOD_CONTROLLER_MANAGER]),
    };
    precondition_replacement(&input, verdict);
}

void gate_cluster(struct agent *agent, const struct ward *ward, enum mode mode,
                  struct precondition *ret_verdict)
{
    if (mode != MODE_ENFORCE && mode != MODE_OBSERVE) {
        return;
    }
    if (ward->component == STATICPOD_CONTROLLER_MANAGER) {
        look_for_replacement(agent, ret_verdict);
    } else if (agent->dns.verdict.reason != NULL) {
        const struct precondition *dns = &agent->dns.verdict;
        precondition_say(ret_verdict, dns->state, dns->warning, dns->reason, "%s", dns->message);
    }
}

/* --- gates, in their order; -1: closed, and said --- */

static int check_node(struct agent *agent, const struct ward *ward, struct precondition *verdict)
{
    AUTO_FREE char *kubeadm = NULL;
    struct err err;
    if (!kube_client_up(agent->client)) {
        return close_gate(verdict, true, "ApiServerUnreachable",
                          "the API server is not reachable, and no change begins without it");
    }
    if (agent->blind) {
        return close_gate(verdict, true, "Blind", agent->blind_err.text);
    }
    if (kubeadm_find(agent->options.proc, &kubeadm, &err) < 0) {
        return close_gate(verdict, true, "KubeadmUnknown", err.text);
    }
    if (kubeadm != NULL) {
        AUTO_FREE char *text = xasprintf("%s is at work on this node", kubeadm);
        return close_gate(verdict, false, "KubeadmAtWork", text);
    }
    for (size_t i = 0; i < AGENT_WARDS; i++) {
        if (&agent->wards[i] != ward && ward_is_changing(&agent->wards[i])) {
            AUTO_FREE char *text = xasprintf("%s is changing", agent->wards[i].name);
            return close_gate(verdict, false, "OtherManifestChanging", text);
        }
    }
    return 0;
}

static int read_node_file(void *arg, const char *path, char **ret_text, size_t *ret_len,
                          struct err *err)
{
    (void)arg;
    return kube_read_file(path, CONFIG_FILE_MAX, ret_text, ret_len, err);
}

/* Only where dnsPolicy None is wanted do names matter. */
static int check_names(struct agent *agent, const struct ward *ward, struct precondition *verdict)
{
    if (ward->component != STATICPOD_APISERVER || agent->dns.nameserver == NULL) {
        return 0;
    }
    const struct precondition_names_input input = {
        .text = ward->content->bytes,
        .len = ward->content->len,
        .allowed = policy_is(&agent->policy, "kube-apiserver.names", "Allow"),
        .read = read_node_file,
    };
    precondition_names(&input, verdict);
    return verdict->state == PRECONDITION_HELD ? -1 : 0;
}

/* A component that is not well now would be blamed on the change. */
static int check_component(const struct ward *ward, struct precondition *verdict)
{
    if (!ward->mirror.known) {
        return close_gate(verdict, true, "MirrorPodUnknown", ward->mirror.err.text);
    }
    if (ward->mirror.pod == NULL) {
        return close_gate(verdict, true, "MirrorPodMissing",
                          "the API server shows no pod of this manifest: the kubelet has not taken "
                          "it up, or this node has another name");
    }
    if (ward->health != TRANSACTION_HEALTHY) {
        AUTO_FREE char *text =
            xasprintf("%s is not healthy now: %s", ward->name, ward->health_text);
        return close_gate(verdict, true, "NotHealthy", text);
    }
    return 0;
}

/* Whether every controller-manager is to be changed before this API server. */
static bool is_controller_manager_first(struct agent *agent)
{
    AUTO(precondition) struct precondition replacement = {0};
    if (policy_mode_of(&agent->policy, "kube-controller-manager") != MODE_ENFORCE) {
        return false;
    }
    look_for_replacement(agent, &replacement);
    return replacement.state == PRECONDITION_OPEN;
}

static int check_order(struct agent *agent, const struct ward *ward, enum mode mode,
                       struct precondition *verdict)
{
    const struct sight_seen *seen = sight_seen(agent->sight);
    const struct order_input input = {
        .nodes = seen->nodes,
        .pods = seen->pods,
        .node = agent->options.node,
        .component = ward->component,
        .revert = mode == MODE_REVERT,
        .single_allowed = policy_is(&agent->policy, "static-pods.single-control-plane", "Allow"),
        .controller_manager_first = is_controller_manager_first(agent),
    };
    order_decide(&input, verdict);
    return verdict->state == PRECONDITION_HELD ? -1 : 0;
}

/* What was read before the Lease was got may be from before another node's change. */
static enum gate check_permit(struct agent *agent, struct ward *ward, struct precondition *verdict)
{
    agent->wants_permit = true;
    if (!permit_held(agent->permit)) {
        const char *holder = permit_holder(agent->permit);
        AUTO_FREE char *text =
            xasprintf("waits for the Lease kube-system/" PERMIT_LEASE ", which %s has",
                      *holder != '\0' ? holder : "nobody");
        close_gate(verdict, false, "WaitingForLease", text);
        return GATE_CLOSED;
    }
    int64_t got_ms = permit_got_ms(agent->permit);
    if (sight_seen(agent->sight)->asked_ms < got_ms) {
        sight_read(agent->sight);
        return GATE_LOOKING;
    }
    return ward_knows(ward, got_ms) ? GATE_OPEN : GATE_LOOKING;
}

enum gate gate_change(struct agent *agent, struct ward *ward, enum mode mode, int64_t now_ms,
                      struct precondition *ret_verdict)
{
    bool enforce = mode == MODE_ENFORCE;
    if (check_node(agent, ward, ret_verdict) < 0) {
        return GATE_CLOSED;
    }
    gate_cluster(agent, ward, mode, ret_verdict);
    if (ret_verdict->state != PRECONDITION_OPEN ||
        (enforce && check_names(agent, ward, ret_verdict) < 0)) {
        return GATE_CLOSED;
    }
    if (!ward_knows(ward, now_ms - KNOWN_MS)) {
        precondition_finish(ret_verdict);
        return GATE_LOOKING;
    }
    if ((enforce && check_component(ward, ret_verdict) < 0) ||
        check_order(agent, ward, mode, ret_verdict) < 0) {
        return GATE_CLOSED;
    }
    enum gate gate = check_permit(agent, ward, ret_verdict);
    if (gate == GATE_LOOKING) {
        precondition_finish(ret_verdict);
    }
    return gate;
}
