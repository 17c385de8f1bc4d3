#include "staticpod/staticpod_names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "staticpod/staticpod_dns.h"
#include "staticpod/staticpod_flags.h"
#include "yaml/yaml.h"
#include "json/json.h"

enum flag_kind {
    FLAG_URLS,      /* divided by commas */
    FLAG_OVERRIDES, /* group/resource#url;url, divided by commas */
    FLAG_FILE,
};

static const struct {
    const char *name;
    enum flag_kind kind;
} flags[] = {
    {"etcd-servers", FLAG_URLS},
    {"etcd-servers-overrides", FLAG_OVERRIDES},
    {"oidc-issuer-url", FLAG_URLS},
    {"authentication-token-webhook-config-file", FLAG_FILE},
    {"authentication-config", FLAG_FILE},
    {"authorization-webhook-config-file", FLAG_FILE},
    {"authorization-config", FLAG_FILE},
    {"audit-webhook-config-file", FLAG_FILE},
    {"admission-control-config-file", FLAG_FILE},
    {"egress-selector-config-file", FLAG_FILE},
};

static bool has(const struct staticpod_name *list, size_t len, const char *text)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(list[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static void add(struct staticpod_name **list, size_t *len, const char *text, const char *where,
                size_t word)
{
    if (has(*list, *len, text)) {
        return;
    }
    *list = xreallocarray(*list, *len + 1, sizeof(**list));
    (*list)[(*len)++] =
        (struct staticpod_name){.text = xstrdup(text), .where = xstrdup(where), .word = word};
}

/* The host of a URL, or of "host:port", when it is a name; else NULL. Owned by the caller. */
static char *name_in_url(const char *url, size_t len)
{
    AUTO_FREE char *copy = xstrndup(url, len);
    char *scheme = strstr(copy, "://");
    if (strncmp(copy, "unix", 4) == 0 && scheme != NULL) {
        return NULL;
    }
    char *host = scheme != NULL ? scheme + 3 : copy;
    host[strcspn(host, "/?#")] = '\0';
    char *user = strrchr(host, '@');
    host = user != NULL ? user + 1 : host;
    if (*host == '[' || staticpod_is_address(host)) {
        return NULL;
    }
    host[strcspn(host, ":")] = '\0';
    bool local = *host == '\0' || strcmp(host, "localhost") == 0;
    return local || staticpod_is_address(host) ? NULL : xstrdup(host);
}

/* Whether the Pod's /etc/hosts has the name. */
static bool is_host_alias(const struct staticpod_manifest *manifest, const char *host)
{
    const struct json_object *aliases = json_get(manifest->document, "spec/hostAliases");
    for (size_t i = 0; i < json_array_len(aliases); i++) {
        const struct json_object *hostnames = json_get(json_array_at(aliases, i), "hostnames");
        for (size_t j = 0; j < json_array_len(hostnames); j++) {
            const char *name = json_str(json_array_at(hostnames, j));
            if (name != NULL && strcmp(name, host) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void add_url(const struct staticpod_manifest *manifest, struct staticpod_names *names,
                    const char *url, size_t len, const char *where, size_t word)
{
    AUTO_FREE char *host = name_in_url(url, len);
    if (host != NULL && !is_host_alias(manifest, host)) {
        add(&names->hosts, &names->hosts_len, host, where, word);
    }
}

/* --- flags --- */

static void add_urls(const struct staticpod_manifest *manifest, struct staticpod_names *names,
                     const char *value, enum flag_kind kind, const char *where, size_t word)
{
    while (*value != '\0') {
        size_t len = strcspn(value, kind == FLAG_OVERRIDES ? ",;" : ",");
        const char *hash = kind == FLAG_OVERRIDES ? memchr(value, '#', len) : NULL;
        const char *url = hash != NULL ? hash + 1 : value;
        add_url(manifest, names, url, len - (size_t)(url - value), where, word);
        value += len + (value[len] != '\0');
    }
}

int staticpod_names_in_flags(const struct staticpod_manifest *manifest,
                             struct staticpod_names *names, struct staticpod_refusal *refusal)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        AUTO(staticpod_flags) struct staticpod_flags found = {0};
        AUTO_FREE char *where = xasprintf("--%s", flags[i].name);
        if (staticpod_flags_find(manifest, flags[i].name, &found, refusal) < 0) {
            return -1;
        }
        for (size_t j = 0; j < found.len; j++) {
            const struct staticpod_flag *flag = &found.list[j];
            if (flags[i].kind != FLAG_FILE) {
                add_urls(manifest, names, flag->value, flags[i].kind, where, flag->value_word);
            } else if (*flag->value != '\0') {
                add(&names->files, &names->files_len, flag->value, where, flag->value_word);
            }
        }
    }
    return 0;
}

/* --- files --- */

struct walk {
    const struct staticpod_manifest *manifest;
    const char *path;
    struct staticpod_names *names;
};

/* Members that hold what is reached: of kubeconfigs, JWT issuers, egress connections. */
static bool is_url_member(const char *name)
{
    static const char *const members[] = {"server", "proxy-url", "url", "discoveryURL"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (strcmp(members[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void walk_value(struct walk *walk, const struct json_object *value);

static bool walk_member(void *arg, const char *name, const struct json_object *value)
{
    struct walk *walk = arg;
    const char *text = json_str(value);
    AUTO_FREE char *where = xasprintf("%s of %s", name, walk->path);
    if (text == NULL) {
        walk_value(walk, value);
    } else if (is_url_member(name)) {
        add_url(walk->manifest, walk->names, text, strlen(text), where, SIZE_MAX);
    } else if (strcmp(name, "kubeConfigFile") == 0 && *text != '\0') {
        add(&walk->names->files, &walk->names->files_len, text, where, SIZE_MAX);
    }
    return true;
}

static void walk_value(struct walk *walk, const struct json_object *value)
{
    json_each(value, walk_member, walk);
    for (size_t i = 0; i < json_array_len(value); i++) {
        walk_value(walk, json_array_at(value, i));
    }
}

int staticpod_names_in_file(const struct staticpod_manifest *manifest, const char *path,
                            const char *text, size_t len, struct staticpod_names *names,
                            struct err *err)
{
    AUTO(json) struct json_object *documents = NULL;
    if (yaml_to_json(text, len, &documents, err) < 0) {
        return err_wrap(err, "%s", path);
    }
    struct walk walk = {.manifest = manifest, .path = path, .names = names};
    walk_value(&walk, documents);
    return 0;
}

static void finish_list(struct staticpod_name *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        free(list[i].text);
        free(list[i].where);
    }
    free(list);
}

void staticpod_names_finish(struct staticpod_names *names)
{
    finish_list(names->hosts, names->hosts_len);
    finish_list(names->files, names->files_len);
    *names = (struct staticpod_names){0};
}
