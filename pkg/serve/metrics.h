/*
 * Metrics in the Prometheus text format 0.0.4: counters, gauges and histograms by label values.
 * Pure.
 *
 * Families are static tables of the caller; a series exists from its first use, and a caller makes
 * those that are known beforehand with metrics_add(…, 0), so that a rate can be taken from the
 * first increase on.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "base/buf.h"
#include "base/strmap.h"

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM, /* seconds, in client_golang's default buckets */
};

enum {
    METRIC_LABELS_MAX = 3,
    METRIC_SERIES_MAX = 4096, /* of all families; more are not counted */
};

struct metric_family {
    const char *name;
    const char *help; /* one line */
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX]; /* NULL from the first unused one on */
};

struct metrics {
    const struct metric_family *families; /* borrowed */
    size_t families_len;
    struct strmap series; /* "INDEX{labels}" to its value */
};

void metrics_init(struct metrics *metrics, const struct metric_family *families, size_t len);
void metrics_finish(struct metrics *metrics);
DEFINE_AUTO_FINISH(metrics, struct metrics, metrics_finish)

/* `family` is an index of the table; `values` has one string per label of it. */
void metrics_add(struct metrics *metrics, size_t family, const char *const values[], double delta);
void metrics_set(struct metrics *metrics, size_t family, const char *const values[], double value);
/* Takes all series of a family away: gauges of what there is not any more. */
void metrics_clear(struct metrics *metrics, size_t family);
void metrics_observe(struct metrics *metrics, size_t family, const char *const values[],
                     double seconds);

/* Everything, family by family; also the help of those without a series yet. */
void metrics_render(const struct metrics *metrics, struct buf *text);

#endif
