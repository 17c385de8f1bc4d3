#include "kube/event_correlator.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/strmap.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "kube/object.h"

/* Begins each value of the maps below, so that the quietest can be found. */
struct entry {
    int64_t last_ms;
};

/* An Event and its repetitions. */
struct series {
    struct entry entry; /* last occurrence */
    int64_t last_wall_ms;
    int64_t count;
    int64_t sent_count; /* what the server was told, and when */
    int64_t sent_ms;
    char *ns;
    char *name;
    struct json_object *body; /* as first sent; never changed, for it is shared */
};

/* Events that differ in nothing but their note. */
struct group {
    struct entry entry;
    size_t len;
    uint64_t notes[EVENT_SIMILAR_MAX - 1]; /* digests of those that stand for themselves */
};

/* The token bucket of one object. */
struct source {
    struct entry entry;
    int64_t full_ms; /* when it is full again */
};

struct event_correlator {
    char *controller;
    char *instance;
    struct strmap series;
    struct strmap groups;
    struct strmap sources;
    uint64_t last_stamp; /* in the newest Event's name */
    uint64_t suppressed;
};

static void series_destroy(void *value)
{
    struct series *series = value;
    free(series->ns);
    free(series->name);
    json_unref(series->body);
    free(series);
}

void event_command_finish(struct event_command *command)
{
    free(command->ns);
    free(command->name);
    json_unref(command->body);
    json_unref(command->whole);
    *command = (struct event_command){0};
}

/* --- texts --- */

/* At most `max` bytes of the text, all valid UTF-8. */
static char *clean(const char *text, size_t max)
{
    AUTO(buf) struct buf valid = BUF_INIT(SIZE_MAX);
    size_t len = strlen(text);
    for (size_t i = 0; i < len && valid.len <= max;) {
        size_t width = utf8_sequence_len(text + i, len - i);
        if (width > 0) {
            buf_append(&valid, text + i, width);
            i += width;
        } else {
            buf_puts(&valid, "\xef\xbf\xbd"); /* U+FFFD, as Go's decoder would */
            i++;
        }
    }
    const char *whole = buf_str(&valid);
    return xstrndup(whole, utf8_cut(whole, valid.len, max));
}

