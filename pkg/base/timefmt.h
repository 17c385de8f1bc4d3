/*
 * Times and durations as text: RFC 3339 as Kubernetes writes it, and durations such as "90s".
 */
#ifndef BASE_TIMEFMT_H
#define BASE_TIMEFMT_H

#include <stdint.h>

#include "base/attr.h"

enum {
    TIMEFMT_SIZE = 40 /* room for any stamp below, with its NUL */
};

/* metav1.Time: "2026-11-24T08:05:12Z". Milliseconds are cut. */
void timefmt_rfc3339(int64_t wall_ms, char out[TIMEFMT_SIZE]);
/* "2026-11-24T08:05:12.345Z", for logs. */
void timefmt_rfc3339_millis(int64_t wall_ms, char out[TIMEFMT_SIZE]);
/* metav1.MicroTime: "2026-11-24T08:05:12.345000Z". */
void timefmt_micro(int64_t wall_ms, char out[TIMEFMT_SIZE]);

/*
 * Reads an RFC 3339 stamp, with or without a fraction, with Z or a numeric offset. Returns 0, or
 * -1 when it is none; milliseconds beyond the third digit are cut.
 */
int timefmt_parse(const char *text, int64_t *ret_wall_ms) MUST_CHECK;

/*
 * Reads a duration: a sequence of whole numbers each with a unit ms, s, m or h, as in "60s",
 * "1m30s", "500ms". No unit, a sign, a fraction or anything over 10,000 hours is refused (-1).
 */
int timefmt_parse_duration(const char *text, int64_t *ret_ms) MUST_CHECK;
/* The shortest such text: 90000 gives "1m30s", 0 gives "0s". */
void timefmt_duration(int64_t ms, char out[TIMEFMT_SIZE]);

#endif
