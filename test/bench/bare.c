/*
 * What `make bench` holds the operator against: the smallest loop that could do its job. One HTTP/2
 * connection with a watch of the Service kube-dns on it; to each event without the annotation the
 * answer is one PATCH, at once. No JSON is parsed, nothing is stored, no failure is lived with.
 *
 *     bare SERVER CA CERTIFICATE KEY
 */
#include <curl/curl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICES "/api/v1/namespaces/kube-system/services"
#define ANNOTATION "\"openyurt.io/topologyKeys\":\"openyurt.io/nodepool\""

struct bare {
    char **credentials; /* CA, certificate, key: file names */
    CURLM *multi;
    CURL *patch;
    bool patching; /* `patch` is under way */
    bool drifted;  /* the last event was without the annotation, and no PATCH was sent since */
    char *line;    /* the event that is being received */
    size_t len;
};

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bare: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void take_line(struct bare *bare)
{
    bare->line[bare->len] = '\0';
    if (strncmp(bare->line, "{\"type\":\"ERROR\"", 15) == 0) {
        die("the watch ended: %s", bare->line);
    }
    bare->drifted = strstr(bare->line, ANNOTATION) == NULL;
    bare->len = 0;
}

static size_t on_watch(char *data, size_t size, size_t count, void *arg)
{
    struct bare *bare = arg;
    size_t len = size * count;
    bare->line = realloc(bare->line, bare->len + len + 1);
    if (bare->line == NULL) {
        abort();
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            take_line(bare);
        } else {
            bare->line[bare->len++] = data[i];
        }
    }
    return len;
}

static size_t on_reply(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)arg;
    return size * count;
}

static CURL *request(struct bare *bare, const char *server, const char *path)
{
    CURL *easy = curl_easy_init();
    char url[512];
    if (easy == NULL || snprintf(url, sizeof(url), "%s%s", server, path) >= (int)sizeof(url)) {
        die("cannot make a request of %s", server);
    }
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, bare->credentials[0]);
    curl_easy_setopt(easy, CURLOPT_SSLCERT, bare->credentials[1]);
    curl_easy_setopt(easy, CURLOPT_SSLKEY, bare->credentials[2]);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    /* join the connection of the watch */
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "bare");
    return easy;
}

static void start(struct bare *bare, const char *server)
{
    bare->multi = curl_multi_init();
    CURL *watch =
        request(bare, server,
                SERVICES "?watch=true&timeoutSeconds=3600&fieldSelector=metadata.name%3Dkube-dns");
    curl_easy_setopt(watch, CURLOPT_WRITEFUNCTION, on_watch);
    curl_easy_setopt(watch, CURLOPT_WRITEDATA, bare);
    curl_multi_add_handle(bare->multi, watch);

    bare->patch = request(bare, server, SERVICES "/kube-dns");
    struct curl_slist *headers =
        curl_slist_append(NULL, "Content-Type: application/merge-patch+json");
    curl_easy_setopt(bare->patch, CURLOPT_CUSTOMREQUEST, "PATCH");
    curl_easy_setopt(bare->patch, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(bare->patch, CURLOPT_POSTFIELDS,
                     "{\"metadata\":{\"annotations\":{" ANNOTATION "}}}");
    curl_easy_setopt(bare->patch, CURLOPT_WRITEFUNCTION, on_reply);
}

static void take_ended(struct bare *bare)
{
    int left;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(bare->multi, &left)) != NULL) {
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result != CURLE_OK || status != 200 ||
            message->easy_handle != bare->patch) {
            die("the %s ended: %s, status %ld",
                message->easy_handle == bare->patch ? "PATCH" : "watch",
                curl_easy_strerror(message->data.result), status);
        }
        curl_multi_remove_handle(bare->multi, bare->patch);
        bare->patching = false;
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        die("usage: bare SERVER CA CERTIFICATE KEY");
    }
    struct bare bare = {.credentials = argv + 2};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    start(&bare, argv[1]);
    for (;;) {
        int running;
        curl_multi_perform(bare.multi, &running);
        take_ended(&bare);
        if (bare.drifted && !bare.patching) {
            curl_multi_add_handle(bare.multi, bare.patch);
            bare.drifted = false;
            bare.patching = true;
            continue;
        }
        curl_multi_poll(bare.multi, NULL, 0, 1000, NULL);
    }
}
