#include "serve/metrics.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"

/* prometheus/client_golang DefBuckets */
static const double bounds[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

struct series {
    char *labels; /* `a="x",b="y"`, escaped; "" without labels */
    double value; /* of a histogram: the sum */
    uint64_t count;
    uint64_t buckets[ARRAY_LEN(bounds)];
};

static void series_destroy(void *value)
{
    struct series *series = value;
    free(series->labels);
    free(series);
}

void metrics_init(struct metrics *metrics, const struct metric_family *families, size_t len)
{
    *metrics = (struct metrics){families, len, STRMAP_INIT(series_destroy)};
}

void metrics_finish(struct metrics *metrics)
{
    strmap_finish(&metrics->series);
}

/* Backslash, quote and line feed, as the format has it. */
static void put_escaped(struct buf *text, const char *value)
{
    for (; *value != '\0'; value++) {
        switch (*value) {
        case '\\':
            buf_puts(text, "\\\\");
            break;
        case '"':
            buf_puts(text, "\\\"");
            break;
        case '\n':
            buf_puts(text, "\\n");
            break;
        default:
            buf_append(text, value, 1);
        }
    }
}

static char *labels_text(const struct metric_family *family, const char *const values[])
{
    struct buf text = BUF_INIT(4096);
    for (size_t i = 0; i < METRIC_LABELS_MAX && family->labels[i] != NULL; i++) {
        buf_printf(&text, "%s%s=\"", i > 0 ? "," : "", family->labels[i]);
        put_escaped(&text, values[i]);
        buf_puts(&text, "\"");
    }
    return buf_take(&text);
}

/* NULL: there are too many. */
static struct series *find(struct metrics *metrics, size_t family, const char *const values[])
{
    char *labels = labels_text(&metrics->families[family], values);
    AUTO_FREE char *key = xasprintf("%04zu{%s}", family, labels);
    struct series *series = strmap_get(&metrics->series, key);
    if (series != NULL || metrics->series.len == METRIC_SERIES_MAX) {
        free(labels);
        return series;
    }
    series = xcalloc(1, sizeof(*series));
    series->labels = labels;
    strmap_set(&metrics->series, key, series);
    return series;
}

void metrics_add(struct metrics *metrics, size_t family, const char *const values[], double delta)
{
    struct series *series = find(metrics, family, values);
    if (series != NULL) {
        series->value += delta;
    }
}

void metrics_set(struct metrics *metrics, size_t family, const char *const values[], double value)
{
    struct series *series = find(metrics, family, values);
    if (series != NULL) {
        series->value = value;
    }
}

void metrics_clear(struct metrics *metrics, size_t family)
{
    for (size_t i = metrics->series.len; i-- > 0;) {
        const char *key = metrics->series.entries[i].key;
        if (strtoul(key, NULL, 10) == family) {
            strmap_remove(&metrics->series, key);
        }
    }
}

void metrics_observe(struct metrics *metrics, size_t family, const char *const values[],
                     double seconds)
{
    struct series *series = find(metrics, family, values);
    if (series == NULL) {
        return;
    }
    series->value += seconds;
    series->count++;
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        series->buckets[i] += seconds <= bounds[i];
    }
}

static void render_histogram(const char *name, const struct series *series, struct buf *text)
{
    const char *comma = *series->labels != '\0' ? "," : "";
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        buf_printf(text, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, series->labels, comma,
                   bounds[i], series->buckets[i]);
    }
    buf_printf(text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, series->labels, comma,
               series->count);
    buf_printf(text, "%s_sum{%s} %.17g\n", name, series->labels, series->value);
    buf_printf(text, "%s_count{%s} %" PRIu64 "\n", name, series->labels, series->count);
}

static void render_series(const struct metric_family *family, const struct series *series,
                          struct buf *text)
{
    if (family->type == METRIC_HISTOGRAM) {
        render_histogram(family->name, series, text);
    } else if (*series->labels == '\0') {
        buf_printf(text, "%s %.17g\n", family->name, series->value);
    } else {
        buf_printf(text, "%s{%s} %.17g\n", family->name, series->labels, series->value);
    }
}

void metrics_render(const struct metrics *metrics, struct buf *text)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    size_t next = 0; /* series are sorted by family */
    for (size_t i = 0; i < metrics->families_len; i++) {
        const struct metric_family *family = &metrics->families[i];
        buf_printf(text, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                   types[family->type]);
        while (next < metrics->series.len &&
               strtoul(metrics->series.entries[next].key, NULL, 10) == i) {
            render_series(family, metrics->series.entries[next++].value, text);
        }
    }
}
