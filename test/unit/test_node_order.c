/* Whether a node may change a component now. */
#include "node/order.h"

#include <string.h>

#include "base/alloc.h"
#include "unit/unit.h"
#include "yaml/yaml.h"
#include "json/json.h"

/* A cluster in one line: nodes divided by ' '. A node is its name, "+" when it is Ready, else "-";
 * then for controller-manager and API server: "k" and "a" Ready, "K" and "A" not, nothing: no such
 * pod; "!" nodelifecycle is off in its controller-manager; "?" the node has no label. */
struct cluster {
    struct json_object *nodes;
    struct json_object *pods;
};

static void cluster_finish(struct cluster *cluster)
{
    json_unref(cluster->nodes);
    json_unref(cluster->pods);
}
DEFINE_AUTO_FINISH(cluster, struct cluster, cluster_finish)

static void set_ready(struct json_object *object, bool ready)
{
    struct json_object *conditions = json_new_array();
    struct json_object *condition = json_new_object();
    json_set_str(condition, "type", "Ready");
    json_set_str(condition, "status", ready ? "True" : "False");
    json_append_take(conditions, condition);
    json_set_take(json_ensure_object(object, "status"), "conditions", conditions);
}

static struct json_object *new_pod(const char *node, const char *component, bool ready,
                                   const char *flag)
{
    AUTO_FREE char *text =
        xasprintf("metadata: {name: %s-%s, labels: {component: %s}, annotations: "
                  "{kubernetes.io/config.mirror: "
                  "x}}\nspec: {nodeName: %s, containers: [{name: %s, command: [%s%s]}]}\n",
                  component, node, component, node, component, component, flag);
    AUTO(json) struct json_object *documents = NULL;
    ck_assert_int_eq(yaml_to_json(text, strlen(text), &documents, NULL), 0);
    struct json_object *pod = json_copy(json_array_at(documents, 0));
    set_ready(pod, ready);
    return pod;
}

static void add_node(struct cluster *cluster, const char *spec, size_t len)
{
    size_t name_len = strcspn(spec, "+-");
    AUTO_FREE char *name = xstrndup(spec, name_len);
    AUTO_FREE char *marks = xstrndup(spec + name_len, len - name_len);
    struct json_object *node = json_new_object();
    struct json_object *metadata = json_ensure_object(node, "metadata");
    const char *off = strchr(marks, '!') != NULL ? ", '--controllers=-nodelifecycle,*'" : "";
    json_set_str(metadata, "name", name);
    if (strchr(marks, '?') == NULL) {
        json_set_str(json_ensure_object(metadata, "labels"),
                     strchr(marks, 'm') != NULL ? "node-role.kubernetes.io/master"
                                                : "node-role.kubernetes.io/control-plane",
                     "");
    }
    set_ready(node, marks[0] == '+');
    json_append_take(cluster->nodes, node);
    if (strpbrk(marks, "kK") != NULL) {
        json_append_take(cluster->pods,
                         new_pod(name, "kube-controller-manager", strchr(marks, 'k') != NULL, off));
    }
    if (strpbrk(marks, "aA") != NULL) {
        json_append_take(cluster->pods,
                         new_pod(name, "kube-apiserver", strchr(marks, 'a') != NULL, ""));
    }
}

static void cluster_init(struct cluster *cluster, const char *spec)
{
    *cluster = (struct cluster){.nodes = json_new_array(), .pods = json_new_array()};
    while (*spec != '\0') {
        size_t len = strcspn(spec, " ");
        add_node(cluster, spec, len);
        spec += len + (spec[len] == ' ');
    }
}

/* --- */

#define KCM STATICPOD_CONTROLLER_MANAGER
#define API STATICPOD_APISERVER

