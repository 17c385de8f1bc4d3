#include "kube/event_correlator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/utf8.h"
#include "unit/unit.h"

enum {
    SECOND = 1000,
    MINUTE = 60 * SECOND,
};

static const int64_t wall = 1795507512345; /* 2026-11-24T08:05:12.345Z */

static const struct event repaired = {
    .reason = "Repaired",
    .action = "Reconcile",
    .note = "annotation put back; undone by kubeadm",
    .api_version = "v1",
    .kind = "Service",
    .ns = "kube-system",
    .name = "kube-dns",
    .uid = "1b4e28ba",
};

static struct event_correlator *make(void)
{
    return event_correlator_create("yurt-steward", "yurt-steward-cp-1");
}

/* Observes; the wall clock goes with the monotonic one. */
static enum event_verb observe(struct event_correlator *correlator, const struct event *event,
                               int64_t now_ms, struct event_command *ret_command)
{
    event_correlator_observe(correlator, event, now_ms, wall + now_ms, ret_command);
    return ret_command->verb;
}

static enum event_verb observe_only(struct event_correlator *correlator, const struct event *event,
                                    int64_t now_ms)
{
    AUTO(event_command) struct event_command command = {0};
    return observe(correlator, event, now_ms, &command);
}

static enum event_verb observe_note(struct event_correlator *correlator, const char *note,
                                    int64_t now_ms)
{
    struct event event = repaired;
    event.note = note;
    return observe_only(correlator, &event, now_ms);
}

/* The count in the PATCH that is due; 0: none is. */
static int64_t due_count(struct event_correlator *correlator, int64_t now_ms, bool closing)
{
    AUTO(event_command) struct event_command command = {0};
    if (!event_correlator_due(correlator, now_ms, closing, &command)) {
        return 0;
    }
    ck_assert_int_eq(command.verb, EVENT_PATCH);
    return json_get_int(command.body, "series/count", -1);
}

static void expect_json(const struct json_object *got, const char *wanted)
{
    AUTO_FREE char *text = json_text(got);
    ck_assert_str_eq(text, wanted);
}

/* --- bodies --- */

#define EVENT_TEXT                                                                                 \
    "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\",\"metadata\":{\"name\":"              \
    "\"kube-dns.18eaec91c8de7840\",\"namespace\":\"kube-system\"},\"eventTime\":"                  \
    "\"2026-11-24T08:05:12.345000Z\",\"type\":\"Normal\",\"reason\":\"Repaired\",\"action\":"      \
    "\"Reconcile\",\"note\":\"annotation put back; undone by kubeadm\","                           \
    "\"reportingController\":\"yurt-steward\",\"reportingInstance\":\"yurt-steward-cp-1\","        \
    "\"regarding\":{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"name\":\"kube-dns\","             \
    "\"namespace\":\"kube-system\",\"uid\":\"1b4e28ba\"}"
#define SERIES_TEXT "\"series\":{\"count\":2,\"lastObservedTime\":\"2026-11-24T08:05:17.345000Z\"}"

START_TEST(bodies)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command post = {0};
    AUTO(event_command) struct event_command patch = {0};
    ck_assert_int_eq(observe(correlator, &repaired, 0, &post), EVENT_POST);
    ck_assert_str_eq(post.ns, "kube-system");
    ck_assert_str_eq(post.name, "kube-dns.18eaec91c8de7840");
    expect_json(post.body, EVENT_TEXT "}");
    ck_assert_ptr_null(post.whole);

    ck_assert_int_eq(observe(correlator, &repaired, 5 * SECOND, &patch), EVENT_PATCH);
    ck_assert_str_eq(patch.ns, post.ns);
    ck_assert_str_eq(patch.name, post.name);
    expect_json(patch.body, "{" SERIES_TEXT "}");
    expect_json(patch.whole, EVENT_TEXT "," SERIES_TEXT "}");
    expect_json(post.body, EVENT_TEXT "}"); /* it may still be in a queue */
}
END_TEST

START_TEST(cluster_scope)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command post = {0};
    struct event event = repaired;
    event.warning = true;
    event.kind = "Node";
    event.ns = "";
    event.name = "edge-1";
    event.uid = "";
    observe(correlator, &event, 0, &post);
    ck_assert_str_eq(post.ns, "default");
    ck_assert_str_eq(json_get_str(post.body, "metadata/namespace"), "default");
    ck_assert_str_eq(json_get_str(post.body, "type"), "Warning");
    expect_json(json_get(post.body, "regarding"),
                "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"edge-1\"}");
}
END_TEST

