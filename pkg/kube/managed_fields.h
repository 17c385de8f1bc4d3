/*
 * Who wrote a field: metadata.managedFields (KEP-555, FieldsV1). Pure.
 */
#ifndef KUBE_MANAGED_FIELDS_H
#define KUBE_MANAGED_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "json/json.h"

struct field_owner {
    char manager[128];  /* "unknown" when nobody is named */
    char operation[16]; /* "Update", "Apply" or "" */
    char subresource[64];
    int64_t time_ms; /* wall clock of the server; 0: absent */
};

/*
 * The entry that owns the field with the newest time. `path` is a json_get path of field names
 * without the "f:" prefixes, e.g. "data/config.conf" or
 * "metadata/annotations/openyurt.io~1topologyKeys". Returns false (and manager "unknown") when
 * no entry owns it.
 */
bool managed_fields_owner(const struct json_object *object, const char *path,
                          struct field_owner *ret_owner);
/* The newest entry of all, whatever it owns, other than `except` (may be NULL) and other than those
 * of the status: who took a field away is in none that owns it. */
bool managed_fields_newest(const struct json_object *object, const char *except,
                           struct field_owner *ret_owner);
/* Whether an entry tells of the status only. Such entries are renewed with every status write. */
bool managed_fields_entry_is_status(const struct json_object *entry);
/* "kubeadm (Update, 2026-11-24T06:00:11Z)", "unknown". Caller frees. */
char *field_owner_text(const struct field_owner *owner);

#endif