static const struct {
    const char *cluster;
    enum staticpod_component component;
    const char *under_way;
    const char *flags;  /* r: revert, s: single allowed, f: controller-managers first */
    const char *reason; /* NULL: open */
    const char *says;
} rows[] = {
    /* healthy */
    {"a+ka b+ka c+ka", KCM, NULL, "", NULL, NULL},
    {"a+ka b+ka c+ka", API, "", "", NULL, NULL},
    {"a+ka b+mka", API, NULL, "", NULL, NULL},
    {"a+ka b+ka w-?", KCM, NULL, "", NULL, NULL},
    /* who is there */
    {"b+ka c+ka", KCM, NULL, "", "ControlPlaneUnknown", "there is no Node a"},
    {"", KCM, NULL, "s", "ControlPlaneUnknown", "there is no Node a"},
    /* one at a time */
    {"a+ka b+ka", KCM, "b", "", "AnotherNodeUnderWay", "b is being changed"},
    {"a+ka b+ka", KCM, "b", "r", "AnotherNodeUnderWay", "b is being changed"},
    {"a+ka b+ka", KCM, "a", "", NULL, NULL},
    /* alone */
    {"a+ka", API, NULL, "", "SingleControlPlane",
     "a is the only control-plane node, and its kube-ap"},
    {"a+ka w+?", KCM, NULL, "", "SingleControlPlane", "its kube-controller-manager is away"},
    {"a+ka", API, NULL, "r", "SingleControlPlane", "static-pods.single-control-plane: Allow"},
    {"a+ka", API, NULL, "s", NULL, NULL},
    {"a+?ka b+?ka", API, NULL, "", NULL, NULL}, /* known by their API servers */
    /* this node */
    {"a-ka b+ka", KCM, NULL, "", "NodeNotReady", "Node a is not Ready"},
    {"a-ka b+ka", KCM, NULL, "r", "NodeNotReady", "Node a is not Ready"},
    {"a-kA b+ka", API, NULL, "r", "NodeNotReady", "Node a is not Ready"},
    {"a+Ka b+ka", KCM, NULL, "", "ComponentNotReady",
     "on a, before anything is changed there, its kube-controller-manager is not Ready"},
    {"a+a b+ka", KCM, NULL, "", "ComponentNotReady", "no static pod of kube-controller-manager"},
    {"a+kA b+ka", API, NULL, "", "ComponentNotReady", "its kube-apiserver is not Ready"},
    {"a+kA b+ka", KCM, NULL, "", NULL, NULL},
    {"a+Ka b+ka", API, NULL, "", NULL, NULL},
    /* broken already: putting it back takes nothing away */
    {"a+Ka b+Ka c-KA", KCM, NULL, "r", NULL, NULL},
    {"a+kA", API, NULL, "r", NULL, NULL},
    {"a+ka b+Ka", KCM, NULL, "r", "OthersNotReady", "b (its kube-controller-manager is not Ready)"},
    /* the others */
    {"a+ka b-ka c+ka", KCM, NULL, "", "OthersNotReady",
     "healthy first: b (its Node is not Ready). "},
    {"a+ka b+kA c+ka", KCM, NULL, "", "OthersNotReady", "b (its kube-apiserver is not Ready)"},
    {"a+ka b+kA c+k", API, NULL, "", "OthersNotReady",
     "b (its kube-apiserver is not Ready), c (no static pod of kube-apiserver is seen). A node"},
    {"a+ka b+Ka c+ka", KCM, NULL, "", "OthersNotReady", "b (its kube-controller-manager"},
    {"a+ka b+Ka c+ka", API, NULL, "", NULL, NULL},
    {"a+ka b+?kA", API, NULL, "", "OthersNotReady", "b (its kube-apiserver is not Ready)"},
    {"a+ka b- c- d- e- f- g- h- i- j- k-", API, NULL, "", "OthersNotReady",
     "i (its Node is not Ready) and 2 more. A node"},
    /* controller-managers before API servers */
    {"a+ka b+ka", API, NULL, "f", "ControllerManagerFirst", "still on in that of a, b"},
    {"a+k!a b+ka", API, NULL, "f", "ControllerManagerFirst", "still on in that of b"},
    {"a+ka b+k!a", API, NULL, "f", "ControllerManagerFirst", "still on in that of a"},
    {"a+k!a b+k!a", API, NULL, "f", NULL, NULL},
    {"a+k!a b+a", API, NULL, "f", NULL, NULL}, /* b has none that could go first */
    {"a+ka b+ka", API, NULL, "fr", NULL, NULL},
    {"a+ka b+ka", KCM, NULL, "f", NULL, NULL},
    {"a+ka", API, NULL, "fs", "ControllerManagerFirst", "that of a"},
};