START_TEST(names)
{
    static const struct {
        const char *object;
        bool kept;
    } rows[] = {
        {"kube-dns", true}, {"a", true},     {"a.b-c.d0", true},  {"system:node", false},
        {"Upper", false},   {"-a", false},   {"a-", false},       {"a..b", false},
        {"a-.b", false},    {"a.-b", false}, {".a", false},       {"a.", false},
        {"", false},        {"a_b", false},  {"\xc3\xa4", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(event_correlator) struct event_correlator *correlator = make();
        AUTO(event_command) struct event_command post = {0};
        struct event event = repaired;
        event.name = rows[i].object;
        observe(correlator, &event, 0, &post);
        AUTO_FREE char *wanted =
            xasprintf("%s.18eaec91c8de7840", rows[i].kept ? rows[i].object : "yurt-steward");
        ck_assert_str_eq(post.name, wanted);
    }
}
END_TEST

START_TEST(long_names)
{
    for (size_t len = 235; len <= 237; len++) {
        AUTO(event_correlator) struct event_correlator *correlator = make();
        AUTO(event_command) struct event_command post = {0};
        AUTO_FREE char *name = xmalloc(len + 1);
        memset(name, 'x', len);
        name[len] = '\0';
        struct event event = repaired;
        event.name = name;
        observe(correlator, &event, 0, &post);
        ck_assert_uint_le(strlen(post.name), 253);
        ck_assert_int_eq(post.name[0], len <= 236 ? 'x' : 'y');
    }
}
END_TEST

START_TEST(names_are_unique)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command first = {0};
    AUTO(event_command) struct event_command second = {0};
    AUTO(event_command) struct event_command third = {0};
    struct event other = repaired;
    other.reason = "Other";
    event_correlator_observe(correlator, &repaired, 0, wall, &first);
    event_correlator_observe(correlator, &other, 0, wall, &second);
    other.reason = "Third";
    event_correlator_observe(correlator, &other, 0, wall - 5000, &third); /* stepped back */
    ck_assert_str_eq(second.name, "kube-dns.18eaec91c8de7841");
    ck_assert_str_eq(third.name, "kube-dns.18eaec91c8de7842");
}
END_TEST

/* --- limits of texts --- */

static char *repeat(const char *piece, size_t count)
{
    size_t len = strlen(piece);
    char *text = xmalloc(len * count + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * len, piece, len);
    }
    text[len * count] = '\0';
    return text;
}

START_TEST(texts_are_cut)
{
    static const struct {
        const char *prefix;
        const char *piece;
        size_t note_len;
        size_t word_len;
    } rows[] = {
        {"", "x", 1024, 128},
        {"", "\xc3\xa4", 1024, 128},
        {"x", "\xc3\xa4", 1023, 127},
        {"", "\xe2\x82\xac", 1023, 126},
        {"", "\xf0\x9f\x98\x80", 1024, 128},
        {"xxx", "\xf0\x9f\x98\x80", 1023, 127},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *tail = repeat(rows[i].piece, 2000);
        AUTO_FREE char *text = xasprintf("%s%s", rows[i].prefix, tail);
        AUTO(event_correlator)
        struct event_correlator *correlator = event_correlator_create("yurt-steward", text);
        AUTO(event_command) struct event_command post = {0};
        struct event event = repaired;
        event.reason = event.action = event.note = text;
        observe(correlator, &event, 0, &post);
        const struct {
            const char *field;
            size_t len;
        } fields[] = {
            {"note", rows[i].note_len},
            {"reason", rows[i].word_len},
            {"action", rows[i].word_len},
            {"reportingInstance", rows[i].word_len},
        };
        for (size_t j = 0; j < ARRAY_LEN(fields); j++) {
            const char *got = json_get_str(post.body, fields[j].field);
            ck_assert_msg(strlen(got) == fields[j].len, "row %zu: %s has %zu bytes", i,
                          fields[j].field, strlen(got));
            ck_assert(utf8_valid(got, strlen(got), NULL));
            ck_assert_int_eq(strncmp(got, text, fields[j].len), 0);
        }
    }
}
END_TEST

