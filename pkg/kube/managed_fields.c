#include "kube/managed_fields.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/timefmt.h"
#include "base/utf8.h"

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = utf8_cut(text, strlen(text), size - 1);
    memcpy(out, text, len);
    out[len] = '\0';
}

static void read_entry(const struct json_object *entry, struct field_owner *ret_owner)
{
    *ret_owner = (struct field_owner){0};
    const char *manager = json_get_str_or(entry, "manager", "");
    copy_text(ret_owner->manager, sizeof(ret_owner->manager),
              *manager != '\0' ? manager : "unknown");
    copy_text(ret_owner->operation, sizeof(ret_owner->operation),
              json_get_str_or(entry, "operation", ""));
    copy_text(ret_owner->subresource, sizeof(ret_owner->subresource),
              json_get_str_or(entry, "subresource", ""));
    if (timefmt_parse(json_get_str_or(entry, "time", ""), &ret_owner->time_ms) < 0) {
        ret_owner->time_ms = 0;
    }
}

bool managed_fields_entry_is_status(const struct json_object *entry)
{
    /* before Kubernetes 1.22 entries did not name the subresource */
    const struct json_object *fields = json_member(entry, "fieldsV1");
    return strcmp(json_get_str_or(entry, "subresource", ""), "status") == 0 ||
           (json_object_len(fields) == 1 && json_member(fields, "f:status") != NULL);
}

/* "data/a~1b" as FieldsV1 has it: "f:data/f:a~1b". */
static char *fields_path(const char *path)
{
    char *out = xmalloc(strlen(path) * 3 + 3);
    char *end = stpcpy(out, "f:");
    for (; *path != '\0'; path++) {
        *end++ = *path;
        if (*path == '/') {
            end = stpcpy(end, "f:");
        }
    }
    *end = '\0';
    return out;
}

static bool owns_exactly(const struct json_object *entry, const char *path)
{
    return json_is_object(json_get(json_member(entry, "fieldsV1"), path));
}

/* Whether the entry owns something above the path as one piece (an atomic map: a leaf). */
static bool owns_above(const struct json_object *entry, const char *path)
{
    const struct json_object *fields = json_member(entry, "fieldsV1");
    AUTO_FREE char *above = xstrdup(path);
    for (char *slash = strrchr(above, '/'); slash != NULL; slash = strrchr(above, '/')) {
        *slash = '\0';
        const struct json_object *field = json_get(fields, above);
        if (json_is_object(field) && json_object_len(field) == 0) {
            return true;
        }
    }
    return false;
}

static bool may_have_removed(const struct json_object *entry, const char *except)
{
    bool excepted = except != NULL && strcmp(json_get_str_or(entry, "manager", ""), except) == 0;
    return !excepted && !managed_fields_entry_is_status(entry);
}

typedef bool match_fn(const struct json_object *entry, const char *arg);

/* The newest entry that matches. Times have the grain of a second: among equals the last wins. */
static bool find_newest(const struct json_object *object, match_fn *match, const char *arg,
                        struct field_owner *ret_owner)
{
    const struct json_object *entries = json_get(object, "metadata/managedFields");
    bool found = false;
    for (size_t i = 0; i < json_array_len(entries); i++) {
        const struct json_object *entry = json_array_at(entries, i);
        struct field_owner owner;
        read_entry(entry, &owner);
        if (match(entry, arg) && (!found || owner.time_ms >= ret_owner->time_ms)) {
            *ret_owner = owner;
            found = true;
        }
    }
    if (!found) {
        *ret_owner = (struct field_owner){.manager = "unknown"};
    }
    return found;
}

bool managed_fields_owner(const struct json_object *object, const char *path,
                          struct field_owner *ret_owner)
{
    AUTO_FREE char *fields = fields_path(path);
    return find_newest(object, owns_exactly, fields, ret_owner) ||
           find_newest(object, owns_above, fields, ret_owner);
}

bool managed_fields_newest(const struct json_object *object, const char *except,
                           struct field_owner *ret_owner)
{
    return find_newest(object, may_have_removed, except, ret_owner);
}

char *field_owner_text(const struct field_owner *owner)
{
    char when[TIMEFMT_SIZE] = "";
    if (owner->time_ms != 0) {
        timefmt_rfc3339(owner->time_ms, when);
    }
    AUTO_FREE char *how = owner->subresource[0] != '\0'
                              ? xasprintf("%s of %s", owner->operation, owner->subresource)
                              : xstrdup(owner->operation);
    if (*how == '\0' && *when == '\0') {
        return xstrdup(owner->manager);
    }
    return xasprintf("%s (%s%s%s)", owner->manager, how, *how != '\0' && *when != '\0' ? ", " : "",
                     when);
}
