#include "kube/watch_decoder.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

static const char *const type_words[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};

/* One line for an event, so that whole streams can be compared. */
static void describe(struct buf *out, const struct watch_event *event)
{
    buf_printf(out, "%s %s", type_words[event->type], event->resource_version);
    if (event->type == WATCH_ERROR) {
        ck_assert_ptr_null(event->object);
        buf_printf(out, "%d %s", event->status.code, event->status.reason);
    } else {
        buf_printf(out, " %s", json_get_str_or(event->object, "metadata/name", ""));
    }
    buf_printf(out, "%s%s%s\n", event->initial_events_end ? " end" : "",
               event->skip != NULL ? " skip: " : "", event->skip != NULL ? event->skip : "");
}

static void drain(struct watch_decoder *decoder, struct buf *out)
{
    struct watch_event event;
    struct err err = {0};
    int got;
    while ((got = watch_decoder_next(decoder, &event, &err)) > 0) {
        describe(out, &event);
    }
    if (got < 0) {
        buf_printf(out, "%s: %s\n", err_kind_name(err.kind), err.text);
    }
}

/* What comes of the stream when it is cut into pieces of at most `step` bytes, the first being
 * `first`. Pieces are copies of just their length, so that a byte too many is noticed. */
static char *decode(const char *stream, size_t len, size_t first, size_t step, size_t limit)
{
    struct buf out = BUF_INIT(1 << 20);
    AUTO(watch_decoder) struct watch_decoder *decoder = watch_decoder_create("Pod", limit);
    size_t at = 0;
    while (at < len) {
        size_t piece = at == 0 && first != 0 ? first : step;
        piece = piece < len - at ? piece : len - at;
        char *copy = malloc(piece);
        memcpy(copy, stream + at, piece);
        watch_decoder_feed(decoder, copy, piece);
        drain(decoder, &out);
        free(copy);
        at += piece;
    }
    buf_puts(&out, watch_decoder_pending(decoder) ? "pending\n" : "");
    return buf_take(&out);
}

#define POD(version, name)                                                                         \
    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name                       \
    "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}"
#define BOOKMARK(annotations)                                                                      \
    EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"9\"" annotations "}"  \
                      "}")

static const struct {
    const char *stream;
    const char *events;
} streams[] = {
    {"", ""},
    {EVENT("ADDED", POD("1", "a")) "\n" EVENT("MODIFIED", POD("2", "a")) "\n" EVENT(
         "DELETED", POD("3", "a")) "\n",
     "ADDED 1 a\nMODIFIED 2 a\nDELETED 3 a\n"},
    {EVENT("ADDED", POD("1", "a")) "\r\n\r\n\n \t\n" EVENT("ADDED", POD("2", "b")) "\r\n",
     "ADDED 1 a\nADDED 2 b\n"},
    {"  { \"object\" : " POD("1", "a") " , \"type\" : \"ADDED\" , \"more\" : [1] }  \n",
     "ADDED 1 a\n"},
    {EVENT("ADDED", POD("1", "gr\xc3\xbc\xc3\x9f \\n \\\" { \xf0\x9f\x98\x80")) "\n",
     "ADDED 1 gr\xc3\xbc\xc3\x9f \n \" { \xf0\x9f\x98\x80\n"},
    {BOOKMARK("") "\n", "BOOKMARK 9 \n"},
    {BOOKMARK(",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}") "\n",
     "BOOKMARK 9  end\n"},
    /* the value counts (client-go TestWatchListAnnotation…) */
    {BOOKMARK(",\"annotations\":{\"k8s.io/initial-events-end\":\"false\"}") "\n", "BOOKMARK 9 \n"},
    {BOOKMARK(",\"annotations\":{\"k8s.io/initial-events-end\":true}") "\n", "BOOKMARK 9 \n"},
    {EVENT("ADDED", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"1\",\"annotations\":{"
                    "\"k8s.io/initial-events-end\":\"true\"}}}") "\n",
     "ADDED 1 \n"},
    {EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}") "\n",
     "ERROR 410 Expired\n"},
    {EVENT("ERROR", "{\"kind\":\"Odd\"}") "\n", "ERROR 0 \n"},
    /* passed over, and what follows is read */
    {EVENT("ADDED", "{\"kind\":\"Table\",\"rows\":[]}") "\n" EVENT("ADDED", POD("1", "a")) "\n",
     "ADDED   skip: an object of kind \"Table\" where \"Pod\" was asked for\nADDED 1 a\n"},
    {EVENT("MODIFIED", "{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"4\"}}") "\n",
     "MODIFIED 4 x skip: an object of kind \"\" where \"Pod\" was asked for\n"},
    /* cut within a line */
    {EVENT("ADDED", POD("1", "a")) "\n{\"type\":", "ADDED 1 a\npending\n"},
    {EVENT("ADDED", POD("1", "a")), "pending\n"},
    {EVENT("ADDED", POD("1", "a")) "\n \r", "ADDED 1 a\n"},
};

