#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strmap.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "unit/unit.h"

/* --- buf --- */

START_TEST(buf_appends_and_terminates)
{
    AUTO(buf) struct buf buf = BUF_INIT(100);
    ck_assert_str_eq(buf_str(&buf), "");
    ck_assert_int_eq(buf_puts(&buf, "ab"), 0);
    ck_assert_int_eq(buf_append(&buf, "\0c", 2), 0);
    ck_assert_int_eq(buf_printf(&buf, "%d", 42), 0);
    ck_assert_uint_eq(buf.len, 6);
    ck_assert_mem_eq(buf.data, "ab\0c42", 7);
}
END_TEST

START_TEST(buf_limit_latches)
{
    AUTO(buf) struct buf buf = BUF_INIT(4);
    ck_assert_int_eq(buf_puts(&buf, "abc"), 0);
    ck_assert_int_eq(buf_puts(&buf, "de"), -1);
    ck_assert_str_eq(buf_str(&buf), "abc");
    ck_assert_int_eq(buf_puts(&buf, "d"), -1); /* would fit, but a piece is missing before it */
    ck_assert(buf.overflow);
    buf_reset(&buf);
    ck_assert_int_eq(buf_puts(&buf, "abcd"), 0);
    ck_assert_int_eq(buf_puts(&buf, ""), 0);
    ck_assert_uint_eq(buf.len, 4);
    ck_assert(!buf.overflow);
}
END_TEST

START_TEST(buf_memory_stays_near_its_limit)
{
    AUTO(buf) struct buf buf = BUF_INIT(1000);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(buf_append(&buf, "x", 1), 0);
    }
    ck_assert_uint_le(buf.capacity, 1001);
    ck_assert_int_eq(buf.data[1000], '\0');
    buf_shrink(&buf);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.limit, 1000);
    ck_assert_int_eq(buf_puts(&buf, "again"), 0);
}
END_TEST

START_TEST(buf_drops_front)
{
    AUTO(buf) struct buf buf = BUF_INIT(100);
    buf_puts(&buf, "abcdef");
    buf_drop_front(&buf, 2);
    ck_assert_str_eq(buf_str(&buf), "cdef");
    buf_drop_front(&buf, 9);
    ck_assert_str_eq(buf_str(&buf), "");
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(buf_takes)
{
    AUTO(buf) struct buf buf = BUF_INIT(100);
    AUTO_FREE char *none = buf_take(&buf);
    ck_assert_str_eq(none, "");
    buf_puts(&buf, "text");
    AUTO_FREE char *text = buf_take(&buf);
    ck_assert_str_eq(text, "text");
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_uint_eq(buf.limit, 100);
}
END_TEST

/* --- strmap --- */

static int destroyed;

static void count_destroyed(void *value)
{
    destroyed++;
    free(value);
}

START_TEST(strmap_is_sorted_and_owns)
{
    static const char *const keys[] = {"m", "b", "z", "a", "", "b/c", "b-c"};
    static const char *const sorted[] = {"", "a", "b", "b-c", "b/c", "m", "z"};
    struct strmap map = STRMAP_INIT(count_destroyed);
    destroyed = 0;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        strmap_set(&map, keys[i], xstrdup(keys[i]));
    }
    ck_assert_uint_eq(map.len, ARRAY_LEN(sorted));
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
        ck_assert_str_eq(map.entries[i].key, sorted[i]);
        ck_assert_str_eq(strmap_get(&map, sorted[i]), sorted[i]);
    }
    ck_assert_ptr_null(strmap_get(&map, "absent"));
    strmap_set(&map, "m", xstrdup("other"));
    ck_assert_int_eq(destroyed, 1);
    ck_assert_str_eq(strmap_get(&map, "m"), "other");
    strmap_remove(&map, "m");
    strmap_remove(&map, "absent");
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_null(strmap_get(&map, "m"));
    ck_assert_str_eq(map.entries[5].key, "z");
    strmap_finish(&map);
    ck_assert_int_eq(destroyed, 8);
}
END_TEST

