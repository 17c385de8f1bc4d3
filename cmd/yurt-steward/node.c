#include <stdlib.h>

#include "node/agent.h"
#include "options.h"
#include "staticpod/journal_store.h"
#include "staticpod/kubeadm_lock.h"
#include "verbs.h"

#define MANIFESTS_DEFAULT "/etc/kubernetes/manifests"

static const struct option flags[] = {
    OPTIONS_CLUSTER,
    OPTIONS_LOG,
    {"node", required_argument, NULL, 'n'},
    {"manifests", required_argument, NULL, 'm'},
    {"journal", required_argument, NULL, 'j'},
    {"proc", required_argument, NULL, 'p'},
    {"listen", required_argument, NULL, 'l'},
    {"once", no_argument, NULL, '1'},
    {NULL, 0, NULL, 0},
};

static void take(struct agent_options *own, int flag)
{
    switch (flag) {
    case 'n':
        own->node = optarg;
        break;
    case 'm':
        own->manifests = optarg;
        break;
    case 'j':
        own->journals = optarg;
        break;
    case 'p':
        own->proc = optarg;
        break;
    case 'l':
        own->listen = optarg;
        break;
    case '1':
        own->once = true;
        break;
    }
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct options options = {.log_level = LOG_LEVEL_INFO, .log_format = LOG_FORMAT_TEXT};
    struct agent_options own = {
        .node = getenv("NODE_NAME"),
        .manifests = MANIFESTS_DEFAULT,
        .journals = JOURNAL_BASE_DEFAULT,
        .proc = KUBEADM_PROC_DEFAULT,
    };
    int flag;
    while ((flag = options_next(verb, argc, argv, "", flags, &options)) > 0) {
        take(&own, flag);
    }
    if (flag < 0) {
        return EXIT_USAGE;
    }
    if (own.node == NULL || *own.node == '\0') {
        return verb_misused(verb, "which node is this? Give --node, or set $NODE_NAME");
    }
    log_configure(options.log_level, options.log_format);
    AUTO(kube_config) struct kube_config config = {0};
    if (options_load_config(verb, &options, &config) < 0) {
        return EXIT_USAGE;
    }
    return agent_run(&config, &own);
}

const struct verb verb_node = {
    .name = "node",
    .summary = "keep a control-plane node's own manifests, until it is told to stop",
    .usage =
        "Usage: yurt-steward node [FLAG…]\n"
        "\n"
        "Runs on a control-plane node and keeps the static pods of kube-controller-manager\n"
        "and kube-apiserver as the ConfigMap kube-system/yurt-steward says: one change at a\n"
        "time in the cluster, watched until the component is healthy, and put back by itself\n"
        "when it is not. SIGTERM ends it between two steps; the next start goes on.\n"
        "\n"
        "  --once                   end when nothing more is to be done now. Exit status: 0\n"
        "                           all is as asked, 1 something is held, rolled back, refused\n"
        "                           or only observed, 2 an error\n"
        "  --node NAME              this node's name; default: $NODE_NAME\n"
        "  --manifests DIR          the kubelet's directory of static pods; default:\n"
        "                           " MANIFESTS_DEFAULT "\n"
        "  --journal DIR            where is kept what was there before; default:\n"
        "                           " JOURNAL_BASE_DEFAULT "\n"
        "  --proc DIR               shows the node's processes, to see kubeadm at work;\n"
        "                           default: " KUBEADM_PROC_DEFAULT "\n"
        "  --listen ADDRESS         serve /livez, /readyz and /metrics there, e.g. :8081\n",
    .flags = OPTIONS_CLUSTER_USAGE OPTIONS_LOG_USAGE,
    .run = run,
};