START_TEST(stream_split_everywhere)
{
    const char *stream = streams[_i].stream;
    size_t len = strlen(stream);
    for (size_t first = 0; first <= len; first++) {
        AUTO_FREE char *got = decode(stream, len, first, len + 1, 4096);
        ck_assert_msg(strcmp(got, streams[_i].events) == 0, "at %zu: %s", first, got);
    }
    for (size_t step = 1; step <= 5; step++) {
        AUTO_FREE char *got = decode(stream, len, 0, step, 4096);
        ck_assert_msg(strcmp(got, streams[_i].events) == 0, "by %zu: %s", step, got);
    }
}
END_TEST

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *frame;
    size_t len;
    const char *text; /* in the error */
} broken[] = {
    {BYTES("x\n"), "watch frame: "},
    {BYTES("{\"type\":\"ADDED\",\n"), "ends too early"},
    {BYTES("{} {}\n"), "behind the value"},
    {BYTES("{}\n"), "type of watch event: none"},
    {BYTES("[]\n"), "type of watch event: none"},
    {BYTES("null\n"), "type of watch event: none"},
    {BYTES("{\"type\":7,\"object\":{}}\n"), "type of watch event: none"},
    {BYTES(EVENT("RENAMED", POD("1", "a")) "\n"), "type of watch event: RENAMED"},
    {BYTES(EVENT("added", POD("1", "a")) "\n"), "type of watch event: added"},
    {BYTES("{\"type\":\"ADDED\"}\n"), "without an object"},
    {BYTES("{\"type\":\"ADDED\",\"object\":null}\n"), "without an object"},
    {BYTES("{\"type\":\"ADDED\",\"object\":[]}\n"), "without an object"},
    {BYTES("{\"type\":\"ERROR\"}\n"), "without an object"},
    {BYTES(EVENT("ADDED", "{\"kind\":\"Pod\"}") "\n"), "without resourceVersion"},
    {BYTES(EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{}}") "\n"),
     "without resourceVersion"},
    {BYTES(EVENT("ADDED", POD("1", "a\0b")) "\n"), "NUL"},
    {BYTES(EVENT("ADDED", POD("1", "a\xff")) "\n"), "UTF-8"},
    {BYTES("\0\n"), "NUL"},
};

START_TEST(broken_frames_end_the_stream)
{
    AUTO(buf) struct buf stream = BUF_INIT(4096);
    buf_puts(&stream, EVENT("ADDED", POD("1", "a")) "\n");
    buf_append(&stream, broken[_i].frame, broken[_i].len);
    buf_puts(&stream, EVENT("ADDED", POD("2", "a")) "\n");
    AUTO_FREE char *got = decode(stream.data, stream.len, 0, stream.len, 4096);
    ck_assert_msg(strncmp(got, "ADDED 1 a\ninvalid: ", 19) == 0, "%s", got);
    ck_assert_msg(strstr(got, broken[_i].text) != NULL, "%s", got);
    ck_assert_ptr_null(strstr(got, "ADDED 2"));
    AUTO_FREE char *bytewise = decode(stream.data, stream.len, 0, 1, 4096);
    ck_assert_int_eq(strncmp(bytewise, got, strlen(got)), 0);
}
END_TEST

START_TEST(failure_stays)
{
    AUTO(watch_decoder) struct watch_decoder *decoder = watch_decoder_create("Pod", 4096);
    struct watch_event event;
    struct err err;
    watch_decoder_feed(decoder, "x\n", 2);
    ck_assert_int_eq(watch_decoder_next(decoder, &event, &err), -1);
    ck_assert_int_eq(watch_decoder_next(decoder, &event, &err), -1);
    watch_decoder_feed(decoder, "\n", 1);
    ck_assert_int_eq(watch_decoder_next(decoder, &event, &err), -1);
    ck_assert_int_eq((int)err.kind, ERR_INVALID);
    ck_assert(!watch_decoder_pending(decoder));
}
END_TEST

/* --- limits --- */

