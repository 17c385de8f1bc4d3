#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "http/private.h"

enum {
    DAY_S = 24 * 3600,
};

/* RFC 9110, 10.2.3: a number of seconds or a date. */
int64_t http_retry_after_parse(const char *text, int64_t wall_ms)
{
    size_t digits = strspn(text, "0123456789");
    if (digits != 0 && text[digits] == '\0') {
        /* Saturates at LONG_MAX. */
        long seconds = strtol(text, NULL, 10);
        return (seconds < DAY_S ? seconds : DAY_S) * INT64_C(1000);
    }
    time_t date = curl_getdate(text, NULL);
    if (date == -1) {
        return 0;
    }
    int64_t delay_ms = (int64_t)date * 1000 - wall_ms;
    if (delay_ms <= 0) {
        return 0;
    }
    return delay_ms < DAY_S * INT64_C(1000) ? delay_ms : DAY_S * INT64_C(1000);
}
