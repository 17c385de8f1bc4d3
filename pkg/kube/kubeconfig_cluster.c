#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_fields.h"
#include "kube/pem.h"

struct cluster {
    const struct kubeconfig_at *at;
    struct kubeconfig_cluster fields;
};

static bool has_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

/* Whether this is HOST or HOST:PORT, HOST perhaps an IPv6 address in brackets. */
static bool is_authority(const char *text, size_t len)
{
    const char *bracket = memchr(text, ']', len);
    size_t host =
        *text == '[' && bracket != NULL ? (size_t)(bracket - text) + 1 : strcspn(text, ":/");
    host = host < len ? host : len;
    if (host == 0 || memchr(text, '@', len) != NULL) {
        return false;
    }
    if (host == len) {
        return true;
    }
    size_t figures = len - host - 1;
    return text[host] == ':' && figures >= 1 && figures <= 5 &&
           strspn(text + host + 1, "0123456789") == figures && atoi(text + host + 1) >= 1 &&
           atoi(text + host + 1) <= 65535;
}

static bool is_server(const char *url)
{
    size_t scheme = has_scheme(url, "https://") ? 8 : has_scheme(url, "http://") ? 7 : 0;
    for (const char *c = url; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f ||
            strchr("?#\\\"<>", *c) != NULL) {
            return false;
        }
    }
    return scheme != 0 && is_authority(url + scheme, strcspn(url + scheme, "/"));
}

static int apply_server(const struct cluster *cluster, struct kube_config *config, struct err *err)
{
    const char *server = cluster->fields.server;
    if (server == NULL) {
        return kubeconfig_entry_fail(cluster->at, err, "server",
                                     "missing: give the API server as https://HOST:PORT");
    }
    if (!is_server(server)) {
        return kubeconfig_entry_fail(cluster->at, err, "server",
                                     "\"%s\" must be https://HOST[:PORT][/PREFIX]", server);
    }
    size_t len = strlen(server);
    while (server[len - 1] == '/') {
        len--;
    }
    config->server = xstrndup(server, len);
    return 0;
}

/* The schemes are client-go's; what is behind them may hold a user and password. */
static bool is_proxy(const char *url)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const char *rest = url + strlen(schemes[i]);
        if (has_scheme(url, schemes[i])) {
            return strcspn(rest, "/?#") != 0 && *rest != ':' && kube_is_header_value(rest) &&
                   strchr(rest, ' ') == NULL;
        }
    }
    return false;
}

static int apply_proxy(const struct cluster *cluster, struct kube_config *config, struct err *err)
{
    const char *proxy = cluster->fields.proxy_url;
    if (proxy != NULL && !is_proxy(proxy)) {
        return kubeconfig_entry_fail(cluster->at, err, "proxy-url",
                                     "must be http://HOST:PORT, https://HOST:PORT or "
                                     "socks5://HOST:PORT");
    }
    config->proxy_url = xstrdup(proxy);
    return 0;
}

static int apply_ca_file(const struct cluster *cluster, struct kube_config *config, struct err *err)
{
    static const char key[] = "certificate-authority";
    const char *file = cluster->fields.ca_file;
    size_t len;
    if (kube_read_file(file, KUBE_CA_SIZE_MAX, &config->ca_pem, &len, err) < 0) {
        return kubeconfig_entry_wrap(cluster->at, err, key);
    }
    if (pem_check_certificates(config->ca_pem, len, err) < 0) {
        err_wrap(err, "%s", file);
        return kubeconfig_entry_wrap(cluster->at, err, key);
    }
    config->ca_file = xstrdup(file);
    return 0;
}

static int apply_ca_data(const struct cluster *cluster, struct kube_config *config, struct err *err)
{
    const char *data = cluster->fields.ca_data;
    if (pem_check_certificates(data, strlen(data), err) < 0) {
        return kubeconfig_entry_wrap(cluster->at, err, "certificate-authority-data");
    }
    config->ca_pem = xstrdup(data);
    return 0;
}

static int apply_trust(const struct cluster *cluster, struct kube_config *config, struct err *err)
{
    const struct kubeconfig_cluster *fields = &cluster->fields;
    if (fields->ca_file != NULL && fields->ca_data != NULL) {
        return kubeconfig_entry_fail(cluster->at, err, "certificate-authority",
                                     "contradicts certificate-authority-data: keep one of them");
    }
    if (fields->insecure_skip_verify && (fields->ca_file != NULL || fields->ca_data != NULL)) {
        return kubeconfig_entry_fail(
            cluster->at, err, "insecure-skip-tls-verify", "contradicts %s: keep one of them",
            fields->ca_file != NULL ? "certificate-authority" : "certificate-authority-data");
    }
    config->insecure_skip_verify = fields->insecure_skip_verify;
    config->tls_server_name = xstrdup(fields->tls_server_name);
    if (fields->ca_file != NULL) {
        return apply_ca_file(cluster, config, err);
    }
    return fields->ca_data != NULL ? apply_ca_data(cluster, config, err) : 0;
}

int kubeconfig_apply_cluster(const struct kubeconfig_at *at, struct kube_config *config,
                             struct err *err)
{
    struct cluster cluster = {.at = at};
    int result =
        kubeconfig_bind(at->doc, at->path, &kubeconfig_cluster_table, &cluster.fields, err);
    if (result == 0) {
        result = apply_server(&cluster, config, err);
    }
    if (result == 0) {
        result = apply_proxy(&cluster, config, err);
    }
    if (result == 0) {
        result = apply_trust(&cluster, config, err);
    }
    kubeconfig_release(&kubeconfig_cluster_table, &cluster.fields);
    return result;
}
