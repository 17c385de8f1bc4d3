#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "serve/metrics.h"
#include "unit.h"

enum {
    PLAIN,
    LABELLED,
    TIMES,
    UNUSED
};

static const struct metric_family families[] = {
    [PLAIN] = {"plain_total", "Plain.", METRIC_COUNTER, {0}},
    [LABELLED] = {"labelled", "Two labels.", METRIC_GAUGE, {"a", "b"}},
    [TIMES] = {"times_seconds", "Times.", METRIC_HISTOGRAM, {"x"}},
    [UNUSED] = {"unused", "No series.", METRIC_GAUGE, {0}},
};

static char *render(const struct metrics *metrics)
{
    struct buf text = BUF_INIT(1 << 20);
    metrics_render(metrics, &text);
    return buf_take(&text);
}

START_TEST(text_is_in_the_exposition_format)
{
    static const char expected[] = "# HELP plain_total Plain.\n"
                                   "# TYPE plain_total counter\n"
                                   "plain_total 3\n"
                                   "# HELP labelled Two labels.\n"
                                   "# TYPE labelled gauge\n"
                                   "labelled{a=\"1\",b=\"2\"} 0.5\n"
                                   "labelled{a=\"q\\\"\\\\\\n\",b=\"\"} -1\n"
                                   "# HELP times_seconds Times.\n"
                                   "# TYPE times_seconds histogram\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.005\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.01\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.025\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.05\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.1\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.25\"} 1\n"
                                   "times_seconds_bucket{x=\"y\",le=\"0.5\"} 2\n"
                                   "times_seconds_bucket{x=\"y\",le=\"1\"} 2\n"
                                   "times_seconds_bucket{x=\"y\",le=\"2.5\"} 2\n"
                                   "times_seconds_bucket{x=\"y\",le=\"5\"} 2\n"
                                   "times_seconds_bucket{x=\"y\",le=\"10\"} 2\n"
                                   "times_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\n"
                                   "times_seconds_sum{x=\"y\"} 20.5\n"
                                   "times_seconds_count{x=\"y\"} 3\n"
                                   "# HELP unused No series.\n"
                                   "# TYPE unused gauge\n";
    struct metrics metrics;
    metrics_init(&metrics, families, ARRAY_LEN(families));
    metrics_observe(&metrics, TIMES, (const char *const[]){"y"}, 0);
    metrics_observe(&metrics, TIMES, (const char *const[]){"y"}, 0.5);
    metrics_observe(&metrics, TIMES, (const char *const[]){"y"}, 20);
    metrics_add(&metrics, PLAIN, NULL, 1);
    metrics_add(&metrics, PLAIN, NULL, 2);
    metrics_set(&metrics, LABELLED, (const char *const[]){"q\"\\\n", ""}, -1);
    metrics_set(&metrics, LABELLED, (const char *const[]){"1", "2"}, 7);
    metrics_set(&metrics, LABELLED, (const char *const[]){"1", "2"}, 0.5);
    char *text = render(&metrics);
    ck_assert_str_eq(text, expected);
    free(text);
    metrics_finish(&metrics);
}
END_TEST

START_TEST(series_are_bounded)
{
    struct metrics metrics;
    metrics_init(&metrics, families, ARRAY_LEN(families));
    for (int i = 0; i < METRIC_SERIES_MAX + 10; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i);
        metrics_add(&metrics, LABELLED, (const char *const[]){value, ""}, 1);
    }
    ck_assert_uint_eq(metrics.series.len, METRIC_SERIES_MAX);
    metrics_add(&metrics, LABELLED, (const char *const[]){"7", ""}, 1); /* known ones go on */
    char *text = render(&metrics);
    ck_assert_ptr_nonnull(strstr(text, "labelled{a=\"7\",b=\"\"} 2\n"));
    free(text);
    metrics_finish(&metrics);
}
END_TEST

START_TEST(cleared_family_has_no_series)
{
    struct metrics metrics;
    metrics_init(&metrics, families, ARRAY_LEN(families));
    metrics_add(&metrics, PLAIN, NULL, 1);
    metrics_set(&metrics, LABELLED, (const char *const[]){"1", "2"}, 3);
    metrics_set(&metrics, LABELLED, (const char *const[]){"4", "5"}, 6);
    metrics_set(&metrics, UNUSED, NULL, 7);
    metrics_clear(&metrics, LABELLED);
    AUTO_FREE char *text = render(&metrics);
    ck_assert_ptr_nonnull(strstr(text, "# TYPE labelled gauge\n"));
    ck_assert_ptr_null(strstr(text, "labelled{"));
    ck_assert_ptr_nonnull(strstr(text, "plain_total 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "unused 7\n"));
    metrics_finish(&metrics);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("metrics");
    TCase *c = tcase_create("metrics");
    tcase_add_test(c, text_is_in_the_exposition_format);
    tcase_add_test(c, series_are_bounded);
    tcase_add_test(c, cleared_family_has_no_series);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
