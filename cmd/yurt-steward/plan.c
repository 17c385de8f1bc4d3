#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/dump.h"
#include "app/look.h"
#include "app/show.h"
#include "app/static_plan.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "node/kubeadm_config.h"
#include "options.h"
#include "verbs.h"

static const struct option flags[] = {
    OPTIONS_CLUSTER,
    {"from", required_argument, NULL, 'F'},
    {"manifests", required_argument, NULL, 'M'},
    {"nameserver", required_argument, NULL, 'N'},
    {"drop-certificate-authority", no_argument, NULL, 'D'},
    {"allow-names", no_argument, NULL, 'A'},
    {"kubeadm-patch", no_argument, NULL, 'P'},
    {"output", required_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

struct settings {
    struct options options;
    const char *from;
    struct static_plan_wish manifests;
    bool kubeadm_patch;
    bool json;
};

/* 0, or the exit status of a misuse */
static int read_flags(const struct verb *verb, int argc, char **argv, struct settings *settings)
{
    int flag;
    struct options *options = &settings->options;
    while ((flag = options_next(verb, argc, argv, "o:", flags, options)) > 0) {
        switch (flag) {
        case 'F':
            settings->from = optarg;
            break;
        case 'M':
            settings->manifests.dir = optarg;
            break;
        case 'N':
            settings->manifests.nameserver = optarg;
            break;
        case 'D':
            settings->manifests.no_certificate_authority = true;
            break;
        case 'P':
            settings->kubeadm_patch = true;
            break;
        case 'A':
            settings->manifests.names_allowed = true;
            break;
        case 'o':
            if (strcmp(optarg, "json") != 0 && strcmp(optarg, "diff") != 0) {
                return verb_misused(verb, "-o: \"%s\" is none of diff, json", optarg);
            }
            settings->json = strcmp(optarg, "json") == 0;
            break;
        }
    }
    if (flag < 0) {
        return EXIT_USAGE;
    }
    const char *nameserver = settings->manifests.nameserver;
    if (settings->kubeadm_patch && (nameserver == NULL || !staticpod_is_address(nameserver))) {
        return verb_misused(verb, "--kubeadm-patch: give the address of the tunnel's DNS Service "
                                  "with --nameserver");
    }
    if (settings->manifests.dir != NULL &&
        (settings->from != NULL || options->kubeconfig != NULL || options->context != NULL)) {
        return verb_misused(verb, "--manifests reads files only: leave out --from, --kubeconfig "
                                  "and --context");
    }
    if (settings->from != NULL && (options->kubeconfig != NULL || options->context != NULL)) {
        return verb_misused(verb, "--from needs no cluster: leave out --kubeconfig and --context");
    }
    return 0;
}

static int plan_dump(const struct settings *settings)
{
    struct world world;
    struct err err;
    world_init(&world, NULL, NULL);
    int status = EXIT_USAGE;
    if (dump_load(&world, settings->from, &err) < 0) {
        fprintf(stderr, "yurt-steward plan: %s\n", err.text);
    } else {
        int64_t newest = world_newest_lease(&world);
        for (size_t i = 0; i < world.policy.problems_len; i++) {
            fprintf(stderr, "warning: ConfigMap kube-system/yurt-steward: %s\n",
                    world.policy.problems[i]);
        }
        /* one moment: nothing in it has lasted yet, as when a cluster is looked at */
        status =
            show_plans(stdout, &world, settings->json, newest > 0 ? newest : clock_wall_ms(), 0);
    }
    world_finish(&world);
    return status;
}

static int print_patch(const struct settings *settings)
{
    const struct staticpod_dns dns = {settings->manifests.nameserver, "cluster.local"};
    AUTO_FREE char *text = kubeadm_config_patch_file(&dns);
    fputs(text, stdout);
    return EXIT_SUCCESS;
}

static int plan_manifests(struct settings *settings)
{
    int status;
    struct err err;
    settings->manifests.json = settings->json;
    if (static_plan_show(stdout, &settings->manifests, &status, &err) < 0) {
        fprintf(stderr, "yurt-steward plan: %s\n", err.text);
        return EXIT_USAGE;
    }
    return status;
}

static int show(void *arg, const struct world *world, const struct look_rest *rest, int64_t wall_ms,
                int64_t now_ms)
{
    const struct settings *settings = arg;
    (void)rest;
    return show_plans(stdout, world, settings->json, wall_ms, now_ms);
}

static int plan_cluster(const struct verb *verb, struct settings *settings)
{
    const struct look_wish wish = {.verb = verb->name, .show = show, .arg = settings};
    AUTO(kube_config) struct kube_config config = {0};
    if (options_load_config(verb, &settings->options, &config) < 0) {
        return EXIT_USAGE;
    }
    return look_run(&config, &wish);
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct settings settings = {0};
    int misused = read_flags(verb, argc, argv, &settings);
    if (misused != 0) {
        return misused;
    }
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    int status = settings.kubeadm_patch           ? print_patch(&settings)
                 : settings.manifests.dir != NULL ? plan_manifests(&settings)
                 : settings.from != NULL          ? plan_dump(&settings)
                                                  : plan_cluster(verb, &settings);
    if (fflush(stdout) != 0) {
        perror("yurt-steward plan: cannot write the plan");
        return EXIT_USAGE;
    }
    return status;
}

const struct verb verb_plan = {
    .name = "plan",
    .summary = "show what the operator would do, and write nothing",
    .usage =
        "Usage: yurt-steward plan [FLAG…]\n"
        "\n"
        "Shows what would be done to the cluster: every adjustment that is not on Ignore,\n"
        "as if it were enforced. Exit status: 0 nothing to do, 1 something (also that one\n"
        "waits for what was begun), 2 an error.\n"
        "\n"
        "  -o, --output FORMAT      diff (default) or json\n"
        "  --manifests DIR          plan for the static pods in DIR instead of a cluster\n"
        "  --nameserver ADDRESS     with --manifests: of the tunnel's DNS Service\n"
        "  --drop-certificate-authority\n"
        "                           with --manifests: without --kubelet-certificate-authority\n"
        "  --allow-names            with --manifests: dnsPolicy None although flags have names\n"
        "  --kubeadm-patch          print kubeadm's patch file for --nameserver, and plan nothing\n"
        "  --from FILE|DIR|-        plan for objects from YAML or JSON (kubectl get -o yaml,\n"
        "                           Lists and several documents too) instead of a cluster\n",
    .flags = OPTIONS_CLUSTER_USAGE,
    .run = run,
};
