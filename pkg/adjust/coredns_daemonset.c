/*
 * coredns-daemonset: CoreDNS on every Linux node, as the cluster's own Deployment has it (section
 * 4.2 of the source document).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adjust/adjust.h"
#include "adjust/coredns_daemonset_parts.h"
#include "adjust/coredns_daemonset_rollout.h"
#include "adjust/coredns_daemonset_write.h"
#include "adjust/coredns_manifest.h"
#include "adjust/coredns_template.h"
#include "adjust/coredns_workload.h"
#include "adjust/liveness.h"
#include "base/alloc.h"
#include "kube/managed_fields.h"
#include "kube/pod.h"
#include "yaml/yaml.h"

static const char daemonset_name[] = "coredns";
/* On the DaemonSet: what was applied last, and what it was derived from. */
static const char applied_name[] = "yurt-steward.io/applied";
static const char applied_field[] = "metadata/annotations/yurt-steward.io~1applied";
static const char source_name[] = "yurt-steward.io/source";
static const char source_manifest[] = "manifest";
static const char source_deployment[] = "Deployment";

enum {
    SHARE_PERCENT = 10 /* of the nodes are updated at once */
};

static const struct policy_option options[] = {
    {"coredns-daemonset.image", OPTION_IMAGE, "an image, or nothing: as in the Deployment", ""},
    {"coredns-daemonset.cpu", OPTION_QUANTITY,
     "what the pods request, such as 50m, or nothing: as in the Deployment", ""},
    {"coredns-daemonset.memory", OPTION_QUANTITY,
     "what the pods request, such as 40Mi, or nothing: as in the Deployment", ""},
    {NULL, OPTION_WORD, NULL, NULL},
};

/* What was applied last, from the annotation; all zero when it is absent or not ours. */
struct applied {
    bool surge;
    unsigned slots;
    uint64_t hash;
};

/*
 * Where the template comes from. A DaemonSet that was derived from a Deployment outlives it:
 * then it is its own source, and deriving changes nothing but what the options say.
 */
struct source {
    const char *word;  /* what the annotation says */
    const char *whose; /* for messages */
    struct json_object *template;
};

static struct applied read_applied(const struct object *live)
{
    struct applied applied = {0};
    char kind[16];
    const char *text =
        live != NULL
            ? json_str(json_member(json_get(live->body, "metadata/annotations"), applied_name))
            : NULL;
    if (text == NULL ||
        sscanf(text, "%15[a-zA-Z]=%8u,hash=%16" SCNx64, kind, &applied.slots, &applied.hash) != 3) {
        return (struct applied){0};
    }
    applied.surge = strcmp(kind, "maxSurge") == 0;
    return applied;
}

static char *applied_text(const struct applied *applied)
{
    return xasprintf("%s=%u,hash=%016" PRIx64, applied->surge ? "maxSurge" : "maxUnavailable",
                     applied->slots, applied->hash);
}

/* --- the source --- */

static int read_source(const struct snapshot *seen, const struct object *live,
                       struct source *ret_source, struct err *err)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    const struct json_object *annotations =
        live != NULL ? json_get(live->body, "metadata/annotations") : NULL;
    const char *word = json_str(json_member(annotations, source_name));
    if (deployment != NULL) {
        *ret_source = (struct source){source_deployment, "Deployment kube-system/coredns",
                                      json_ref(json_get(deployment->body, "spec/template"))};
        return 0;
    }
    if (word != NULL && strcmp(word, source_deployment) == 0) {
        *ret_source = (struct source){source_deployment, "its own template",
                                      json_ref(json_get(live->body, "spec/template"))};
        return 0;
    }
    *ret_source = (struct source){source_manifest, "the built-in manifest", NULL};
    return coredns_manifest_template(&ret_source->template, err);
}

/*
 * Where other pods serve DNS, such as those of a Deployment of another name, the built-in manifest
 * is not for this cluster: it would put another configuration beside theirs.
 */
static bool manifest_fits(const struct snapshot *seen, struct plan *plan)
{
    const struct store *pods = seen->stores[INPUT_DNS_PODS];
    for (size_t i = 0; i < store_len(pods); i++) {
        const struct pod *pod = pod_of(store_at(pods, i));
        if (pod->owner_kind != NULL && strcmp(pod->owner_kind, "ReplicaSet") == 0) {
            plan_hold(plan, true, "Refused",
                      "there is no Deployment kube-system/coredns to derive the DaemonSet from, "
                      "and pod %s of another one serves DNS: the built-in manifest is not put "
                      "beside it",
                      pod->object.name);
            return false;
        }
    }
    return true;
}