START_TEST(short_texts_are_kept)
{
    AUTO_FREE char *note = repeat("x", 1024);
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command post = {0};
    struct event event = repaired;
    event.note = note;
    observe(correlator, &event, 0, &post);
    ck_assert_str_eq(json_get_str(post.body, "note"), note);
}
END_TEST

START_TEST(invalid_bytes_are_replaced)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command post = {0};
    struct event event = repaired;
    event.note = "a\xff"
                 "b\xc3\xa4\xed\xa0\x80\xc3";
    observe(correlator, &event, 0, &post);
    ck_assert_str_eq(json_get_str(post.body, "note"),
                     "a\xef\xbf\xbd"
                     "b\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}
END_TEST

/* --- series --- */

START_TEST(series_counts_here)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    ck_assert_int_eq(observe_only(correlator, &repaired, 0), EVENT_POST);
    ck_assert_int_eq(observe_only(correlator, &repaired, SECOND), EVENT_PATCH);
    for (int64_t i = 2; i <= 100; i++) {
        ck_assert_int_eq(observe_only(correlator, &repaired, i * SECOND), EVENT_NONE);
    }
    ck_assert_int_eq(due_count(correlator, 100 * SECOND, false), 0);
    ck_assert_uint_eq(event_correlator_suppressed(correlator), 0);
}
END_TEST

START_TEST(what_tells_events_apart)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    ck_assert_int_eq(observe_only(correlator, &repaired, 0), EVENT_POST);
    struct event others[9];
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i] = repaired;
    }
    others[0].warning = true;
    others[1].reason = "x";
    others[2].action = "x";
    others[3].note = "x";
    others[4].api_version = "x";
    others[5].kind = "x";
    others[6].ns = "x";
    others[7].name = "x";
    others[8].uid = "x";
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        ck_assert_int_eq(observe_only(correlator, &others[i], 0), EVENT_POST);
        ck_assert_int_eq(observe_only(correlator, &others[i], 0), EVENT_PATCH);
    }
}
END_TEST

START_TEST(refresh_existing_event_series)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    observe_only(correlator, &repaired, 0);
    observe_only(correlator, &repaired, 0); /* PATCHed, count 2 */
    int64_t now = 0;
    for (int i = 0; i < 6; i++) { /* often enough to stay a series */
        now += 5 * MINUTE - 1;
        ck_assert_int_eq(due_count(correlator, now, false), 0);
        ck_assert_int_eq(observe_only(correlator, &repaired, now), EVENT_NONE);
    }
    ck_assert_int_eq(event_correlator_next_ms(correlator), 30 * MINUTE);
    ck_assert_int_eq(due_count(correlator, 30 * MINUTE - 1, false), 0);
    ck_assert_int_eq(due_count(correlator, 30 * MINUTE, false), 8);
    ck_assert_int_eq(due_count(correlator, 30 * MINUTE, false), 0);
    ck_assert_int_eq(event_correlator_next_ms(correlator), now + 6 * MINUTE);
    observe_only(correlator, &repaired, 31 * MINUTE);
    ck_assert_int_eq(due_count(correlator, 36 * MINUTE, false), 0);
    ck_assert_int_eq(due_count(correlator, 37 * MINUTE, false), 9); /* finished */
    ck_assert_int_eq(event_correlator_next_ms(correlator), -1);
}
END_TEST

START_TEST(finish_series)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command first = {0};
    AUTO(event_command) struct event_command anew = {0};
    ck_assert_int_eq(event_correlator_next_ms(correlator), -1);
    observe(correlator, &repaired, 0, &first);
    observe_only(correlator, &repaired, MINUTE);
    observe_only(correlator, &repaired, 2 * MINUTE);
    ck_assert_int_eq(event_correlator_next_ms(correlator), 8 * MINUTE);
    ck_assert_int_eq(due_count(correlator, 8 * MINUTE - 1, false), 0);
    ck_assert_int_eq(due_count(correlator, 8 * MINUTE, false), 3);
    ck_assert_int_eq(due_count(correlator, 8 * MINUTE, false), 0);
    ck_assert_int_eq(observe(correlator, &repaired, 9 * MINUTE, &anew), EVENT_POST);
    ck_assert_str_ne(anew.name, first.name);
}
END_TEST

