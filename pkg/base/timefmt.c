#include "base/timefmt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void split(int64_t wall_ms, struct tm *ret_tm, int *ret_millis)
{
    int64_t seconds = wall_ms / 1000;
    int64_t rest = wall_ms % 1000;
    if (rest < 0) {
        rest += 1000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    gmtime_r(&when, ret_tm);
    *ret_millis = (int)rest;
}

static void format(int64_t wall_ms, const char *fraction_format, char out[TIMEFMT_SIZE])
{
    struct tm tm;
    int millis;
    split(wall_ms, &tm, &millis);
    size_t len = strftime(out, TIMEFMT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (fraction_format != NULL) {
        int used = snprintf(out + len, TIMEFMT_SIZE - len, ".%03d", millis);
        len += used > 0 ? (size_t)used : 0;
        snprintf(out + len, TIMEFMT_SIZE - len, "%s", fraction_format);
    } else {
        snprintf(out + len, TIMEFMT_SIZE - len, "Z");
    }
}

void timefmt_rfc3339(int64_t wall_ms, char out[TIMEFMT_SIZE])
{
    format(wall_ms, NULL, out);
}

void timefmt_rfc3339_millis(int64_t wall_ms, char out[TIMEFMT_SIZE])
{
    format(wall_ms, "Z", out);
}

void timefmt_micro(int64_t wall_ms, char out[TIMEFMT_SIZE])
{
    format(wall_ms, "000Z", out);
}

/* Reads exactly `count` digits. */
static int digits(const char **cursor, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*cursor)[i])) {
            return -1;
        }
        value = value * 10 + ((*cursor)[i] - '0');
    }
    *cursor += count;
    *ret_value = value;
    return 0;
}

static int expect(const char **cursor, char wanted)
{
    if (**cursor != wanted) {
        return -1;
    }
    (*cursor)++;
    return 0;
}

static int parse_fraction(const char **cursor, int *ret_millis)
{
    *ret_millis = 0;
    if (**cursor != '.') {
        return 0;
    }
    (*cursor)++;
    int scale = 100;
    if (!isdigit((unsigned char)**cursor)) {
        return -1;
    }
    while (isdigit((unsigned char)**cursor)) {
        *ret_millis += (**cursor - '0') * scale;
        scale /= 10;
        (*cursor)++;
    }
    return 0;
}

static int parse_offset(const char **cursor, int *ret_minutes)
{
    if (**cursor == 'Z' || **cursor == 'z') {
        (*cursor)++;
        *ret_minutes = 0;
        return 0;
    }
    int sign = **cursor == '-' ? -1 : 1;
    if (**cursor != '+' && **cursor != '-') {
        return -1;
    }
    (*cursor)++;
    int hours;
    int minutes;
    if (digits(cursor, 2, &hours) < 0 || expect(cursor, ':') < 0 ||
        digits(cursor, 2, &minutes) < 0 || hours > 23 || minutes > 59) {
        return -1;
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month] + (month == 1 && leap ? 1 : 0);
}

static bool in_range(const struct tm *tm)
{
    return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
           tm->tm_mday <= days_in_month(tm->tm_year + 1900, tm->tm_mon) && tm->tm_hour <= 23 &&
           tm->tm_min <= 59 && tm->tm_sec <= 60;
}

int timefmt_parse(const char *text, int64_t *ret_wall_ms)
{
    struct tm tm = {0};
    const char *cursor = text;
    int millis;
    int offset;
    if (digits(&cursor, 4, &tm.tm_year) < 0 || expect(&cursor, '-') < 0 ||
        digits(&cursor, 2, &tm.tm_mon) < 0 || expect(&cursor, '-') < 0 ||
        digits(&cursor, 2, &tm.tm_mday) < 0 || (*cursor != 'T' && *cursor != 't')) {
        return -1;
    }
    cursor++;
    if (digits(&cursor, 2, &tm.tm_hour) < 0 || expect(&cursor, ':') < 0 ||
        digits(&cursor, 2, &tm.tm_min) < 0 || expect(&cursor, ':') < 0 ||
        digits(&cursor, 2, &tm.tm_sec) < 0 || parse_fraction(&cursor, &millis) < 0 ||
        parse_offset(&cursor, &offset) < 0 || *cursor != '\0') {
        return -1;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (!in_range(&tm)) {
        return -1;
    }
    *ret_wall_ms = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + millis;
    return 0;
}

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static int parse_unit(const char *word, size_t len, int64_t *ret_ms)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strlen(units[i].name) == len && strncmp(units[i].name, word, len) == 0) {
            *ret_ms = units[i].ms;
            return 0;
        }
    }
    return -1;
}

int timefmt_parse_duration(const char *text, int64_t *ret_ms)
{
    const int64_t most = (int64_t)10000 * 3600000;
    int64_t total = 0;
    const char *cursor = text;
    if (*cursor == '\0') {
        return -1;
    }
    while (*cursor != '\0') {
        size_t figures = strspn(cursor, "0123456789");
        size_t letters = strspn(cursor + figures, "hms");
        int64_t unit;
        if (figures == 0 || figures > 12 || parse_unit(cursor + figures, letters, &unit) < 0) {
            return -1;
        }
        int64_t value = 0;
        for (size_t i = 0; i < figures; i++) {
            value = value * 10 + (cursor[i] - '0');
        }
        if (value > most / unit || total > most - value * unit) {
            return -1;
        }
        total += value * unit;
        cursor += figures + letters;
    }
    *ret_ms = total;
    return 0;
}

void timefmt_duration(int64_t ms, char out[TIMEFMT_SIZE])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        int64_t count = ms / units[i].ms;
        if (count > 0) {
            int used =
                snprintf(out + len, TIMEFMT_SIZE - len, "%lld%s", (long long)count, units[i].name);
            len += used > 0 ? (size_t)used : 0;
            ms -= count * units[i].ms;
        }
    }
    if (len == 0) {
        snprintf(out, TIMEFMT_SIZE, "0s");
    }
}