static char *padded_event(size_t len)
{
    static const char head[] = "{\"type\":\"ADDED\",\"pad\":\"";
    static const char tail[] = "\",\"object\":" POD("1", "a") "}\n";
    char *text = malloc(len + 2);
    size_t fixed = sizeof(head) - 1 + sizeof(tail) - 2;
    memcpy(text, head, sizeof(head) - 1);
    memset(text + sizeof(head) - 1, 'p', len - fixed);
    memcpy(text + sizeof(head) - 1 + len - fixed, tail, sizeof(tail));
    ck_assert_uint_eq(strlen(text), len + 1);
    return text;
}

START_TEST(frame_limit_is_exact)
{
    AUTO_FREE char *fits = padded_event(1000);
    AUTO_FREE char *exceeds = padded_event(1001);
    for (size_t step = 1; step <= 1100; step += 100) {
        AUTO_FREE char *good = decode(fits, 1001, 0, step, 1000);
        AUTO_FREE char *bad = decode(exceeds, 1002, 0, step, 1000);
        ck_assert_str_eq(good, "ADDED 1 a\n");
        ck_assert_int_eq(strncmp(bad, "invalid: watch frame of more than 1000 bytes\n", 45), 0);
    }
}
END_TEST

START_TEST(many_frames_in_a_piece_larger_than_the_limit)
{
    AUTO(buf) struct buf stream = BUF_INIT(1 << 20);
    for (int i = 0; i < 1000; i++) {
        buf_puts(&stream, EVENT("ADDED", POD("1", "a")) "\n");
    }
    AUTO_FREE char *got = decode(stream.data, stream.len, 0, stream.len, 200);
    ck_assert_uint_eq(strlen(got), 1000 * strlen("ADDED 1 a\n"));
}
END_TEST

START_TEST(line_without_end_is_refused_early)
{
    AUTO(watch_decoder) struct watch_decoder *decoder = watch_decoder_create("Pod", 1000);
    char piece[100];
    memset(piece, ' ', sizeof(piece));
    struct watch_event event;
    struct err err;
    for (int i = 0; i < 10; i++) {
        watch_decoder_feed(decoder, piece, sizeof(piece));
        ck_assert_int_eq(watch_decoder_next(decoder, &event, &err), 0);
    }
    watch_decoder_feed(decoder, piece, 1);
    ck_assert_int_eq(watch_decoder_next(decoder, &event, &err), -1);
}
END_TEST

START_TEST(sixteen_mebibytes)
{
    AUTO_FREE char *text = padded_event(WATCH_FRAME_MAX);
    AUTO_FREE char *got = decode(text, WATCH_FRAME_MAX + 1, 0, 16384, WATCH_FRAME_MAX);
    ck_assert_str_eq(got, "ADDED 1 a\n");
}
END_TEST

/* Bytes allocated now, with or without AddressSanitizer. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return __sanitizer_get_current_allocated_bytes();
    }
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

START_TEST(memory_of_a_large_frame_is_given_back)
{
    AUTO(watch_decoder)
    struct watch_decoder *decoder = watch_decoder_create("Pod", WATCH_FRAME_MAX);
    AUTO_FREE char *large = padded_event(8 << 20);
    struct watch_event event;
    size_t before = allocated();
    watch_decoder_feed(decoder, large, strlen(large));
    ck_assert_int_eq(watch_decoder_next(decoder, &event, NULL), 1);
    ck_assert_uint_gt(allocated(), before + (8 << 20));
    ck_assert_int_eq(watch_decoder_next(decoder, &event, NULL), 0);
    ck_assert_uint_lt(allocated(), before + (256 << 10));
}
END_TEST

static Suite *suite(void)
{
    Suite *decoder = suite_create("watch_decoder");
    TCase *all = tcase_create("watch_decoder");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, stream_split_everywhere, 0, (int)ARRAY_LEN(streams));
    tcase_add_loop_test(all, broken_frames_end_the_stream, 0, (int)ARRAY_LEN(broken));
    tcase_add_test(all, failure_stays);
    tcase_add_test(all, frame_limit_is_exact);
    tcase_add_test(all, many_frames_in_a_piece_larger_than_the_limit);
    tcase_add_test(all, line_without_end_is_refused_early);
    tcase_add_test(all, sixteen_mebibytes);
    tcase_add_test(all, memory_of_a_large_frame_is_given_back);
    suite_add_tcase(decoder, all);
    return decoder;
}

int main(void)
{
    return unit_main(suite());
}
