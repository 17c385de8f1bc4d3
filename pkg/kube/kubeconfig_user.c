#include <string.h>

#include "base/alloc.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_fields.h"
#include "kube/pem.h"

struct user {
    const struct kubeconfig_at *at;
    struct kubeconfig_user fields;
};

/* What may not stand together, or not alone. */
struct rule {
    bool broken;
    const char *key;
    const char *complaint;
};

static int check_rules(const struct kubeconfig_at *at, const struct rule *rules, size_t count,
                       struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].broken) {
            return kubeconfig_entry_fail(at, err, rules[i].key, "%s", rules[i].complaint);
        }
    }
    return 0;
}

/* client-go validateAuthInfo, and what it would let pass but never use. */
static int check_methods(const struct user *user, struct err *err)
{
    const struct kubeconfig_user *u = &user->fields;
    bool cert = u->cert_file != NULL || u->cert_data != NULL;
    bool key = u->key_file != NULL || u->key_data != NULL;
    bool basic = u->username != NULL || u->password != NULL;
    const char *basic_key = u->username != NULL ? "username" : "password";
    bool exec = u->exec != NULL;
    const struct rule rules[] = {
        {u->auth_provider != NULL, "auth-provider",
         "not supported: use an exec credential plugin or a token instead"},
        {u->cert_file != NULL && u->cert_data != NULL, "client-certificate",
         "contradicts client-certificate-data: keep one of them"},
        {u->key_file != NULL && u->key_data != NULL, "client-key",
         "contradicts client-key-data: keep one of them"},
        {cert && !key, u->cert_file != NULL ? "client-certificate" : "client-certificate-data",
         "needs client-key or client-key-data beside it"},
        {key && !cert, u->key_file != NULL ? "client-key" : "client-key-data",
         "needs client-certificate or client-certificate-data beside it"},
        {basic && u->token != NULL, basic_key, "contradicts token: keep one of them"},
        {basic && u->token_file != NULL, basic_key, "contradicts tokenFile: keep one of them"},
        {exec && u->token != NULL, "exec", "contradicts token: keep one of them"},
        {exec && u->token_file != NULL, "exec", "contradicts tokenFile: keep one of them"},
        {exec && basic, "exec", "contradicts username and password: keep one of them"},
        {exec && cert, "exec", "contradicts the client certificate: keep one of them"},
        {u->username != NULL && strchr(u->username, ':') != NULL, "username",
         "must not hold a colon (RFC 7617)"},
        {u->token != NULL && !kube_is_header_value(u->token), "token",
         "holds control characters, which no header can carry"},
    };
    return check_rules(user->at, rules, ARRAY_LEN(rules), err);
}

static int check_impersonation(const struct user *user, struct err *err)
{
    const struct kubeconfig_user *u = &user->fields;
    const char *what = u->as_uid != NULL          ? "as-uid"
                       : u->as_user_extra != NULL ? "as-user-extra"
                                                  : "as-groups";
    bool any = u->as_uid != NULL || u->as_user_extra != NULL || json_array_len(u->as_groups) != 0;
    const struct rule rules[] = {
        {any && u->as == NULL, what, "needs a user to impersonate beside it (as)"},
        {u->as_user_extra != NULL, "as-user-extra", "not supported: remove it"},
        {u->as != NULL && !kube_is_header_value(u->as), "as", "holds control characters"},
        {u->as_uid != NULL && !kube_is_header_value(u->as_uid), "as-uid",
         "holds control characters"},
        {json_array_len(u->as_groups) > KUBE_IMPERSONATE_GROUPS_MAX, "as-groups",
         "more than 8 groups are not supported"},
    };
    _Static_assert(KUBE_IMPERSONATE_GROUPS_MAX == 8, "the number is in the text above");
    return check_rules(user->at, rules, ARRAY_LEN(rules), err);
}

/* Either of a pair: from its file or from the data. `file` and `data` are never both there. */
struct piece {
    const char *key; /* of the file; with "-data" behind it that of the data */
    const char *file;
    const char *data;
    int (*check)(const char *text, size_t len, struct err *err);
};