static void decide(size_t row, const struct cluster *cluster, struct precondition *ret_verdict)
{
    const struct order_input input = {.nodes = cluster->nodes,
                                      .pods = cluster->pods,
                                      .node = "a",
                                      .component = rows[row].component,
                                      .under_way = rows[row].under_way,
                                      .revert = strchr(rows[row].flags, 'r') != NULL,
                                      .single_allowed = strchr(rows[row].flags, 's') != NULL,
                                      .controller_manager_first =
                                          strchr(rows[row].flags, 'f') != NULL};
    order_decide(&input, ret_verdict);
}

START_TEST(decides)
{
    AUTO(cluster) struct cluster cluster;
    AUTO(precondition) struct precondition verdict = {0};
    cluster_init(&cluster, rows[_i].cluster);
    decide((size_t)_i, &cluster, &verdict);
    if (rows[_i].reason == NULL) {
        ck_assert_msg(verdict.state == PRECONDITION_OPEN, "%s", verdict.message);
        ck_assert_ptr_null(verdict.reason);
        return;
    }
    ck_assert_int_eq(verdict.state, PRECONDITION_HELD);
    ck_assert_str_eq(verdict.reason, rows[_i].reason);
    ck_assert_msg(strstr(verdict.message, rows[_i].says) != NULL, "%s", verdict.message);
}
END_TEST

/* A pod that is no static pod, or is another's, makes nobody healthy. */
START_TEST(counts_static_pods_only)
{
    AUTO(cluster) struct cluster cluster;
    AUTO(json) struct json_object *pods = NULL;
    AUTO(precondition) struct precondition verdict = {0};
    static const char text[] =
        "metadata: {name: x, labels: {component: kube-apiserver}}\nspec: {nodeName: a}\n"
        "status: {conditions: [{type: Ready, status: 'True'}]}\n";
    cluster_init(&cluster, "a+k b+ka");
    ck_assert_int_eq(yaml_to_json(text, strlen(text), &pods, NULL), 0);
    json_append_take(cluster.pods, json_copy(json_array_at(pods, 0)));
    const struct order_input input = {
        .nodes = cluster.nodes, .pods = cluster.pods, .node = "a", .component = API};
    order_decide(&input, &verdict);
    ck_assert_str_eq(verdict.reason, "ComponentNotReady");
}
END_TEST

/* What another precondition had to say is lost only to what holds. */
START_TEST(keeps_what_was_said)
{
    AUTO(cluster) struct cluster cluster;
    AUTO(precondition) struct precondition verdict = {0};
    struct order_input input = {.node = "a", .component = KCM};
    cluster_init(&cluster, "a+ka b+ka");
    input.nodes = cluster.nodes;
    input.pods = cluster.pods;
    precondition_say(&verdict, PRECONDITION_OPEN, true, "NoReplacement", "said");
    order_decide(&input, &verdict);
    ck_assert_int_eq(verdict.state, PRECONDITION_OPEN);
    ck_assert_str_eq(verdict.reason, "NoReplacement");
    input.under_way = "b";
    order_decide(&input, &verdict);
    ck_assert_int_eq(verdict.state, PRECONDITION_HELD);
    ck_assert_str_eq(verdict.reason, "AnotherNodeUnderWay");
}
END_TEST

/* However they ask, no two nodes of a healthy cluster may go where one is under way. */
START_TEST(one_at_a_time)
{
    static const char *const nodes[] = {"a", "b", "c"};
    AUTO(cluster) struct cluster cluster;
    size_t open = 0;
    cluster_init(&cluster, "a+ka b+ka c+ka");
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        AUTO(precondition) struct precondition verdict = {0};
        const struct order_input input = {.nodes = cluster.nodes,
                                          .pods = cluster.pods,
                                          .node = nodes[i],
                                          .component = (i & 1) == 0 ? KCM : API,
                                          .under_way = "b"};
        order_decide(&input, &verdict);
        open += verdict.state == PRECONDITION_OPEN;
    }
    ck_assert_uint_eq(open, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("node_order");
    TCase *tcase = tcase_create("rows");
    tcase_add_loop_test(tcase, decides, 0, ARRAY_LEN(rows));
    tcase_add_test(tcase, counts_static_pods_only);
    tcase_add_test(tcase, keeps_what_was_said);
    tcase_add_test(tcase, one_at_a_time);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
