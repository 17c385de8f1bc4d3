#include "kube/kubeconfig_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/base64.h"

#define FIELD(entry, name, key, type)                                                              \
    {                                                                                              \
        key, type, offsetof(struct entry, name)                                                    \
    }
#define TABLE(fields)                                                                              \
    {                                                                                              \
        fields, ARRAY_LEN(fields)                                                                  \
    }

static const struct kubeconfig_field context_fields[] = {
    FIELD(kubeconfig_context, cluster, "cluster", KUBECONFIG_STRING),
    FIELD(kubeconfig_context, user, "user", KUBECONFIG_STRING),
    FIELD(kubeconfig_context, namespace, "namespace", KUBECONFIG_STRING),
};
const struct kubeconfig_table kubeconfig_context_table = TABLE(context_fields);

static const struct kubeconfig_field cluster_fields[] = {
    FIELD(kubeconfig_cluster, server, "server", KUBECONFIG_STRING),
    FIELD(kubeconfig_cluster, tls_server_name, "tls-server-name", KUBECONFIG_STRING),
    FIELD(kubeconfig_cluster, proxy_url, "proxy-url", KUBECONFIG_STRING),
    FIELD(kubeconfig_cluster, insecure_skip_verify, "insecure-skip-tls-verify", KUBECONFIG_BOOL),
    FIELD(kubeconfig_cluster, ca_file, "certificate-authority", KUBECONFIG_PATH),
    FIELD(kubeconfig_cluster, ca_data, "certificate-authority-data", KUBECONFIG_DATA),
    FIELD(kubeconfig_cluster, extensions, "extensions", KUBECONFIG_OBJECTS),
};
const struct kubeconfig_table kubeconfig_cluster_table = TABLE(cluster_fields);

static const struct kubeconfig_field user_fields[] = {
    FIELD(kubeconfig_user, cert_file, "client-certificate", KUBECONFIG_PATH),
    FIELD(kubeconfig_user, cert_data, "client-certificate-data", KUBECONFIG_DATA),
    FIELD(kubeconfig_user, key_file, "client-key", KUBECONFIG_PATH),
    FIELD(kubeconfig_user, key_data, "client-key-data", KUBECONFIG_DATA),
    FIELD(kubeconfig_user, token, "token", KUBECONFIG_STRING),
    FIELD(kubeconfig_user, token_file, "tokenFile", KUBECONFIG_PATH),
    FIELD(kubeconfig_user, as, "as", KUBECONFIG_STRING),
    FIELD(kubeconfig_user, as_uid, "as-uid", KUBECONFIG_STRING),
    FIELD(kubeconfig_user, as_groups, "as-groups", KUBECONFIG_STRINGS),
    FIELD(kubeconfig_user, as_user_extra, "as-user-extra", KUBECONFIG_OBJECT),
    FIELD(kubeconfig_user, username, "username", KUBECONFIG_STRING),
    FIELD(kubeconfig_user, password, "password", KUBECONFIG_STRING),
    FIELD(kubeconfig_user, auth_provider, "auth-provider", KUBECONFIG_OBJECT),
    FIELD(kubeconfig_user, exec, "exec", KUBECONFIG_OBJECT),
};
const struct kubeconfig_table kubeconfig_user_table = TABLE(user_fields);

static const struct kubeconfig_field exec_fields[] = {
    FIELD(kubeconfig_exec, api_version, "apiVersion", KUBECONFIG_STRING),
    FIELD(kubeconfig_exec, command, "command", KUBECONFIG_STRING),
    FIELD(kubeconfig_exec, args, "args", KUBECONFIG_STRINGS),
    FIELD(kubeconfig_exec, env, "env", KUBECONFIG_OBJECTS),
    FIELD(kubeconfig_exec, install_hint, "installHint", KUBECONFIG_STRING),
    FIELD(kubeconfig_exec, interactive_mode, "interactiveMode", KUBECONFIG_STRING),
    FIELD(kubeconfig_exec, provide_cluster_info, "provideClusterInfo", KUBECONFIG_BOOL),
};
const struct kubeconfig_table kubeconfig_exec_table = TABLE(exec_fields);

static const struct kubeconfig_field env_fields[] = {
    FIELD(kubeconfig_env, name, "name", KUBECONFIG_STRING),
    FIELD(kubeconfig_env, value, "value", KUBECONFIG_STRING),
};
const struct kubeconfig_table kubeconfig_env_table = TABLE(env_fields);

/* One value on its way into one member. */
struct slot {
    const struct kubeconfig_doc *doc;
    const char *path;
    const struct json_object *value; /* not null */
    void *member;
};

