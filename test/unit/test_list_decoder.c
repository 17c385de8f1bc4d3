#include "kube/list_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

static int drain(struct list_decoder *decoder, struct buf *out, struct err *err)
{
    const struct json_object *item;
    int got;
    while ((got = list_decoder_next(decoder, &item, err)) > 0) {
        AUTO_FREE char *text = json_text(item);
        buf_printf(out, "%s\n", text);
    }
    return got;
}

static void finish(struct list_decoder *decoder, struct buf *out)
{
    struct list_envelope envelope;
    struct err err = {0};
    if (list_decoder_finish(decoder, &envelope, &err) < 0) {
        buf_printf(out, "%s: %s\n", err_kind_name(err.kind), err.text);
    } else {
        buf_printf(out, "version=%s continue=%s remaining=%d\n", envelope.resource_version,
                   envelope.continue_token, (int)envelope.remaining);
    }
}

/* Items, a line each, then what finish says; pieces as in test_watch_decoder.c. */
static char *decode(const char *text, size_t len, size_t first, size_t step, size_t limit)
{
    struct buf out = BUF_INIT(64 << 20);
    struct err err = {0};
    AUTO(list_decoder) struct list_decoder *decoder = list_decoder_create("Pod", limit);
    for (size_t at = 0; at < len;) {
        size_t piece = at == 0 && first != 0 ? first : step;
        piece = piece < len - at ? piece : len - at;
        char *copy = malloc(piece);
        memcpy(copy, text + at, piece);
        list_decoder_feed(decoder, copy, piece);
        int got = drain(decoder, &out, &err);
        free(copy);
        if (got < 0) {
            buf_printf(&out, "%s: %s\n", err_kind_name(err.kind), err.text);
            return buf_take(&out);
        }
        at += piece;
    }
    finish(decoder, &out);
    return buf_take(&out);
}

