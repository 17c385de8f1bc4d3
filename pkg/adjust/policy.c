#include "adjust/policy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "adjust/quantity.h"
#include "base/alloc.h"
#include "base/timefmt.h"
#include "control/contention.h"

static const char modes[] = "Enforce|Observe|Revert|Ignore";

static const struct policy_option global_options[] = {
    {"dns-service.name", OPTION_NAME, "the name of a Service in kube-system", "kube-dns"},
    {"dns-service.probe", OPTION_DOMAIN, "a DNS name, which CoreDNS is asked for",
     "kubernetes.default.svc.cluster.local"},
    {"contention.budget", OPTION_BUDGET, "a number per duration, such as \"5 per 10m\"",
     "5 per 10m"},
    {NULL, OPTION_WORD, NULL, NULL},
};

/* What the agent on control-plane nodes reads. */
static const struct policy_option static_pod_modes[] = {
    {"kube-controller-manager", OPTION_WORD, "Enforce|Observe|Revert|Ignore", "Ignore"},
    {"kube-apiserver", OPTION_WORD, "Enforce|Observe|Revert|Ignore", "Ignore"},
    {NULL, OPTION_WORD, NULL, NULL},
};
static const struct policy_option static_pod_options[] = {
    {"kube-controller-manager.replacement", OPTION_WORD, "Require|Ignore", "Require"},
    {"kube-apiserver.nameserver", OPTION_ADDRESS, "an IPv4 or IPv6 address, or nothing", ""},
    {"kube-apiserver.cluster-domain", OPTION_DOMAIN, "the cluster's DNS domain", "cluster.local"},
    {"kube-apiserver.names", OPTION_WORD, "Refuse|Allow", "Refuse"},
    {"kube-apiserver.kubelet-certificate-authority", OPTION_WORD, "Keep|Remove", "Keep"},
    {"static-pods.single-control-plane", OPTION_WORD, "Hold|Allow", "Hold"},
    {"static-pods.kubeadm-config", OPTION_WORD, "Report|Write", "Report"},
    {"static-pods.soak", OPTION_DURATION, "a duration such as 60s or 1m30s", "20s"},
    {NULL, OPTION_WORD, NULL, NULL},
};

const char *mode_word(enum mode mode)
{
    static const char *const words[] = {"Observe", "Enforce", "Revert", "Ignore"};
    return words[mode];
}

static bool word_allowed(const char *allowed, const char *value)
{
    size_t len = strlen(value);
    for (const char *word = allowed; *word != '\0';) {
        size_t width = strcspn(word, "|");
        if (width == len && strncmp(word, value, len) == 0) {
            return true;
        }
        word += width + (word[width] == '|');
    }
    return false;
}

static bool name_allowed(const char *value)
{
    size_t len = strlen(value);
    return len >= 1 && len <= 63 && strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           value[0] != '-' && value[len - 1] != '-' && (value[0] < '0' || value[0] > '9');
}

static bool domain_allowed(const char *value)
{
    size_t len = strlen(value);
    return len >= 1 && len <= 253 && value[0] != '.' && strstr(value, "..") == NULL &&
           strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len;
}

/* What could be an image reference; the kubelet says whether it is one. */
static bool image_allowed(const char *value)
{
    size_t len = strlen(value);
    return len <= 255 && strspn(value, "._-/:@") == 0 &&
           strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@") ==
               len;
}

static bool address_allowed(const char *value)
{
    unsigned char address[sizeof(struct in6_addr)];
    return *value == '\0' || inet_pton(AF_INET, value, address) == 1 ||
           inet_pton(AF_INET6, value, address) == 1;
}

static bool quantity_allowed(const char *value)
{
    int64_t milli;
    return *value == '\0' || (quantity_parse(value, &milli) == 0 && milli > 0);
}

static int parse_percent(const char *value)
{
    size_t figures = strspn(value, "0123456789");
    if (figures == 0 || figures > 3 || strcmp(value + figures, "%") != 0) {
        return -1;
    }
    int percent = atoi(value);
    return percent >= 1 && percent <= 100 ? percent : -1;
}

static bool allowed(const struct policy_option *option, const char *value)
{
    int64_t ms;
    struct contention_budget budget;
    switch (option->kind) {
    case OPTION_WORD:
        return word_allowed(option->allowed, value);
    case OPTION_DURATION:
        return timefmt_parse_duration(value, &ms) == 0;
    case OPTION_PERCENT:
        return parse_percent(value) > 0;
    case OPTION_NAME:
        return name_allowed(value);
    case OPTION_BUDGET:
        return contention_budget_parse(value, &budget) == 0;
    case OPTION_DOMAIN:
        return domain_allowed(value);
    case OPTION_IMAGE:
        return image_allowed(value);
    case OPTION_QUANTITY:
        return quantity_allowed(value);
    case OPTION_ADDRESS:
        return address_allowed(value);
    }
    return false;
}

static const struct policy_option *find_in(const struct policy_option *options, const char *key)
{
    for (; options != NULL && options->key != NULL; options++) {
        if (strcmp(options->key, key) == 0) {
            return options;
        }
    }
    return NULL;
}

