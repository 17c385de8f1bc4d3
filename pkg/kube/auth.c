#include "kube/auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/base64.h"
#include "kube/exec_plugin.h"
#include "kube/rotating_files.h"

const struct auth_periods auth_periods_default = {
    .token_ms = 60 * 1000,
    .files_ms = 5 * 60 * 1000,
    .settle_ms = 1000,
    .broken_ms = 10 * 1000,
    .rejected_ms = 2000,
    .plugin_ms = 30 * 1000,
    .renew_floor_ms = 10 * 1000,
    .backoff_min_ms = 1000,
    .backoff_max_ms = 60 * 1000,
};

/* What can fail to renew, each by itself. */
enum source {
    SOURCE_TOKEN,
    SOURCE_CA,
    SOURCE_PAIR,
    SOURCE_PLUGIN,
    SOURCES,
};

struct auth {
    const struct kube_config *config;
    struct auth_periods periods;
    void (*changed)(void *arg);
    void *changed_arg;
    void (*ready)(void *arg, const struct err *err); /* NULL: not started, or called already */
    void *ready_arg;
    char *authorization; /* value of the header, NULL: none */
    struct rotating_files ca;
    struct rotating_files pair;
    struct exec_credential from_plugin; /* only the certificate and key are kept in it */
    struct exec_plugin *plugin;         /* NULL: the config has none */
    struct loop *loop;
    int64_t files_checked_ms; /* when the files were read last */
    struct loop_timer *token_timer;
    struct loop_timer *files_timer;
    struct loop_deferred *tell_ready;
    struct err problems[SOURCES]; /* of kind ERR_NONE: none */
};

static void set_problem(struct auth *auth, enum source source, const struct err *err)
{
    auth->problems[source] = err != NULL ? *err : (struct err){0};
}

const struct err *auth_problem(const struct auth *auth)
{
    for (size_t i = 0; i < SOURCES; i++) {
        if (auth->problems[i].kind != ERR_NONE) {
            return &auth->problems[i];
        }
    }
    return NULL;
}

static void set_token(struct auth *auth, const char *token)
{
    free(auth->authorization);
    auth->authorization = xasprintf("Bearer %s", token);
}

/* RFC 7617. */
static void set_basic(struct auth *auth)
{
    const struct kube_config *config = auth->config;
    AUTO_FREE char *pair = xasprintf("%s:%s", config->username != NULL ? config->username : "",
                                     config->password != NULL ? config->password : "");
    AUTO_FREE char *encoded = base64_encode(pair, strlen(pair));
    free(auth->authorization);
    auth->authorization = xasprintf("Basic %s", encoded);
}

/* On failure the token that was there stays. */
static void read_token(struct auth *auth)
{
    AUTO_FREE char *token = NULL;
    struct err err = {0};
    if (kube_read_token(auth->config->token_file, &token, &err) < 0) {
        set_problem(auth, SOURCE_TOKEN, &err);
        return;
    }
    set_problem(auth, SOURCE_TOKEN, NULL);
    set_token(auth, token);
}

static void token_due(void *arg)
{
    struct auth *auth = arg;
    read_token(auth);
    loop_timer_arm(auth->token_timer, auth->periods.token_ms);
}

/* Returns how long to wait until the next look. */
static int64_t check_files(struct auth *auth, struct rotating_files *files, enum source source,
                           bool *changed)
{
    enum rotation rotation;
    struct err err = {0};
    if (rotating_files_check(files, &rotation, &err) < 0) {
        set_problem(auth, source, &err);
        return auth->periods.broken_ms;
    }
    set_problem(auth, source, NULL);
    *changed = *changed || rotation == ROTATION_DONE;
    return rotation == ROTATION_SETTLING ? auth->periods.settle_ms : auth->periods.files_ms;
}