#define HEAD "\"kind\":\"PodList\",\"apiVersion\":\"v1\""
#define META "\"metadata\":{\"resourceVersion\":\"42\"}"
#define END "version=42 continue= remaining=0\n"

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *text;
    size_t len;
    const char *result;
} lists[] = {
    {BYTES("{" HEAD "," META ",\"items\":[{\"a\":1},{\"b\":[{}]}]}\n"),
     "{\"a\":1}\n{\"b\":[{}]}\n" END},
    /* any order, any space */
    {BYTES("{\"items\":[{\"a\":1}]," META "," HEAD "}"), "{\"a\":1}\n" END},
    {BYTES(" \r\n{ " HEAD " , \"items\" :\n[ {\"a\" : 1 }\t, { } ] , " META " } \n "),
     "{\"a\":1}\n{}\n" END},
    {BYTES("{" HEAD ",\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"abc\","
           "\"remainingItemCount\":12},\"items\":[]}"),
     "version=7 continue=abc remaining=12\n"},
    /* no items */
    {BYTES("{" HEAD "," META ",\"items\":[]}"), END},
    {BYTES("{" HEAD "," META ",\"items\":[ ]}"), END},
    {BYTES("{" HEAD "," META ",\"items\":null}"), END},
    {BYTES("{" HEAD "," META "}"), END},
    {BYTES("{" HEAD "}"), "version= continue= remaining=0\n"},
    /* "items" that are not the list's own */
    {BYTES("{" HEAD ",\"metadata\":{\"resourceVersion\":\"42\",\"items\":[{\"x\":1}]},"
           "\"x\":\"items\",\"y\":[\"items\",[{}]],\"items\":[{\"items\":[{\"a\":1}]}]}"),
     "{\"items\":[{\"a\":1}]}\n" END},
    {BYTES("{" HEAD "," META ",\"x\":\"\\\"items\\\":[{}]\",\"items \":[{}],\"items\":[]}"), END},
    /* however the name is spelled */
    {BYTES("{" HEAD "," META ",\"\\u0069te\\u006ds\":[{\"a\":1}]}"), "{\"a\":1}\n" END},
    /* strings that look like structure */
    {BYTES("{" HEAD "," META ",\"items\":[{\"a\":\"]}\\\"{[\\\\\"},{\"b\":\"gr\xc3\xbc\xc3\x9f "
           "\xf0\x9f\x98\x80 \\u00fc\"}]}"),
     "{\"a\":\"]}\\\"{[\\\\\"}\n{\"b\":\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80 \xc3\xbc\"}\n" END},
    /* cut short: may go better next time */
    {BYTES(""), "retry: list response was cut short\n"},
    {BYTES(" "), "retry: list response was cut short\n"},
    {BYTES("{" HEAD), "retry: list response was cut short\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":1}"), "{\"a\":1}\nretry: list response was cut short\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":1},"), "{\"a\":1}\nretry: list response was cut short\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":\""), "retry: list response was cut short\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":1}]"), "{\"a\":1}\nretry: list response was cut short\n"},
    /* something else */
    {BYTES("{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"too old\",\"reason\":"
           "\"Expired\",\"code\":410}"),
     "gone: HTTP 410 Expired: too old\n"},
    {BYTES("{\"kind\":\"Status\",\"status\":\"Success\",\"code\":200}"),
     "invalid: response of kind \"Status\" where \"PodList\" was asked for\n"},
    {BYTES("{\"kind\":\"Table\",\"rows\":[{\"cells\":[1]}]}"),
     "invalid: response of kind \"Table\" where \"PodList\" was asked for\n"},
    {BYTES("{\"kind\":\"Pod\"}"),
     "invalid: response of kind \"Pod\" where \"PodList\" was asked for\n"},
    {BYTES("{}"), "invalid: response of kind \"\" where \"PodList\" was asked for\n"},
    {BYTES("{" HEAD "," META ",\"items\":{}}"),
     "invalid: list whose items are no array but object\n"},
    {BYTES("{" HEAD "," META ",\"items\":\"[\"}"),
     "invalid: list whose items are no array but string\n"},
    /* broken */
    {BYTES("[]"), "invalid: unexpected byte 0x5b in a list\n"},
    {BYTES("\xef\xbb\xbf{}"), "invalid: unexpected byte 0xef in a list\n"},
    {BYTES("<html>"), "invalid: unexpected byte 0x3c in a list\n"},
    {BYTES("{" HEAD "," META ",\"items\":[{}]}x"), "{}\ninvalid: unexpected byte 0x78 in a list\n"},
    {BYTES("{" HEAD "," META ",\"items\":[{}]}\0"),
     "{}\ninvalid: unexpected byte 0x00 in a list\n"},
    {BYTES("{" HEAD ",\"items\":[1]}"), "invalid: unexpected byte 0x31 in a list\n"},
    {BYTES("{" HEAD ",\"items\":[null]}"), "invalid: unexpected byte 0x6e in a list\n"},
    {BYTES("{" HEAD ",\"items\":[[]]}"), "invalid: unexpected byte 0x5b in a list\n"},
    {BYTES("{" HEAD ",\"items\":[,{}]}"), "invalid: unexpected byte 0x2c in a list\n"},
    {BYTES("{" HEAD ",\"items\":[{},]}"), "{}\ninvalid: unexpected byte 0x5d in a list\n"},
    {BYTES("{" HEAD ",\"items\":[{}{}]}"), "{}\ninvalid: unexpected byte 0x7b in a list\n"},
    {BYTES("{" HEAD ",\"items\":[{}}"), "{}\ninvalid: unexpected byte 0x7d in a list\n"},
    {BYTES("{" HEAD ",\"items\":[{}\0]}"), "{}\ninvalid: unexpected byte 0x00 in a list\n"},
    {BYTES("{" HEAD ",\"items\":[{}],\"items\":[{}]}"),
     "{}\ninvalid: list with two members \"items\"\n"},
    {BYTES("{" HEAD ",\"items\":[{}],\"items\":null}"),
     "{}\ninvalid: list with two members \"items\"\n"},
    {BYTES("{" HEAD ",\"items\":[{]]}"), "invalid: list item: quoted object property name expected"
                                         " at offset 1\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":[}]}"),
     "invalid: list item: unexpected character at offset 6\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":\"\0\"}]}"), "invalid: list item: NUL byte at offset 6\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":\"\xff\"}]}"),
     "invalid: list item: invalid UTF-8 at offset 6\n"},
    {BYTES("{" HEAD ",\"items\":[{\"a\":\"\xc3\"}]}"),
     "invalid: list item: invalid UTF-8 at offset 6\n"},
};

START_TEST(list_split_everywhere)
{
    for (size_t first = 0; first <= lists[_i].len; first++) {
        AUTO_FREE char *got = decode(lists[_i].text, lists[_i].len, first, lists[_i].len + 1, 4096);
        ck_assert_msg(strcmp(got, lists[_i].result) == 0, "%s at %zu: %s", lists[_i].text, first,
                      got);
    }
    for (size_t step = 1; step <= 5; step++) {
        AUTO_FREE char *got = decode(lists[_i].text, lists[_i].len, 0, step, 4096);
        ck_assert_msg(strcmp(got, lists[_i].result) == 0, "%s by %zu: %s", lists[_i].text, step,
                      got);
    }
}
END_TEST

/* Broken around the items: found at the end, with whatever words. */
static const char *const broken_envelopes[] = {
    "{" HEAD ",}",
    "{" HEAD "," META ",\"items\":[],}",
    "{" HEAD " " META "}",
    "{" HEAD ",\"items\" []}",
    "{" HEAD ",\"items\"::[]}",
    "{" HEAD ",\"x\" \"items\":[]}",
    "{" HEAD ",[\"items\":[]]}",
    "{" HEAD ",:[]}",
    "{" HEAD "]",
    "{" HEAD ",\"x\":\"\xff\"}",
    "{" HEAD ",\"items\":[{}]\"x\":1}",
    "{" HEAD ",\"items\":[{}][{}]}",
    "{" HEAD ",\"x\":NaN}",
};