/* Finds the option of a key; a bare id stands for the adjustment's mode. */
static bool find_option(const char *key, struct policy_option *ret_option)
{
    static const struct policy_option *const tables[] = {global_options, static_pod_modes,
                                                         static_pod_options};
    const struct policy_option *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(tables) && found == NULL; i++) {
        found = find_in(tables[i], key);
    }
    for (size_t i = 0; i < adjustments_len && found == NULL; i++) {
        if (strcmp(adjustments[i]->id, key) == 0) {
            *ret_option = (struct policy_option){key, OPTION_WORD, modes, "Observe"};
            return true;
        }
        found = find_in(adjustments[i]->options, key);
    }
    if (found != NULL) {
        *ret_option = *found;
    }
    return found != NULL;
}

static void problem(struct policy *policy, const char *format, ...) PRINTF_LIKE(2, 3);
static void problem(struct policy *policy, const char *format, ...)
{
    if (policy->problems_len == POLICY_PROBLEMS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    policy->problems[policy->problems_len++] = xvasprintf(format, args);
    va_end(args);
}

static void clear_problems(struct policy *policy)
{
    for (size_t i = 0; i < policy->problems_len; i++) {
        free(policy->problems[i]);
    }
    policy->problems_len = 0;
}

void policy_init(struct policy *policy)
{
    *policy = (struct policy){.values = STRMAP_INIT(free)};
}

void policy_finish(struct policy *policy)
{
    clear_problems(policy);
    strmap_finish(&policy->values);
}

static bool check_key(void *arg, const char *key, const struct json_object *value)
{
    struct policy *policy = arg;
    struct policy_option option;
    (void)value;
    if (!find_option(key, &option)) {
        problem(policy,
                "unknown key \"%.80s\": known are the ids of the adjustments and the keys that "
                "the README lists",
                key);
    }
    return true;
}

/* Puts one known key in force: the given value, the last good one, or the default. */
static void read_key(struct policy *policy, const struct json_object *data, const char *key,
                     const char *allowed_words, const struct policy_option *option)
{
    const struct json_object *given = json_member(data, key);
    const char *value = json_str(given);
    if (given == NULL) {
        strmap_set(&policy->values, key, xstrdup(option->def));
        return;
    }
    if (value != NULL && allowed(option, value)) {
        strmap_set(&policy->values, key, xstrdup(value));
        return;
    }
    if (strmap_get(&policy->values, key) == NULL) {
        strmap_set(&policy->values, key, xstrdup(option->def));
    }
    problem(policy, "%s: \"%.80s\" is not allowed; allowed: %s; in force: %s", key,
            value != NULL ? value : json_type_word(given), allowed_words,
            policy_value(policy, key));
}

static void read_options(struct policy *policy, const struct json_object *data,
                         const struct policy_option *options)
{
    for (; options != NULL && options->key != NULL; options++) {
        read_key(policy, data, options->key, options->allowed, options);
    }
}

void policy_read(struct policy *policy, const struct json_object *configmap)
{
    const struct json_object *data = json_member(configmap, "data");
    clear_problems(policy);
    json_each(data, check_key, policy);
    read_options(policy, data, global_options);
    read_options(policy, data, static_pod_options);
    for (const struct policy_option *mode = static_pod_modes; mode->key != NULL; mode++) {
        struct policy_option option = *mode;
        option.def = configmap != NULL ? mode->def : "Observe";
        read_key(policy, data, option.key, option.allowed, &option);
    }
    for (size_t i = 0; i < adjustments_len; i++) {
        const struct policy_option mode = {adjustments[i]->id, OPTION_WORD, modes, "Observe"};
        read_key(policy, data, mode.key, modes, &mode);
        read_options(policy, data, adjustments[i]->options);
    }
}

enum mode policy_mode_of(const struct policy *policy, const char *id)
{
    const char *value = policy_value(policy, id);
    for (enum mode mode = MODE_OBSERVE; mode <= MODE_IGNORE; mode++) {
        if (strcmp(mode_word(mode), value) == 0) {
            return mode;
        }
    }
    return MODE_OBSERVE;
}

enum mode policy_mode(const struct policy *policy, const struct adjustment *adjustment)
{
    return policy_mode_of(policy, adjustment->id);
}

void policy_set_mode(struct policy *policy, const struct adjustment *adjustment, enum mode mode)
{
    strmap_set(&policy->values, adjustment->id, xstrdup(mode_word(mode)));
}

const char *policy_value(const struct policy *policy, const char *key)
{
    const char *value = strmap_get(&policy->values, key);
    struct policy_option option;
    if (value == NULL && find_option(key, &option)) {
        value = option.def;
    }
    return value != NULL ? value : "";
}

bool policy_is(const struct policy *policy, const char *key, const char *word)
{
    return strcmp(policy_value(policy, key), word) == 0;
}

int64_t policy_duration_ms(const struct policy *policy, const char *key)
{
    int64_t ms = 0;
    return timefmt_parse_duration(policy_value(policy, key), &ms) == 0 ? ms : 0;
}

int policy_percent(const struct policy *policy, const char *key)
{
    return parse_percent(policy_value(policy, key));
}