static int wrong_type(const struct slot *slot, const char *wanted, struct err *err)
{
    bool quotable = json_str(slot->value) == NULL && !json_is_array(slot->value) &&
                    !json_is_object(slot->value) && strcmp(wanted, "a string") == 0;
    return kubeconfig_doc_fail(slot->doc, err, slot->path, "must be %s, found %s%s", wanted,
                               json_type_word(slot->value), quotable ? "; quote it" : "");
}

/* Strings end up in headers, URLs and argument lists, none of which can hold NUL. */
static int take_string(const struct slot *slot, const char **ret_value, struct err *err)
{
    size_t len;
    const char *value = json_get_str_len(slot->value, "", &len);
    if (value == NULL) {
        return wrong_type(slot, "a string", err);
    }
    if (strlen(value) != len) {
        return kubeconfig_doc_fail(slot->doc, err, slot->path, "holds a NUL character");
    }
    *ret_value = len != 0 ? value : NULL;
    return 0;
}

static int bind_string(const struct slot *slot, struct err *err)
{
    return take_string(slot, slot->member, err);
}

static int bind_bool(const struct slot *slot, struct err *err)
{
    if (strcmp(json_type_word(slot->value), "boolean") != 0) {
        return wrong_type(slot, "true or false", err);
    }
    *(bool *)slot->member = json_get_bool(slot->value, "", false);
    return 0;
}

static int bind_path(const struct slot *slot, struct err *err)
{
    const char *value;
    if (take_string(slot, &value, err) < 0) {
        return -1;
    }
    if (value != NULL) {
        *(char **)slot->member =
            *value == '/' ? xstrdup(value) : xasprintf("%s/%s", slot->doc->dir, value);
    }
    return 0;
}

static int bind_data(const struct slot *slot, struct err *err)
{
    const char *value;
    char *data;
    size_t len;
    if (take_string(slot, &value, err) < 0) {
        return -1;
    }
    if (value == NULL) {
        return 0;
    }
    if (base64_decode(value, strlen(value), &data, &len) < 0) {
        return kubeconfig_doc_fail(slot->doc, err, slot->path, "not valid base64");
    }
    *(char **)slot->member = data;
    if (strlen(data) != len) {
        return kubeconfig_doc_fail(slot->doc, err, slot->path, "not PEM text: holds a NUL byte");
    }
    return 0;
}

static int bind_array(const struct slot *slot, bool of_strings, struct err *err)
{
    if (!json_is_array(slot->value)) {
        return wrong_type(slot, "a list", err);
    }
    for (size_t i = 0; i < json_array_len(slot->value); i++) {
        AUTO_FREE char *path = xasprintf("%s/%zu", slot->path, i);
        struct slot item = {slot->doc, path, json_array_at(slot->value, i), NULL};
        const char *ignored;
        if (of_strings ? take_string(&item, &ignored, err) < 0 : !json_is_object(item.value)) {
            return of_strings ? -1 : wrong_type(&item, "a mapping", err);
        }
    }
    *(const struct json_object **)slot->member = slot->value;
    return 0;
}

static int bind_object(const struct slot *slot, struct err *err)
{
    if (!json_is_object(slot->value)) {
        return wrong_type(slot, "a mapping", err);
    }
    *(const struct json_object **)slot->member = slot->value;
    return 0;
}

static int bind_field(const struct slot *slot, enum kubeconfig_type type, struct err *err)
{
    switch (type) {
    case KUBECONFIG_STRING:
        return bind_string(slot, err);
    case KUBECONFIG_BOOL:
        return bind_bool(slot, err);
    case KUBECONFIG_PATH:
        return bind_path(slot, err);
    case KUBECONFIG_DATA:
        return bind_data(slot, err);
    case KUBECONFIG_STRINGS:
    case KUBECONFIG_OBJECTS:
        return bind_array(slot, type == KUBECONFIG_STRINGS, err);
    case KUBECONFIG_OBJECT:
        break;
    }
    return bind_object(slot, err);
}

int kubeconfig_bind(const struct kubeconfig_doc *doc, const char *path,
                    const struct kubeconfig_table *table, void *ret_entry, struct err *err)
{
    const struct json_object *entry = json_get(doc->root, path);
    if (entry != NULL && !json_is_object(entry)) {
        return wrong_type(&(struct slot){doc, path, entry, NULL}, "a mapping", err);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct kubeconfig_field *field = &table->fields[i];
        AUTO_FREE char *full = xasprintf("%s/%s", path, field->key);
        struct slot slot = {doc, full, json_member(entry, field->key),
                            (char *)ret_entry + field->offset};
        if (!json_is_null(slot.value) && bind_field(&slot, field->type, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void kubeconfig_release(const struct kubeconfig_table *table, void *entry)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct kubeconfig_field *field = &table->fields[i];
        if (field->type == KUBECONFIG_PATH || field->type == KUBECONFIG_DATA) {
            char **slot = (char **)(void *)((char *)entry + field->offset);
            free(*slot);
            *slot = NULL;
        }
    }
}