START_TEST(broken_around_the_items)
{
    const char *text = broken_envelopes[_i];
    AUTO_FREE char *got = decode(text, strlen(text), 0, strlen(text), 4096);
    ck_assert_msg(strstr(got, "invalid: ") != NULL, "%s", got);
    AUTO_FREE char *bytewise = decode(text, strlen(text), 0, 1, 4096);
    ck_assert_str_eq(bytewise, got);
}
END_TEST

START_TEST(failure_stays)
{
    AUTO(list_decoder) struct list_decoder *decoder = list_decoder_create("Pod", 4096);
    const struct json_object *item;
    struct list_envelope envelope;
    struct err err;
    list_decoder_feed(decoder, "[]", 2);
    ck_assert_int_eq(list_decoder_next(decoder, &item, &err), -1);
    ck_assert_int_eq(list_decoder_next(decoder, &item, &err), -1);
    list_decoder_feed(decoder, "]}", 2);
    ck_assert_int_eq(list_decoder_next(decoder, &item, &err), -1);
    ck_assert_int_eq(list_decoder_finish(decoder, &envelope, &err), -1);
    ck_assert_int_eq((int)err.kind, ERR_INVALID);
}
END_TEST

/* --- limits --- */

START_TEST(item_limit_is_exact)
{
    AUTO(buf) struct buf text = BUF_INIT(4096);
    buf_puts(&text, "{" HEAD "," META ",\"items\":[{\"a\":1},{\"a\":10}]}");
    for (size_t step = 1; step < 80; step += 13) {
        AUTO_FREE char *fits = decode(text.data, text.len, 0, step, 8);
        AUTO_FREE char *exceeds = decode(text.data, text.len, 0, step, 7);
        ck_assert_str_eq(fits, "{\"a\":1}\n{\"a\":10}\n" END);
        ck_assert_str_eq(exceeds, "{\"a\":1}\ninvalid: list item of more than 7 bytes\n");
    }
}
END_TEST

START_TEST(envelope_is_bounded)
{
    AUTO(buf) struct buf text = BUF_INIT(4 << 20);
    buf_puts(&text, "{\"kind\":\"Table\",\"rows\":[");
    for (int i = 0; i < 2 << 20; i++) {
        buf_append(&text, "1", 1);
    }
    AUTO_FREE char *got = decode(text.data, text.len, 0, 16384, 4096);
    ck_assert_str_eq(got, "invalid: list with more than 1048576 bytes beside its items\n");
}
END_TEST

/* Nesting counts from the top, as it does for json_parse() of the whole. */
START_TEST(depth_is_bounded)
{
    for (size_t inner = JSON_DEPTH_MAX - 4; inner <= JSON_DEPTH_MAX; inner++) {
        AUTO(buf) struct buf text = BUF_INIT(4096);
        buf_puts(&text, "{" HEAD ",\"items\":[{\"a\":");
        for (size_t i = 0; i < inner; i++) {
            buf_puts(&text, "[");
        }
        for (size_t i = 0; i < inner; i++) {
            buf_puts(&text, "]");
        }
        buf_puts(&text, "}]}");
        AUTO(json) struct json_object *whole = NULL;
        bool parses = json_parse(text.data, text.len, &whole, NULL) == 0;
        ck_assert(parses == (inner + 3 <= JSON_DEPTH_MAX));
        AUTO_FREE char *got = decode(text.data, text.len, 0, text.len, 4096);
        ck_assert((strstr(got, "nested more than 64 deep") == NULL) == parses);
    }
}
END_TEST

START_TEST(many_and_large_items)
{
    AUTO(buf) struct buf text = BUF_INIT(32 << 20);
    AUTO(buf) struct buf wanted = BUF_INIT(32 << 20);
    AUTO_FREE char *filler = xcalloc(1, 30001);
    memset(filler, 'f', 30000);
    buf_puts(&text, "{" HEAD "," META ",\"items\":[");
    for (int i = 0; i < 500; i++) {
        buf_printf(&text, "%s{\"i\":%d,\"f\":\"%s\"}", i != 0 ? "," : "", i, filler);
        buf_printf(&wanted, "{\"i\":%d,\"f\":\"%s\"}\n", i, filler);
    }
    buf_puts(&text, "]}");
    buf_puts(&wanted, END);
    AUTO_FREE char *got = decode(text.data, text.len, 0, 16384, LIST_ITEM_MAX);
    ck_assert(strcmp(got, buf_str(&wanted)) == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *decoder = suite_create("list_decoder");
    TCase *all = tcase_create("list_decoder");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, list_split_everywhere, 0, (int)ARRAY_LEN(lists));
    tcase_add_loop_test(all, broken_around_the_items, 0, (int)ARRAY_LEN(broken_envelopes));
    tcase_add_test(all, failure_stays);
    tcase_add_test(all, item_limit_is_exact);
    tcase_add_test(all, envelope_is_bounded);
    tcase_add_test(all, depth_is_bounded);
    tcase_add_test(all, many_and_large_items);
    suite_add_tcase(decoder, all);
    return decoder;
}

int main(void)
{
    return unit_main(suite());
}
