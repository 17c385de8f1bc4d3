#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "http/private.h"

enum {
    KEEPALIVE_IDLE_S = 15,
    KEEPALIVE_INTERVAL_S = 5,
};

/* The parts of the server's URL, as curl reads it. */
struct url_parts {
    char *scheme;
    char *host; /* IPv6 in brackets */
    char *port; /* "" unless given */
    char *effective_port;
    char *path; /* without a slash at its end */
};

static void url_parts_finish(struct url_parts *parts)
{
    free(parts->scheme);
    free(parts->host);
    free(parts->port);
    free(parts->effective_port);
    free(parts->path);
}

DEFINE_AUTO_FINISH(url_parts, struct url_parts, url_parts_finish)

static char *url_part(CURLU *url, CURLUPart part, unsigned int flags)
{
    char *value = NULL;
    if (curl_url_get(url, part, &value, flags) != CURLUE_OK) {
        return xstrdup("");
    }
    char *copy = xstrdup(value);
    curl_free(value);
    return copy;
}

static bool url_has(CURLU *url, CURLUPart part)
{
    AUTO_FREE char *value = url_part(url, part, 0);
    return value[0] != '\0';
}

static int url_split(const char *server, struct url_parts *ret_parts, struct err *err)
{
    CURLU *url = curl_url();
    if (url == NULL) {
        abort();
    }
    CURLUcode code = curl_url_set(url, CURLUPART_URL, server, CURLU_DISALLOW_USER);
    int result = -1;
    if (code == CURLUE_USER_NOT_ALLOWED) {
        err_set(err, ERR_INVALID, "server URL with a user name or password in it");
    } else if (code != CURLUE_OK) {
        err_set(err, ERR_INVALID, "server URL: %s", curl_url_strerror(code));
    } else if (url_has(url, CURLUPART_QUERY) || url_has(url, CURLUPART_FRAGMENT)) {
        err_set(err, ERR_INVALID, "server URL with a query or fragment");
    } else {
        *ret_parts = (struct url_parts){
            .scheme = url_part(url, CURLUPART_SCHEME, 0),
            .host = url_part(url, CURLUPART_HOST, 0),
            .port = url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT),
            .effective_port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT),
            .path = url_part(url, CURLUPART_PATH, 0),
        };
        size_t len = strlen(ret_parts->path);
        while (len > 0 && ret_parts->path[len - 1] == '/') {
            ret_parts->path[--len] = '\0';
        }
        result = 0;
    }
    curl_url_cleanup(url);
    return result;
}

static int check_names(const struct url_parts *parts, const char *tls_server_name, struct err *err)
{
    static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._:";
    if (strcmp(parts->scheme, "https") != 0 && strcmp(parts->scheme, "http") != 0) {
        return err_set(err, ERR_INVALID, "server URL: scheme must be https");
    }
    if (tls_server_name != NULL && (tls_server_name[0] == '\0' ||
                                    tls_server_name[strspn(tls_server_name, name_bytes)] != '\0')) {
        return err_set(err, ERR_INVALID, "TLS server name: neither a host name nor an address");
    }
    return 0;
}

static int check_pem(const char *pem, const char *what, const char *marker, struct err *err)
{
    if (pem != NULL && strstr(pem, marker) == NULL) {
        return err_set(err, ERR_INVALID, "%s: no PEM block in it", what);
    }
    return 0;
}

static int check_identity(const struct http_target *target, struct err *err)
{
    static const char *const proxies[] = {"http://", "https://", "socks5://"};
    if ((target->cert_pem == NULL) != (target->key_pem == NULL)) {
        return err_set(err, ERR_INVALID, "client certificate and key: only one of them is there");
    }
    if (check_pem(target->ca_pem, "CA certificate", "-----BEGIN CERTIFICATE-----", err) < 0 ||
        check_pem(target->cert_pem, "client certificate", "-----BEGIN CERTIFICATE-----", err) < 0 ||
        check_pem(target->key_pem, "client key", "PRIVATE KEY-----", err) < 0) {
        return -1;
    }
    if (target->proxy_url == NULL) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
        if (strncmp(target->proxy_url, proxies[i], strlen(proxies[i])) == 0) {
            return 0;
        }
    }
    /* Not quoted: there may be a password in it. */
    return err_set(err, ERR_INVALID, "proxy URL: must begin with http://, https:// or socks5://");
}