START_TEST(strmap_keeps_value_set_again)
{
    AUTO(strmap) struct strmap map = STRMAP_INIT(count_destroyed);
    char *value = xstrdup("v");
    destroyed = 0;
    strmap_set(&map, "k", value);
    strmap_set(&map, "k", value);
    ck_assert_int_eq(destroyed, 0);
    ck_assert_str_eq(strmap_get(&map, "k"), "v");
}
END_TEST

/* What a value brings as its key goes with it: the map must not keep the last one's. */
START_TEST(strmap_borrows_keys_of_values)
{
    AUTO(strmap) struct strmap map = STRMAP_INIT(count_destroyed);
    map.borrows_keys = true;
    char *first = xstrdup("k");
    char *second = xstrdup("k");
    char *other = xstrdup("l");
    destroyed = 0;
    strmap_set(&map, first, first);
    strmap_set(&map, other, other);
    strmap_set(&map, second, second);
    ck_assert_int_eq(destroyed, 1);
    ck_assert_ptr_eq(map.entries[0].key, second);
    ck_assert_ptr_eq(strmap_get(&map, "k"), second);
    strmap_remove(&map, second);
    ck_assert_int_eq(destroyed, 2);
    ck_assert_ptr_eq(map.entries[0].key, other);
    strmap_finish(&map);
    ck_assert_int_eq(destroyed, 3);
    ck_assert(map.borrows_keys);
}
END_TEST

START_TEST(strmap_borrows_without_destroy)
{
    AUTO(strmap) struct strmap map = STRMAP_INIT(NULL);
    char value[] = "v";
    for (int i = 0; i < 1000; i++) {
        AUTO_FREE char *key = xasprintf("%d", (i * 7919) % 1000);
        strmap_set(&map, key, value);
    }
    ck_assert_uint_eq(map.len, 1000);
    for (size_t i = 1; i < map.len; i++) {
        ck_assert_int_lt(strcmp(map.entries[i - 1].key, map.entries[i].key), 0);
    }
}
END_TEST

/* --- err --- */

START_TEST(err_sets_and_wraps)
{
    struct err err = {.http_status = 500, .retry_after_ms = 7};
    ck_assert_int_eq(err_set(&err, ERR_CONFLICT, "no %s", "luck"), -1);
    ck_assert_int_eq((int)err.kind, ERR_CONFLICT);
    ck_assert_int_eq(err.http_status, 0);
    ck_assert_int_eq(err.retry_after_ms, 0);
    err.http_status = 409;
    ck_assert_int_eq(err_wrap(&err, "step %d", 2), -1);
    ck_assert_str_eq(err.text, "step 2: no luck");
    ck_assert_int_eq((int)err.kind, ERR_CONFLICT);
    ck_assert_int_eq(err.http_status, 409);
    ck_assert_int_eq(err_set(NULL, ERR_FATAL, "x"), -1);
    ck_assert_int_eq(err_wrap(NULL, "x"), -1);
}
END_TEST

START_TEST(err_errno)
{
    struct err err;
    err_set_errno(&err, ERR_RETRY, ENOENT, "open %s", "f");
    ck_assert_int_eq((int)err.kind, ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "open f: No such file or directory");
    err_set_errno(&err, ERR_RETRY, EACCES, "open");
    ck_assert_int_eq((int)err.kind, ERR_RETRY);
}
END_TEST

START_TEST(err_text_is_bounded)
{
    char longer[2 * ERR_TEXT_MAX];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct err err;
    err_set(&err, ERR_INVALID, "%s", longer);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    err_wrap(&err, "outer");
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    ck_assert_int_eq(strncmp(err.text, "outer: xxx", 10), 0);
    err_wrap(&err, "%s", longer);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
    err_set_errno(&err, ERR_INVALID, EIO, "%s", longer);
    ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
}
END_TEST

START_TEST(err_kinds_have_names)
{
    for (int kind = ERR_NONE; kind <= ERR_FATAL; kind++) {
        ck_assert_str_ne(err_kind_name((enum err_kind)kind), "unknown");
    }
    ck_assert_str_eq(err_kind_name(ERR_NOT_FOUND), "not-found");
}
END_TEST

/* --- timefmt --- */