static int load_piece(const struct user *user, const struct piece *piece, char **ret_text,
                      struct err *err)
{
    AUTO_FREE char *text = xstrdup(piece->data);
    AUTO_FREE char *key = xasprintf("%s%s", piece->key, piece->data != NULL ? "-data" : "");
    size_t len = text != NULL ? strlen(text) : 0;
    if (text == NULL && kube_read_file(piece->file, KUBE_KEY_SIZE_MAX, &text, &len, err) < 0) {
        return kubeconfig_entry_wrap(user->at, err, key);
    }
    if (piece->check(text, len, err) < 0) {
        if (piece->file != NULL) {
            err_wrap(err, "%s", piece->file);
        }
        return kubeconfig_entry_wrap(user->at, err, key);
    }
    *ret_text = take_ptr(text);
    return 0;
}

static int apply_certificate(const struct user *user, struct kube_config *config, struct err *err)
{
    const struct kubeconfig_user *u = &user->fields;
    const struct piece cert = {"client-certificate", u->cert_file, u->cert_data,
                               pem_check_certificates};
    const struct piece key = {"client-key", u->key_file, u->key_data, pem_check_key};
    if (u->cert_file == NULL && u->cert_data == NULL) {
        return 0;
    }
    if (load_piece(user, &cert, &config->cert_pem, err) < 0 ||
        load_piece(user, &key, &config->key_pem, err) < 0) {
        return -1;
    }
    if (pem_check_pair(config->cert_pem, config->key_pem, err) < 0) {
        return kubeconfig_entry_wrap(user->at, err,
                                     u->key_file != NULL ? "client-key" : "client-key-data");
    }
    /* one of them given as data cannot change: neither is re-read (client-go TLSConfigFor) */
    if (u->cert_file != NULL && u->key_file != NULL) {
        config->cert_file = xstrdup(u->cert_file);
        config->key_file = xstrdup(u->key_file);
    }
    return 0;
}

static int apply_token(const struct user *user, struct kube_config *config, struct err *err)
{
    const struct kubeconfig_user *u = &user->fields;
    AUTO_FREE char *token = NULL;
    if (u->token_file != NULL && kube_read_token(u->token_file, &token, err) < 0 &&
        u->token == NULL) {
        return kubeconfig_entry_wrap(user->at, err, "tokenFile");
    }
    config->token = token != NULL ? take_ptr(token) : xstrdup(u->token);
    config->token_file = xstrdup(u->token_file);
    return 0;
}

static int apply_impersonation(const struct user *user, struct kube_config *config, struct err *err)
{
    const struct json_object *groups = user->fields.as_groups;
    size_t count = json_array_len(groups);
    config->impersonate_user = xstrdup(user->fields.as);
    config->impersonate_uid = xstrdup(user->fields.as_uid);
    if (count == 0) {
        return 0;
    }
    config->impersonate_groups = xcalloc(count + 1, sizeof(*config->impersonate_groups));
    for (size_t i = 0; i < count; i++) {
        const char *group = json_str(json_array_at(groups, i));
        AUTO_FREE char *key = xasprintf("as-groups/%zu", i);
        if (!kube_is_header_value(group)) {
            return kubeconfig_entry_fail(user->at, err, key, "holds control characters");
        }
        config->impersonate_groups[i] = xstrdup(group);
    }
    return 0;
}

static int apply_user(const struct user *user, struct kube_config *config, struct err *err)
{
    if (check_methods(user, err) < 0 || check_impersonation(user, err) < 0 ||
        apply_impersonation(user, config, err) < 0) {
        return -1;
    }
    if (kubeconfig_is_plain(config)) {
        return 0;
    }
    config->username = xstrdup(user->fields.username);
    config->password = xstrdup(user->fields.password);
    if (apply_token(user, config, err) < 0) {
        return -1;
    }
    return apply_certificate(user, config, err);
}

int kubeconfig_apply_user(const struct kubeconfig_at *at, struct kube_config *config,
                          struct err *err)
{
    struct user user = {.at = at};
    int result = kubeconfig_bind(at->doc, at->path, &kubeconfig_user_table, &user.fields, err);
    if (result == 0) {
        result = apply_user(&user, config, err);
    }
    kubeconfig_release(&kubeconfig_user_table, &user.fields);
    return result;
}