/* Derives the template; otherwise the plan says what is wrong with its source. */
static bool derive(const struct snapshot *seen, const struct policy *policy,
                   const struct object *live, struct source *ret_source, struct plan *plan)
{
    struct err err;
    struct source source = {0};
    struct json_object *template = NULL;
    if (read_source(seen, live, &source, &err) < 0) {
        plan_hold(plan, true, "Refused", "%s", err.text);
        return false;
    }
    if (live == NULL && strcmp(source.word, source_manifest) == 0 && !manifest_fits(seen, plan)) {
        json_unref(source.template);
        return false;
    }
    bool derived = coredns_template_derive(source.template, policy, &template, &err) == 0;
    json_unref(source.template);
    if (!derived) {
        plan_hold(plan, true, "Refused", "%s: %s; nothing was written", source.whose, err.text);
        return false;
    }
    source.template = template;
    *ret_source = source;
    if (!coredns_daemonset_selected(seen, template, source.whose, plan)) {
        json_unref(template);
        return false;
    }
    return true;
}

/* --- what is wanted --- */

/* All that is wanted but how updates go, and its hash. */
static struct json_object *compose(const struct source *source, uint64_t *ret_hash)
{
    struct json_object *wanted = json_new_object();
    json_set_str(wanted, "apiVersion", "apps/v1");
    json_set_str(wanted, "kind", "DaemonSet");
    struct json_object *metadata = json_ensure_object(wanted, "metadata");
    json_set_str(metadata, "name", daemonset_name);
    json_set_str(metadata, "namespace", "kube-system");
    struct json_object *labels = json_ensure_object(metadata, "labels");
    json_set_str(labels, "k8s-app", "kube-dns");
    json_set_str(labels, COREDNS_OWNER_LABEL, COREDNS_OWNER);
    json_set_str(json_ensure_object(metadata, "annotations"), source_name, source->word);
    struct json_object *spec = json_ensure_object(wanted, "spec");
    struct json_object *selector =
        json_ensure_object(json_ensure_object(spec, "selector"), "matchLabels");
    json_set_str(selector, "k8s-app", "kube-dns");
    json_set_str(selector, COREDNS_COMPONENT_LABEL, COREDNS_COMPONENT);
    json_set(spec, "template", source->template);
    AUTO_FREE char *text = yaml_emit(wanted); /* members by name, as they come in any order */
    *ret_hash = object_digest_str(0, text);
    return wanted;
}

/*
 * With maxSurge a node keeps its old pod until the new one is available: no node is without DNS
 * while it is updated, and an update whose pods don't start leaves the old ones. Offline nodes
 * don't stop it as long as there are more slots than such nodes: the DaemonSet controller makes a
 * new pod for each of them at once when its old pod is not Ready, and each such pod takes a slot
 * until the node is back (kubernetes pkg/controller/daemon/update.go, rollingUpdate: numSurge).
 * maxUnavailable, all that servers before 1.22 know, has to be larger than that number for the
 * same reason (kubernetes #117658).
 *
 * There is no minReadySeconds: the controller has itself woken when they are over by a queue that
 * keeps only the earliest such call, and with maxSurge an update was seen to stop for good by it
 * (1.37.2). kube-proxy sees a new endpoint before the old one goes without it too: the slices tell
 * in that order.
 *
 * Numbers, not shares: a share is rounded up, and on few nodes that is all of them.
 */
static void set_strategy(struct json_object *wanted, const struct applied *applied)
{
    struct json_object *spec = json_ensure_object(wanted, "spec");
    struct json_object *strategy = json_ensure_object(spec, "updateStrategy");
    struct json_object *rolling = json_ensure_object(strategy, "rollingUpdate");
    json_set_str(strategy, "type", "RollingUpdate");
    if (applied->surge) {
        json_set_int(rolling, "maxSurge", applied->slots);
    }
    json_set_int(rolling, "maxUnavailable", applied->surge ? 0 : applied->slots);
    AUTO_FREE char *text = applied_text(applied);
    json_set_str(json_ensure_object(json_ensure_object(wanted, "metadata"), "annotations"),
                 applied_name, text);
}

/* A server that knows maxSurge shows it, with its default, in everything that is written. */
static bool knows_surge(const struct object *live, const struct applied *applied)
{
    return applied->surge ||
           (live != NULL &&
            json_get(live->body, "spec/updateStrategy/rollingUpdate/maxSurge") != NULL);
}

static unsigned slots_for(const struct coredns_rollout *rollout)
{
    size_t share = (rollout->nodes * SHARE_PERCENT + 99) / 100;
    return (unsigned)(rollout->offline + (share > 0 ? share : 1));
}

/*
 * How many pods are updated at once. That matters while an update runs, so it is settled when one
 * begins, and raised when more nodes than that have gone offline since; nodes that come and go at
 * other times change nothing.
 */
static unsigned choose_slots(const struct applied *last, bool anew,
                             const struct coredns_rollout *rollout)
{
    bool blocked = rollout->old > 0 && last->slots <= rollout->offline;
    return anew || blocked ? slots_for(rollout) : last->slots;
}

/* --- keeping it --- */

/*
 * Counts the pods. The nodes' Ready condition is good enough where it says that all is done;
 * otherwise the Leases decide. False: they have to be read first.
 */