START_TEST(single_event_ends_without_a_word)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    observe_only(correlator, &repaired, 0);
    ck_assert_int_eq(event_correlator_next_ms(correlator), 6 * MINUTE);
    ck_assert_int_eq(due_count(correlator, 6 * MINUTE, false), 0);
    ck_assert_int_eq(event_correlator_next_ms(correlator), -1);
    ck_assert_int_eq(observe_only(correlator, &repaired, 6 * MINUTE), EVENT_POST);
}
END_TEST

START_TEST(idle_series_is_not_continued)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    ck_assert_int_eq(observe_only(correlator, &repaired, 0), EVENT_POST);
    ck_assert_int_eq(observe_only(correlator, &repaired, 6 * MINUTE), EVENT_POST);
    ck_assert_int_eq(observe_only(correlator, &repaired, 12 * MINUTE - 1), EVENT_PATCH);
}
END_TEST

START_TEST(closing_ends_all_series)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    struct event other = repaired;
    other.reason = "Other";
    for (int i = 0; i < 3; i++) {
        observe_only(correlator, &repaired, 0);
        observe_only(correlator, &other, 0);
    }
    observe_only(correlator, &other, 0);
    observe_note(correlator, "once only", 0);
    int64_t one = due_count(correlator, 1, true);
    int64_t two = due_count(correlator, 1, true);
    ck_assert_int_eq(one + two, 3 + 4);
    ck_assert_int_eq(due_count(correlator, 1, true), 0);
    ck_assert_int_eq(event_correlator_next_ms(correlator), -1);
}
END_TEST

/* --- aggregation --- */

/* As TestEventCorrelator: "create-similar-events-should-aggregate-event". */
START_TEST(similar_events_are_combined)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command combined = {0};
    char note[32];
    for (int i = 1; i <= 9; i++) {
        snprintf(note, sizeof(note), "note %d", i);
        ck_assert_int_eq(observe_note(correlator, note, i * SECOND), EVENT_POST);
    }
    struct event event = repaired;
    event.note = "note 10";
    ck_assert_int_eq(observe(correlator, &event, 10 * SECOND, &combined), EVENT_POST);
    ck_assert_str_eq(json_get_str(combined.body, "note"),
                     "(combined from similar events): note 10");
    ck_assert_int_eq(observe_note(correlator, "note 11", 11 * SECOND), EVENT_PATCH);
    ck_assert_int_eq(observe_note(correlator, "note 12", 12 * SECOND), EVENT_NONE);
    ck_assert_int_eq(observe_note(correlator, "note 3", 13 * SECOND), EVENT_PATCH); /* its own */

    struct event other = repaired;
    other.name = "other";
    other.note = "note 13";
    ck_assert_int_eq(observe_only(correlator, &other, 14 * SECOND), EVENT_POST);
}
END_TEST

/* "the-same-event-should-just-count-even-if-more-than-aggregate" */
START_TEST(same_events_are_not_similar)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    for (int i = 0; i < 30; i++) {
        observe_only(correlator, &repaired, i * SECOND);
    }
    ck_assert_int_eq(observe_note(correlator, "another", 30 * SECOND), EVENT_POST);
    ck_assert_int_eq(due_count(correlator, 30 * SECOND, true), 30);
}
END_TEST

/* "events-from-different-intervals": similarity is forgotten after 10 quiet minutes. */
START_TEST(similar_events_far_apart)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command command = {0};
    char note[32];
    for (int i = 1; i <= 9; i++) {
        snprintf(note, sizeof(note), "note %d", i);
        observe_note(correlator, note, 0);
    }
    struct event event = repaired;
    event.note = "later";
    ck_assert_int_eq(observe(correlator, &event, 10 * MINUTE + 1, &command), EVENT_POST);
    ck_assert_str_eq(json_get_str(command.body, "note"), "later");
}
END_TEST

START_TEST(combined_note_is_cut)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    AUTO(event_command) struct event_command command = {0};
    char note[32];
    for (int i = 1; i <= 9; i++) {
        snprintf(note, sizeof(note), "note %d", i);
        observe_note(correlator, note, 0);
    }
    AUTO_FREE char *text = repeat("\xc3\xa4", 512);
    struct event event = repaired;
    event.note = text;
    observe(correlator, &event, 0, &command);
    const char *got = json_get_str(command.body, "note");
    ck_assert_uint_le(strlen(got), 1024);
    ck_assert_uint_ge(strlen(got), 1023);
    ck_assert(utf8_valid(got, strlen(got), NULL));
}
END_TEST