static const struct {
    const char *text;
    int64_t ms; /* -1: refused */
} stamps[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-24T08:05:12Z", 1795507512000},
    {"2026-11-24t08:05:12z", 1795507512000},
    {"2026-11-24T08:05:12.345678Z", 1795507512345},
    {"2026-11-24T08:05:12.3Z", 1795507512300},
    {"2026-11-24T09:05:12+01:00", 1795507512000},
    {"2026-11-24T03:35:12-04:30", 1795507512000},
    {"2024-02-29T00:00:00Z", 1709164800000},
    {"2000-02-29T00:00:00Z", 951782400000},
    {"2026-12-31T23:59:60Z", 1798761600000},
    {"2026-02-29T00:00:00Z", -1},
    {"1900-02-29T00:00:00Z", -1},
    {"2026-04-31T00:00:00Z", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-00-01T00:00:00Z", -1},
    {"2026-01-00T00:00:00Z", -1},
    {"2026-01-01T24:00:00Z", -1},
    {"2026-01-01T00:60:00Z", -1},
    {"2026-01-01T00:00:61Z", -1},
    {"2026-01-01T00:00:00", -1},
    {"2026-01-01T00:00:00.Z", -1},
    {"2026-01-01T00:00:00Zx", -1},
    {"2026-01-01 00:00:00Z", -1},
    {"2026-01-01T00:00:00+0100", -1},
    {"2026-01-01T00:00:00+24:00", -1},
    {"2026-1-1T00:00:00Z", -1},
    {"", -1},
};

START_TEST(timefmt_parses)
{
    int64_t got = -7;
    int result = timefmt_parse(stamps[_i].text, &got);
    ck_assert_msg(result == (stamps[_i].ms < 0 ? -1 : 0), "%s", stamps[_i].text);
    ck_assert_int_eq(got, stamps[_i].ms < 0 ? -7 : stamps[_i].ms);
}
END_TEST

START_TEST(timefmt_writes)
{
    char out[TIMEFMT_SIZE];
    timefmt_rfc3339(1795507512345, out);
    ck_assert_str_eq(out, "2026-11-24T08:05:12Z");
    timefmt_rfc3339_millis(1795507512045, out);
    ck_assert_str_eq(out, "2026-11-24T08:05:12.045Z");
    timefmt_micro(1795507512345, out);
    ck_assert_str_eq(out, "2026-11-24T08:05:12.345000Z");
    timefmt_rfc3339_millis(-1, out);
    ck_assert_str_eq(out, "1969-12-31T23:59:59.999Z");
    timefmt_micro(INT64_MAX, out);
    ck_assert_uint_lt(strlen(out), TIMEFMT_SIZE);
    ck_assert_int_eq(out[strlen(out) - 1], 'Z');
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;        /* -1: refused */
    const char *again; /* the shortest way to write it; NULL: as it stands */
} durations[] = {
    {"0s", 0, NULL},
    {"500ms", 500, NULL},
    {"60s", 60000, "1m"},
    {"90s", 90000, "1m30s"},
    {"1m30s", 90000, NULL},
    {"1h1m1s1ms", 3661001, NULL},
    {"10000h", 36000000000, NULL},
    {"10000h1ms", -1, NULL},
    {"36000001s", -1, NULL},
    {"9999999999999h", -1, NULL},
    {"", -1, NULL},
    {"60", -1, NULL},
    {"s", -1, NULL},
    {"-1s", -1, NULL},
    {"+1s", -1, NULL},
    {"1.5s", -1, NULL},
    {"1 s", -1, NULL},
    {" 1s", -1, NULL},
    {"1d", -1, NULL},
    {"1hm", -1, NULL},
    {"1S", -1, NULL},
    {"1m30", -1, NULL},
};

START_TEST(timefmt_durations)
{
    int64_t got = -7;
    int result = timefmt_parse_duration(durations[_i].text, &got);
    ck_assert_msg(result == (durations[_i].ms < 0 ? -1 : 0), "%s", durations[_i].text);
    ck_assert_int_eq(got, durations[_i].ms < 0 ? -7 : durations[_i].ms);
    if (result == 0) {
        char out[TIMEFMT_SIZE];
        timefmt_duration(got, out);
        ck_assert_str_eq(out,
                         durations[_i].again != NULL ? durations[_i].again : durations[_i].text);
    }
}
END_TEST

/* --- utf8 --- */

static const struct {
    const char *text;
    size_t width; /* of the first sequence; 0: invalid */
} sequences[] = {
    {"a", 1},
    {"\x7f", 1},
    {"\xc2\x80", 2},
    {"\xdf\xbf", 2},
    {"\xe0\xa0\x80", 3},
    {"\xed\x9f\xbf", 3},
    {"\xee\x80\x80", 3},
    {"\xf0\x90\x80\x80", 4},
    {"\xf4\x8f\xbf\xbf", 4},
    {"\x80", 0},
    {"\xbf", 0},
    {"\xc0\x80", 0},         /* overlong */
    {"\xc1\xbf", 0},         /* overlong */
    {"\xe0\x9f\xbf", 0},     /* overlong */
    {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
    {"\xed\xa0\x80", 0},     /* surrogate */
    {"\xed\xbf\xbf", 0},     /* surrogate */
    {"\xf4\x90\x80\x80", 0}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 0},
    {"\xff", 0},
    {"\xc2", 0}, /* cut */
    {"\xe2\x82", 0},
    {"\xf0\x9f\x98", 0},
    {"\xc2\x41", 0},
    {"\xe2\x82\x41", 0},
};

START_TEST(utf8_sequences)
{
    const char *text = sequences[_i].text;
    ck_assert_msg(utf8_sequence_len(text, strlen(text)) == sequences[_i].width, "row %d", _i);
    ck_assert(utf8_valid(text, strlen(text), NULL) == (sequences[_i].width != 0));
}
END_TEST

START_TEST(utf8_valid_says_where)
{
    size_t bad = 99;
    ck_assert(utf8_valid("gr\xc3\xbc\xc3\x9f", 6, &bad));
    ck_assert_uint_eq(bad, 99);
    ck_assert(!utf8_valid("gr\xc3\xbc\xff", 5, &bad));
    ck_assert_uint_eq(bad, 4);
    ck_assert(utf8_valid("", 0, NULL));
}
END_TEST

START_TEST(utf8_cuts_on_boundaries)
{
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1, 2, 3, 4, 1 bytes */
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < ARRAY_LEN(cuts); max++) {
        ck_assert_uint_eq(utf8_cut(text, 11, max), cuts[max]);
    }
}
END_TEST