static bool count(const struct snapshot *seen, const struct object *live, bool anew, int64_t now_ms,
                  struct coredns_rollout *ret_rollout, struct plan *plan)
{
    const struct object *deployment = snapshot_only(seen, INPUT_DNS_DEPLOYMENT);
    bool keeps_out = deployment != NULL && coredns_deployment_keeps_apart(deployment);
    AUTO(coredns_rollout) struct coredns_rollout rollout;
    coredns_rollout_count(seen, live, false, keeps_out, &rollout);
    bool exact = anew || rollout.waiting > 0 || rollout.old > 0;
    if (exact && !liveness_known(seen, now_ms, plan)) {
        return false;
    }
    coredns_rollout_count(seen, live, exact, keeps_out, ret_rollout);
    return true;
}

/*
 * Whether the annotation is as we wrote it. Where somebody else put another one, or an old copy of
 * the whole object, bringing ours back is a repair, however new the hash looks.
 */
static bool applied_by_us(const struct object *live, const struct applied *last)
{
    struct field_owner owner;
    return last->slots > 0 && (!managed_fields_owner(live->body, applied_field, &owner) ||
                               strcmp(owner.manager, COREDNS_OWNER) == 0);
}

static void keep(const struct snapshot *seen, const struct object *live,
                 const struct source *source, struct json_object *wanted, uint64_t hash,
                 int64_t now_ms, struct plan *plan)
{
    const struct applied last = read_applied(live);
    struct applied next = {knows_surge(live, &last), last.slots, hash};
    bool anew = last.hash != next.hash || last.surge != next.surge || last.slots == 0;
    AUTO(coredns_rollout) struct coredns_rollout rollout = {0};
    if (!count(seen, live, anew, now_ms, &rollout, plan)) {
        return;
    }
    next.slots = choose_slots(&last, anew, &rollout);
    set_strategy(wanted, &next);
    AUTO(daemonset_record) struct daemonset_record record = daemonset_record_read(seen, live);
    if (!record.created || strcmp(json_get_str_or(record.json, "uid", ""), live->uid) != 0) {
        coredns_daemonset_record(seen, live, plan);
    }
    bool repair = !applied_by_us(live, &last) || (!anew && next.slots == last.slots);
    if (!coredns_daemonset_update(seen, live, source->whose, wanted, repair, plan)) {
        coredns_rollout_report(live, &rollout, now_ms, plan);
    }
}

static void enforce_own(const struct snapshot *seen, const struct policy *policy,
                        const struct object *live, int64_t now_ms, struct plan *plan)
{
    struct source source;
    if (!derive(seen, policy, live, &source, plan)) {
        return;
    }
    struct applied first = {.slots = 1};
    AUTO(json) struct json_object *wanted = compose(&source, &first.hash);
    if (live != NULL) {
        keep(seen, live, &source, wanted, first.hash, now_ms, plan);
    } else {
        set_strategy(wanted, &first);
        coredns_daemonset_create(seen, source.whose, wanted, plan);
    }
    json_unref(source.template);
}

static void enforce(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                    struct plan *ret_plan)
{
    const struct object *live = snapshot_only(seen, INPUT_DNS_DAEMONSET);
    if (live != NULL && live->deleting) {
        ret_plan->state = PLAN_CHANGING; /* it is made again once it is gone */
    } else if (live != NULL && !coredns_daemonset_ours(live)) {
        coredns_foreign_enforce(seen, live, ret_plan);
    } else {
        enforce_own(seen, policy, live, now_ms, ret_plan);
    }
}

static void revert(const struct snapshot *seen, const struct policy *policy, int64_t now_ms,
                   struct plan *ret_plan)
{
    (void)policy;
    const struct object *live = snapshot_only(seen, INPUT_DNS_DAEMONSET);
    AUTO(daemonset_record) struct daemonset_record record = daemonset_record_read(seen, live);
    if (live != NULL && live->deleting) {
        ret_plan->state = PLAN_CHANGING;
    } else if (live != NULL && coredns_daemonset_ours(live)) {
        coredns_daemonset_remove(seen, live, now_ms, ret_plan);
    } else if (live != NULL && record.json != NULL) {
        coredns_foreign_revert(seen, live, &record, ret_plan);
    } else if (record.json != NULL || record.stale) {
        daemonset_record_write_take(ret_plan, seen, NULL,
                                    "the DaemonSet that was recorded is gone");
    } else {
        ret_plan->state = PLAN_REVERTED;
    }
}

const struct adjustment adjust_coredns_daemonset = {
    .id = "coredns-daemonset",
    .inputs = INPUT_BIT(INPUT_STATE) | INPUT_BIT(INPUT_DNS_SERVICE) | INPUT_BIT(INPUT_DNS_SLICES) |
              INPUT_BIT(INPUT_DNS_PODS) | INPUT_BIT(INPUT_DNS_DEPLOYMENT) |
              INPUT_BIT(INPUT_DNS_DAEMONSET) | INPUT_BIT(INPUT_NODES),
    .target = INPUT_DNS_DAEMONSET,
    .target_resource = &resource_daemonset,
    .target_name = daemonset_name,
    .options = options,
    .enforce = enforce,
    .revert = revert,
};
