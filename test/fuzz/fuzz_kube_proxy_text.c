/*
 * The edit of kube-proxy's configuration: it changes the target only, judged by reading both texts
 * as JSON; editing again changes nothing; putting back gives the same bytes; undoing our edit in a
 * text that others changed too leaves their changes.
 *
 * The input is one text, or two divided by the byte 0x1f: what was there before, and what is now.
 * Each is taken as it is, and as what follows apiVersion and kind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adjust/kube_proxy_text.h"
#include "base/alloc.h"
#include "fuzz/fuzzing.h"
#include "yaml/yaml.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No NUL behind it, so that AddressSanitizer sees overruns. */
static char *copy(const void *data, size_t len)
{
    char *text = xmalloc(len != 0 ? len : 1);
    if (len != 0) {
        memcpy(text, data, len);
    }
    return text;
}

/* What kube-proxy reads; NULL when it cannot be told (repeated keys elsewhere, for one). */
static struct json_object *first_document(const char *text, size_t len)
{
    AUTO(json) struct json_object *documents = NULL;
    if (yaml_to_json(text, len, &documents, NULL) < 0) {
        return NULL;
    }
    return json_copy(json_array_at(documents, 0));
}

static void check_in_force(const char *text, size_t len)
{
    AUTO(json) struct json_object *document = first_document(text, len);
    const struct json_object *value = json_get(document, "clientConnection/kubeconfig");
    if (document != NULL && value != NULL) {
        const char *string = json_str(value);
        fuzz_require(string != NULL && string[0] == '\0');
    }
}

/* The document without the target: its member gone, or "", or the whole section null. */
static struct json_object *without_target(const char *text, size_t len)
{
    struct json_object *document = first_document(text, len);
    if (json_is_object(json_get(document, "clientConnection"))) {
        struct json_object *section = json_ensure_object(document, "clientConnection");
        json_del(section, "kubeconfig");
        if (json_object_len(section) == 0) {
            json_set_take(document, "clientConnection", NULL);
        }
    }
    return document;
}

static void check_only_target(const char *text, size_t len, const struct kube_proxy_text *edited)
{
    AUTO(json) struct json_object *was = without_target(text, len);
    AUTO(json) struct json_object *is = without_target(edited->text, edited->len);
    AUTO(json) struct json_object *document = first_document(text, len);
    if (was != NULL) {
        fuzz_require(is != NULL && json_same(was, is));
        fuzz_require(strcmp(json_get_str(document, "clientConnection/kubeconfig"), edited->value) ==
                     0);
    }
}

static void check_again(const struct kube_proxy_text *edited)
{
    AUTO(kube_proxy_text) struct kube_proxy_text again;
    fuzz_require(kube_proxy_text_take_out(edited->text, edited->len, &again) ==
                 KUBE_PROXY_TEXT_IN_FORCE);
}

/* What is put back is one of the texts, or has our edit undone and nothing else. */
static void check_put_back(const char *now, size_t now_len, const char *before, size_t before_len)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    struct err err;
    if (kube_proxy_text_put_back(now, now_len, before, before_len, &text, &len, &err) < 0) {
        fuzz_require(err.kind == ERR_CONFLICT && err.text[0] != '\0');
        return;
    }
    if ((len == now_len && memcmp(text, now, len) == 0) ||
        (len == before_len && memcmp(text, before, len) == 0)) {
        return;
    }
    AUTO(kube_proxy_text) struct kube_proxy_text edited;
    fuzz_require(kube_proxy_text_take_out(text, len, &edited) == KUBE_PROXY_TEXT_EDITED);
    fuzz_require(edited.len == now_len && memcmp(edited.text, now, now_len) == 0);
}

static void check_round_trip(const char *text, size_t len, const struct kube_proxy_text *edited)
{
    AUTO_FREE char *back = NULL;
    size_t back_len;
    fuzz_require(kube_proxy_text_put_back(edited->text, edited->len, text, len, &back, &back_len,
                                          NULL) == 0);
    fuzz_require(back_len == len && memcmp(back, text, len) == 0);
}

/* Somebody else writes a line in front, which leaves our edit where it is. */
static void check_foreign_change(const char *text, size_t len, const struct kube_proxy_text *edited)
{
    static const char line[] = "# theirs\n";
    size_t now_len = strlen(line) + edited->len;
    AUTO_FREE char *now = xmalloc(now_len);
    memcpy(now, line, strlen(line));
    memcpy(now + strlen(line), edited->text, edited->len);
    check_put_back(now, now_len, text, len);
}

static void check_text(const char *text, size_t len)
{
    AUTO(kube_proxy_text) struct kube_proxy_text edited;
    switch (kube_proxy_text_take_out(text, len, &edited)) {
    case KUBE_PROXY_TEXT_IN_FORCE:
        check_in_force(text, len);
        break;
    case KUBE_PROXY_TEXT_REFUSED:
        fuzz_require(edited.message != NULL && edited.text == NULL);
        break;
    case KUBE_PROXY_TEXT_EDITED:
        check_in_force(edited.text, edited.len);
        check_only_target(text, len, &edited);
        check_again(&edited);
        check_round_trip(text, len, &edited);
        check_foreign_change(text, len, &edited);
        break;
    }
}

static void check_input(const char *before, size_t len, const char *now, size_t now_len)
{
    check_text(before, len);
    if (now != NULL) {
        check_put_back(now, now_len, before, len);
    }
}

static char *with_header(const char *text, size_t len, size_t *ret_len)
{
    static const char header[] = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n"
                                 "kind: KubeProxyConfiguration\n";
    char *whole = xmalloc(strlen(header) + len);
    memcpy(whole, header, strlen(header));
    if (len != 0) {
        memcpy(whole + strlen(header), text, len);
    }
    *ret_len = strlen(header) + len;
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *divider = size != 0 ? memchr(data, 0x1f, size) : NULL;
    size_t len = divider != NULL ? (size_t)(divider - data) : size;
    size_t now_len = divider != NULL ? size - len - 1 : 0;
    AUTO_FREE char *before = copy(data, len);
    AUTO_FREE char *now = divider != NULL ? copy(divider + 1, now_len) : NULL;
    check_input(before, len, now, now_len);

    size_t long_len;
    size_t long_now_len = 0;
    AUTO_FREE char *long_before = with_header(before, len, &long_len);
    AUTO_FREE char *long_now = now != NULL ? with_header(now, now_len, &long_now_len) : NULL;
    check_input(long_before, long_len, long_now, long_now_len);
    return 0;
}