static void files_due(void *arg)
{
    struct auth *auth = arg;
    bool changed = false;
    auth->files_checked_ms = loop_now_ms(auth->loop);
    int64_t ca = check_files(auth, &auth->ca, SOURCE_CA, &changed);
    int64_t pair = check_files(auth, &auth->pair, SOURCE_PAIR, &changed);
    loop_timer_arm(auth->files_timer, ca < pair ? ca : pair);
    if (changed) {
        auth->changed(auth->changed_arg);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Takes over what the plugin gave; true when the TLS identity is another now. */
static bool take_credential(struct auth *auth, struct exec_credential *credential)
{
    struct exec_credential *own = &auth->from_plugin;
    bool changed = !same_text(own->cert_pem, credential->cert_pem) ||
                   !same_text(own->key_pem, credential->key_pem);
    if (credential->token != NULL) {
        set_token(auth, credential->token);
    } else {
        free(take_ptr(auth->authorization));
    }
    exec_credential_finish(own);
    own->cert_pem = take_ptr(credential->cert_pem);
    own->key_pem = take_ptr(credential->key_pem);
    return changed;
}

static void plugin_done(void *arg, struct exec_credential *credential, const struct err *err)
{
    struct auth *auth = arg;
    set_problem(auth, SOURCE_PLUGIN, err);
    if (auth->ready != NULL) {
        loop_deferred_schedule(auth->tell_ready);
    }
    if (credential != NULL && take_credential(auth, credential)) {
        auth->changed(auth->changed_arg);
    }
}

static const char *plugin_ca(void *arg)
{
    const struct auth *auth = arg;
    return auth->ca.current[0];
}

static const struct exec_plugin_handler plugin_handler = {
    .done = plugin_done,
    .ca_pem = plugin_ca,
};

/* A token that could not be renewed is no reason to say no: only its absence is. */
static void tell_ready(void *arg)
{
    struct auth *auth = arg;
    bool token_missing = auth->config->token_file != NULL && auth->authorization == NULL;
    enum source source = auth->plugin != NULL ? SOURCE_PLUGIN : SOURCE_TOKEN;
    bool missing = auth->plugin != NULL || token_missing;
    const struct err why = auth->problems[source];
    void (*ready)(void *, const struct err *) = take_ptr(auth->ready);
    ready(auth->ready_arg, missing && why.kind != ERR_NONE ? &why : NULL);
}

struct auth *auth_create_with_periods(struct loop *loop, const struct kube_config *config,
                                      const struct auth_periods *periods,
                                      void (*changed)(void *arg), void *arg)
{
    struct auth *auth = xcalloc(1, sizeof(*auth));
    auth->loop = loop;
    auth->files_checked_ms = loop_now_ms(loop);
    auth->config = config;
    auth->periods = *periods;
    auth->changed = changed;
    auth->changed_arg = arg;
    rotating_files_init_ca(&auth->ca, config->ca_file, config->ca_pem);
    rotating_files_init_pair(&auth->pair, config->cert_file, config->key_file, config->cert_pem,
                             config->key_pem);
    auth->token_timer = loop_timer_create(loop, token_due, auth);
    auth->files_timer = loop_timer_create(loop, files_due, auth);
    auth->tell_ready = loop_deferred_create(loop, tell_ready, auth);
    if (config->exec != NULL) {
        auth->plugin = exec_plugin_create(loop, config, &auth->periods, &plugin_handler, auth);
    }
    if (config->token != NULL) {
        set_token(auth, config->token);
    } else if (config->username != NULL || config->password != NULL) {
        set_basic(auth);
    }
    return auth;
}

struct auth *auth_create(struct loop *loop, const struct kube_config *config,
                         void (*changed)(void *arg), void *arg)
{
    return auth_create_with_periods(loop, config, &auth_periods_default, changed, arg);
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL) {
        return;
    }
    exec_plugin_destroy(auth->plugin);
    loop_deferred_destroy(auth->tell_ready);
    loop_timer_destroy(auth->files_timer);
    loop_timer_destroy(auth->token_timer);
    exec_credential_finish(&auth->from_plugin);
    rotating_files_finish(&auth->pair);
    rotating_files_finish(&auth->ca);
    free(auth->authorization);
    free(auth);
}

static bool has_files(const struct auth *auth)
{
    return auth->config->ca_file != NULL || auth->config->cert_file != NULL;
}

void auth_start(struct auth *auth, void (*ready)(void *arg, const struct err *err), void *arg)
{
    auth->ready = ready;
    auth->ready_arg = arg;
    if (auth->config->token_file != NULL) {
        token_due(auth);
    }
    if (has_files(auth)) {
        loop_timer_arm(auth->files_timer, auth->periods.files_ms);
    }
    if (auth->plugin != NULL) {
        exec_plugin_run(auth->plugin);
    } else {
        loop_deferred_schedule(auth->tell_ready);
    }
}

void auth_target(const struct auth *auth, const char *user_agent, struct http_target *ret_target)
{
    const struct exec_credential *plugin = &auth->from_plugin;
    const struct rotating_files *pair = &auth->pair;
    *ret_target = (struct http_target){
        .server = auth->config->server,
        .ca_pem = auth->ca.current[0],
        .cert_pem = plugin->cert_pem != NULL ? plugin->cert_pem : pair->current[0],
        .key_pem = plugin->cert_pem != NULL ? plugin->key_pem : pair->current[1],
        .tls_server_name = auth->config->tls_server_name,
        .proxy_url = auth->config->proxy_url,
        .insecure_skip_verify = auth->config->insecure_skip_verify,
        .user_agent = user_agent,
    };
}

static void put_header(struct http_header *headers, size_t *used, const char *name,
                       const char *value)
{
    if (value == NULL) {
        return;
    }
    if (*used == HTTP_HEADERS_MAX) {
        abort(); /* to act as somebody else is worse */
    }
    headers[(*used)++] = (struct http_header){.name = name, .value = value};
}

size_t auth_headers(struct auth *auth, struct http_header *headers, size_t used)
{
    const struct kube_config *config = auth->config;
    put_header(headers, &used, "Authorization", auth->authorization);
    put_header(headers, &used, "Impersonate-User", config->impersonate_user);
    put_header(headers, &used, "Impersonate-Uid", config->impersonate_uid);
    char *const *group = config->impersonate_groups;
    for (; group != NULL && *group != NULL; group++) {
        put_header(headers, &used, "Impersonate-Group", *group);
    }
    return used;
}

void auth_untrusted(struct auth *auth)
{
    if (has_files(auth)) {
        /* not at once when they were read just now: they are given time to settle */
        loop_timer_arm(auth->files_timer,
                       auth->files_checked_ms + auth->periods.settle_ms - loop_now_ms(auth->loop));
    }
}

void auth_rejected(struct auth *auth)
{
    if (auth->config->token_file != NULL) {
        token_due(auth);
    }
    auth_untrusted(auth);
    if (auth->plugin != NULL) {
        exec_plugin_rejected(auth->plugin);
    }
}