/*
 * The name to verify and to send as SNI is the URL's host for curl. A name other than the
 * server's therefore goes into the URL, and the real one into CONNECT_TO and the Host header.
 */
static void set_names(struct http_identity *identity, const struct url_parts *parts,
                      const char *tls_server_name)
{
    const char *colon = parts->port[0] != '\0' ? ":" : "";
    identity->label = xasprintf("%s://%s%s%s", parts->scheme, parts->host, colon, parts->port);
    if (tls_server_name == NULL) {
        identity->base = xasprintf("%s%s", identity->label, parts->path);
        return;
    }
    bool ipv6 = strchr(tls_server_name, ':') != NULL;
    identity->base = xasprintf("%s://%s%s%s%s%s%s", parts->scheme, ipv6 ? "[" : "", tls_server_name,
                               ipv6 ? "]" : "", colon, parts->port, parts->path);
    identity->host_header = xasprintf("Host: %s%s%s", parts->host, colon, parts->port);
    AUTO_FREE char *connect_to = xasprintf("::%s:%s", parts->host, parts->effective_port);
    identity->connect_to = curl_slist_append(NULL, connect_to);
    if (identity->connect_to == NULL) {
        abort();
    }
}

int http_identity_create(const struct http_target *target, struct http_identity **ret_identity,
                         struct err *err)
{
    AUTO(url_parts) struct url_parts parts = {0};
    if (target->server == NULL) {
        return err_set(err, ERR_INVALID, "no server URL");
    }
    if (url_split(target->server, &parts, err) < 0 ||
        check_names(&parts, target->tls_server_name, err) < 0 || check_identity(target, err) < 0) {
        return -1;
    }
    struct http_identity *identity = xcalloc(1, sizeof(*identity));
    set_names(identity, &parts, target->tls_server_name);
    identity->ca_pem = xstrdup(target->ca_pem);
    identity->cert_pem = xstrdup(target->cert_pem);
    identity->key_pem = xstrdup(target->key_pem);
    identity->proxy_url = xstrdup(target->proxy_url);
    identity->user_agent = xstrdup(target->user_agent);
    identity->insecure_skip_verify = target->insecure_skip_verify;
    *ret_identity = identity;
    return 0;
}

static void free_secret(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void http_identity_destroy(struct http_identity *identity)
{
    if (identity == NULL) {
        return;
    }
    free(identity->label);
    free(identity->base);
    free(identity->host_header);
    curl_slist_free_all(identity->connect_to);
    free(identity->ca_pem);
    free(identity->cert_pem);
    free_secret(identity->key_pem);
    free_secret(identity->proxy_url);
    free(identity->user_agent);
    free(identity);
}

static void set_blob(CURL *easy, CURLoption option, char *pem)
{
    if (pem != NULL) {
        struct curl_blob blob = {.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
        HTTP_MUST(curl_easy_setopt(easy, option, &blob));
    }
}

static void apply_tls(const struct http_identity *identity, CURL *easy)
{
    bool verify = !identity->insecure_skip_verify;
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L));
    /* A resumed session would carry a client certificate that was replaced meanwhile. */
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L));
    if (identity->ca_pem != NULL) {
        /* The blob replaces the built-in file, not the built-in directory: without this the
         * system's roots would be trusted as well. */
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CAINFO, NULL));
        HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    }
    set_blob(easy, CURLOPT_CAINFO_BLOB, identity->ca_pem);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, identity->cert_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, identity->key_pem);
    /* An encrypted key fails; without this OpenSSL would ask for its password on the terminal. */
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""));
}

static void apply_socket(CURL *easy)
{
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    /* Removing a transfer whose name look-up is in progress would wait for the resolver's
     * thread; with this the thread is detached and cleans up after itself. */
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
}

void http_identity_apply(const struct http_identity *identity, CURL *easy)
{
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
    /* Empty, not NULL: NULL means the environment's. */
    const char *proxy = identity->proxy_url != NULL ? identity->proxy_url : "";
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_PROXY, proxy));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_NOPROXY, ""));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_CONNECT_TO, identity->connect_to));
    HTTP_MUST(curl_easy_setopt(easy, CURLOPT_USERAGENT, identity->user_agent));
    apply_socket(easy);
    apply_tls(identity, easy);
}