/* --- the filter --- */

/* Events that are neither the same nor similar. */
static enum event_verb observe_reason(struct event_correlator *correlator, int number,
                                      int64_t now_ms)
{
    char reason[32];
    snprintf(reason, sizeof(reason), "Reason%d", number);
    struct event event = repaired;
    event.reason = reason;
    return observe_only(correlator, &event, now_ms);
}

START_TEST(spam_filter)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    for (int i = 0; i < 25; i++) {
        ck_assert_int_eq(observe_reason(correlator, i, 0), EVENT_POST);
    }
    ck_assert_int_eq(observe_reason(correlator, 25, 0), EVENT_NONE);
    ck_assert_uint_eq(event_correlator_suppressed(correlator), 1);
    ck_assert_int_eq(observe_reason(correlator, 26, 5 * MINUTE - 1), EVENT_NONE);
    ck_assert_int_eq(observe_reason(correlator, 25, 5 * MINUTE), EVENT_POST);
    ck_assert_int_eq(observe_reason(correlator, 26, 5 * MINUTE), EVENT_NONE);

    struct event other = repaired;
    other.name = "other";
    ck_assert_int_eq(observe_only(correlator, &other, 5 * MINUTE), EVENT_POST);
    ck_assert_uint_eq(event_correlator_suppressed(correlator), 3);
}
END_TEST

/* What is filtered of a series is its PATCH, not its count. */
START_TEST(filtered_repetition_is_counted)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    for (int i = 0; i < 25; i++) {
        observe_reason(correlator, i, 0);
    }
    ck_assert_int_eq(observe_reason(correlator, 7, SECOND), EVENT_NONE);
    ck_assert_int_eq(observe_reason(correlator, 7, 2 * SECOND), EVENT_NONE);
    ck_assert_uint_eq(event_correlator_suppressed(correlator), 0);
    ck_assert_int_eq(due_count(correlator, 7 * MINUTE, false), 3);
    ck_assert_int_eq(due_count(correlator, 7 * MINUTE, false), 0);
}
END_TEST

START_TEST(memory_is_bounded)
{
    AUTO(event_correlator) struct event_correlator *correlator = make();
    char name[32];
    for (int i = 0; i <= EVENT_SERIES_MAX; i++) {
        snprintf(name, sizeof(name), "object-%d", i);
        struct event event = repaired;
        event.name = name;
        ck_assert_int_eq(observe_only(correlator, &event, i), EVENT_POST);
    }
    struct event event = repaired;
    event.name = "object-1"; /* still known */
    ck_assert_int_eq(observe_only(correlator, &event, MINUTE), EVENT_PATCH);
    event.name = "object-0"; /* was quiet for longest */
    ck_assert_int_eq(observe_only(correlator, &event, MINUTE), EVENT_POST);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_correlator");
    TCase *bodies_case = tcase_create("bodies");
    tcase_add_test(bodies_case, bodies);
    tcase_add_test(bodies_case, cluster_scope);
    tcase_add_test(bodies_case, names);
    tcase_add_test(bodies_case, long_names);
    tcase_add_test(bodies_case, names_are_unique);
    tcase_add_test(bodies_case, texts_are_cut);
    tcase_add_test(bodies_case, short_texts_are_kept);
    tcase_add_test(bodies_case, invalid_bytes_are_replaced);
    suite_add_tcase(suite, bodies_case);
    TCase *series = tcase_create("series");
    tcase_add_test(series, series_counts_here);
    tcase_add_test(series, what_tells_events_apart);
    tcase_add_test(series, refresh_existing_event_series);
    tcase_add_test(series, finish_series);
    tcase_add_test(series, single_event_ends_without_a_word);
    tcase_add_test(series, idle_series_is_not_continued);
    tcase_add_test(series, closing_ends_all_series);
    suite_add_tcase(suite, series);
    TCase *filters = tcase_create("filters");
    tcase_add_test(filters, similar_events_are_combined);
    tcase_add_test(filters, same_events_are_not_similar);
    tcase_add_test(filters, similar_events_far_apart);
    tcase_add_test(filters, combined_note_is_cut);
    tcase_add_test(filters, spam_filter);
    tcase_add_test(filters, filtered_repetition_is_counted);
    tcase_add_test(filters, memory_is_bounded);
    suite_add_tcase(suite, filters);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