static bool is_label_end(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 1123 as Kubernetes has it for names of objects; a label may be of any length. */
static bool is_subdomain(const char *name)
{
    bool label_ended = false;
    for (const char *at = name; *at != '\0'; at++) {
        bool inner = is_label_end(*at) || (*at == '-' && at != name && at[-1] != '.') ||
                     (*at == '.' && label_ended);
        if (!inner) {
            return false;
        }
        label_ended = is_label_end(*at);
    }
    return label_ended;
}

/*
 * The object's name and the time in nanoseconds, as client-go has it; unique for this process.
 * Some objects have names that an Event may not have (roles with a colon).
 */
static char *make_name(struct event_correlator *correlator, const char *object_name,
                       int64_t wall_ms)
{
    const size_t name_max = 253;
    const size_t stamp_len = 17;
    uint64_t stamp = (uint64_t)wall_ms * 1000000;
    if (stamp <= correlator->last_stamp) {
        stamp = correlator->last_stamp + 1;
    }
    correlator->last_stamp = stamp;
    bool fits = strlen(object_name) + stamp_len <= name_max && is_subdomain(object_name);
    return xasprintf("%s.%016" PRIx64, fits ? object_name : correlator->controller, stamp);
}

/* --- bounded maps --- */

/* Drops the entry that was quiet for longest, when the map is full. */
static void make_room(struct strmap *map, size_t limit)
{
    if (map->len < limit) {
        return;
    }
    const struct strmap_entry *quietest = &map->entries[0];
    for (size_t i = 1; i < map->len; i++) {
        const struct entry *entry = map->entries[i].value;
        if (entry->last_ms < ((const struct entry *)quietest->value)->last_ms) {
            quietest = &map->entries[i];
        }
    }
    strmap_remove(map, quietest->key);
}

/* --- similar Events --- */

static struct group *find_group(struct event_correlator *correlator, const char *key,
                                int64_t now_ms)
{
    struct group *group = strmap_get(&correlator->groups, key);
    if (group == NULL) {
        make_room(&correlator->groups, EVENT_OBJECTS_MAX);
        group = xcalloc(1, sizeof(*group));
        strmap_set(&correlator->groups, key, group);
    } else if (now_ms - group->entry.last_ms > EVENT_SIMILAR_MS) {
        group->len = 0;
    }
    group->entry.last_ms = now_ms;
    return group;
}

/* Whether the note is one too many to stand for itself. */
static bool is_combined(struct event_correlator *correlator, const char *key, const char *note,
                        int64_t now_ms)
{
    struct group *group = find_group(correlator, key, now_ms);
    uint64_t digest = object_digest_str(0, note);
    for (size_t i = 0; i < group->len; i++) {
        if (group->notes[i] == digest) {
            return false;
        }
    }
    if (group->len == EVENT_SIMILAR_MAX - 1) {
        return true;
    }
    group->notes[group->len++] = digest;
    return false;
}

/* --- the filter --- */

static bool take_token(struct event_correlator *correlator, const struct event *event,
                       int64_t now_ms)
{
    AUTO_FREE char *key = xasprintf("%s\n%s\n%s\n%s\n%s", event->api_version, event->kind,
                                    event->ns, event->name, event->uid);
    struct source *source = strmap_get(&correlator->sources, key);
    if (source == NULL) {
        make_room(&correlator->sources, EVENT_OBJECTS_MAX);
        source = xcalloc(1, sizeof(*source));
        strmap_set(&correlator->sources, key, source);
    }
    source->entry.last_ms = now_ms;
    int64_t full_ms = (source->full_ms > now_ms ? source->full_ms : now_ms) + EVENT_INTERVAL_MS;
    if (full_ms - now_ms > (int64_t)EVENT_BURST * EVENT_INTERVAL_MS) {
        return false;
    }
    source->full_ms = full_ms;
    return true;
}

/* --- bodies --- */

static struct json_object *regarding(const struct event *event)
{
    struct json_object *object = json_new_object();
    json_set_str(object, "apiVersion", event->api_version);
    json_set_str(object, "kind", event->kind);
    json_set_str(object, "name", event->name);
    if (*event->ns != '\0') {
        json_set_str(object, "namespace", event->ns);
    }
    if (*event->uid != '\0') {
        json_set_str(object, "uid", event->uid);
    }
    return object;
}

/* `event` with its texts as the server takes them; all these fields are required by it. */
static struct json_object *event_body(const struct event_correlator *correlator,
                                      const struct event *event, const struct series *series)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_micro(series->last_wall_ms, stamp);
    struct json_object *body = json_new_object();
    json_set_str(body, "apiVersion", "events.k8s.io/v1");
    json_set_str(body, "kind", "Event");
    struct json_object *metadata = json_ensure_object(body, "metadata");
    json_set_str(metadata, "name", series->name);
    json_set_str(metadata, "namespace", series->ns);
    json_set_str(body, "eventTime", stamp);
    json_set_str(body, "type", event->warning ? "Warning" : "Normal");
    json_set_str(body, "reason", event->reason);
    json_set_str(body, "action", event->action);
    json_set_str(body, "note", event->note);
    json_set_str(body, "reportingController", correlator->controller);
    json_set_str(body, "reportingInstance", correlator->instance);
    json_set_take(body, "regarding", regarding(event));
    return body;
}

static struct json_object *series_body(const struct series *series)
{
    char stamp[TIMEFMT_SIZE];
    timefmt_micro(series->last_wall_ms, stamp);
    struct json_object *body = json_new_object();
    json_set_int(body, "count", series->count);
    json_set_str(body, "lastObservedTime", stamp);
    return body;
}

static struct event_command post_command(const struct series *series)
{
    return (struct event_command){
        .verb = EVENT_POST,
        .ns = xstrdup(series->ns),
        .name = xstrdup(series->name),
        .body = json_ref(series->body),
    };
}

/* Tells the server the count; the count that it knows is up to date then. */
static struct event_command patch_command(struct series *series, int64_t now_ms)
{
    struct event_command command = {
        .verb = EVENT_PATCH,
        .ns = xstrdup(series->ns),
        .name = xstrdup(series->name),
        .body = json_new_object(),
        .whole = json_copy(series->body),
    };
    json_set_take(command.body, "series", series_body(series));
    json_set_take(command.whole, "series", series_body(series));
    series->sent_count = series->count;
    series->sent_ms = now_ms;
    return command;
}

/* --- series --- */

static bool is_idle(const struct series *series, int64_t now_ms)
{
    return now_ms - series->entry.last_ms >= EVENT_FINISH_MS;
}

static bool is_unsent(const struct series *series)
{
    return series->count != series->sent_count;
}

static struct series *find_series(struct event_correlator *correlator, const char *key,
                                  int64_t now_ms)
{
    struct series *series = strmap_get(&correlator->series, key);
    if (series != NULL && is_idle(series, now_ms)) {
        strmap_remove(&correlator->series, key);
        return NULL;
    }
    return series;
}