/* --- alloc --- */

START_TEST(alloc_copies)
{
    ck_assert_ptr_null(xstrdup(NULL));
    AUTO_FREE char *memory = xmemdup("a\0b", 3);
    ck_assert_mem_eq(memory, "a\0b", 4);
    AUTO_FREE char *slot = xstrdup("one");
    xstr_replace(&slot, slot + 1); /* a part of what is replaced */
    ck_assert_str_eq(slot, "ne");
    xstr_replace(&slot, NULL);
    ck_assert_ptr_null(slot);
}
END_TEST

static Suite *suite(void)
{
    Suite *base = suite_create("base");
    TCase *all = tcase_create("base");
    tcase_add_test(all, buf_appends_and_terminates);
    tcase_add_test(all, buf_limit_latches);
    tcase_add_test(all, buf_memory_stays_near_its_limit);
    tcase_add_test(all, buf_drops_front);
    tcase_add_test(all, buf_takes);
    tcase_add_test(all, strmap_is_sorted_and_owns);
    tcase_add_test(all, strmap_keeps_value_set_again);
    tcase_add_test(all, strmap_borrows_keys_of_values);
    tcase_add_test(all, strmap_borrows_without_destroy);
    tcase_add_test(all, err_sets_and_wraps);
    tcase_add_test(all, err_errno);
    tcase_add_test(all, err_text_is_bounded);
    tcase_add_test(all, err_kinds_have_names);
    tcase_add_loop_test(all, timefmt_parses, 0, (int)ARRAY_LEN(stamps));
    tcase_add_test(all, timefmt_writes);
    tcase_add_loop_test(all, timefmt_durations, 0, (int)ARRAY_LEN(durations));
    tcase_add_loop_test(all, utf8_sequences, 0, (int)ARRAY_LEN(sequences));
    tcase_add_test(all, utf8_valid_says_where);
    tcase_add_test(all, utf8_cuts_on_boundaries);
    tcase_add_test(all, alloc_copies);
    suite_add_tcase(base, all);
    return base;
}

int main(void)
{
    return unit_main(suite());
}