static struct series *add_series(struct event_correlator *correlator, const char *key,
                                 const struct event *event, int64_t now_ms, int64_t wall_ms)
{
    make_room(&correlator->series, EVENT_SERIES_MAX);
    struct series *series = xcalloc(1, sizeof(*series));
    *series = (struct series){
        .entry.last_ms = now_ms,
        .last_wall_ms = wall_ms,
        .count = 1,
        .sent_count = 1,
        .sent_ms = now_ms,
        .ns = xstrdup(*event->ns != '\0' ? event->ns : "default"),
        .name = make_name(correlator, event->name, wall_ms),
    };
    series->body = event_body(correlator, event, series);
    strmap_set(&correlator->series, key, series);
    return series;
}

/* The event, its texts being as the server takes them, under the series that `key` names. */
static struct event_command observe(struct event_correlator *correlator, const char *key,
                                    const struct event *event, int64_t now_ms, int64_t wall_ms)
{
    struct series *series = find_series(correlator, key, now_ms);
    if (series == NULL) {
        if (!take_token(correlator, event, now_ms)) {
            correlator->suppressed++;
            return (struct event_command){0};
        }
        return post_command(add_series(correlator, key, event, now_ms, wall_ms));
    }
    series->count++;
    series->entry.last_ms = now_ms;
    series->last_wall_ms = wall_ms;
    if (series->count == 2 && take_token(correlator, event, now_ms)) {
        return patch_command(series, now_ms);
    }
    return (struct event_command){0};
}

/* --- public --- */

struct event_correlator *event_correlator_create(const char *controller, const char *instance)
{
    struct event_correlator *correlator = xcalloc(1, sizeof(*correlator));
    correlator->controller = xstrdup(controller);
    correlator->instance = clean(instance, EVENT_WORD_MAX);
    strmap_init(&correlator->series, series_destroy);
    strmap_init(&correlator->groups, free);
    strmap_init(&correlator->sources, free);
    return correlator;
}

void event_correlator_destroy(struct event_correlator *correlator)
{
    if (correlator != NULL) {
        strmap_finish(&correlator->series);
        strmap_finish(&correlator->groups);
        strmap_finish(&correlator->sources);
        free(correlator->controller);
        free(correlator->instance);
        free(correlator);
    }
}

void event_correlator_observe(struct event_correlator *correlator, const struct event *event,
                              int64_t now_ms, int64_t wall_ms, struct event_command *ret_command)
{
    AUTO_FREE char *reason = clean(event->reason, EVENT_WORD_MAX);
    AUTO_FREE char *action = clean(event->action, EVENT_WORD_MAX);
    AUTO_FREE char *note = clean(event->note, EVENT_NOTE_MAX);
    AUTO_FREE char *group =
        xasprintf("%d\n%s\n%s\n%s\n%s\n%s\n%s\n%s", event->warning, reason, action,
                  event->api_version, event->kind, event->ns, event->name, event->uid);
    struct event fit = *event;
    fit.reason = reason;
    fit.action = action;
    fit.note = note;
    if (is_combined(correlator, group, note, now_ms)) {
        AUTO_FREE char *text = xasprintf("(combined from similar events): %s", note);
        AUTO_FREE char *combined = clean(text, EVENT_NOTE_MAX);
        fit.note = combined;
        *ret_command = observe(correlator, group, &fit, now_ms, wall_ms);
        return;
    }
    AUTO_FREE char *key = xasprintf("%s\n%s", group, note);
    *ret_command = observe(correlator, key, &fit, now_ms, wall_ms);
}

bool event_correlator_due(struct event_correlator *correlator, int64_t now_ms, bool closing,
                          struct event_command *ret_command)
{
    struct strmap *map = &correlator->series;
    for (size_t i = 0; i < map->len;) {
        struct series *series = map->entries[i].value;
        bool finished = closing || is_idle(series, now_ms);
        bool tell = is_unsent(series) && (finished || now_ms - series->sent_ms >= EVENT_REFRESH_MS);
        if (tell) {
            *ret_command = patch_command(series, now_ms);
        }
        if (finished) {
            strmap_remove(map, map->entries[i].key);
        }
        if (tell) {
            return true;
        }
        i += finished ? 0 : 1;
    }
    return false;
}

int64_t event_correlator_next_ms(const struct event_correlator *correlator)
{
    int64_t next_ms = -1;
    for (size_t i = 0; i < correlator->series.len; i++) {
        const struct series *series = correlator->series.entries[i].value;
        int64_t at_ms = series->entry.last_ms + EVENT_FINISH_MS;
        if (is_unsent(series) && series->sent_ms + EVENT_REFRESH_MS < at_ms) {
            at_ms = series->sent_ms + EVENT_REFRESH_MS;
        }
        if (next_ms < 0 || at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    return next_ms;
}

uint64_t event_correlator_suppressed(const struct event_correlator *correlator)
{
    return correlator->suppressed;
}
