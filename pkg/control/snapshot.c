#include "control/snapshot.h"

#include <string.h>

const struct object *snapshot_only(const struct snapshot *seen, enum input input)
{
    const struct store *store = seen->stores[input];
    return store != NULL ? store_only(store) : NULL;
}

const char *snapshot_record(const struct snapshot *seen, const char *key, size_t *ret_len)
{
    const struct object *state = snapshot_only(seen, INPUT_STATE);
    if (state == NULL) {
        return NULL;
    }
    const struct json_object *value = json_member(json_get(state->body, "data"), key);
    if (!json_is_string(value)) {
        return NULL;
    }
    return json_get_str_len(value, "", ret_len);
}

/* Records from before there were versions have none, and are of the first. */
const char *snapshot_foreign_state(const struct snapshot *seen)
{
    const struct object *state = snapshot_only(seen, INPUT_STATE);
    if (state == NULL) {
        return NULL;
    }
    const char *version = json_str(
        json_member(json_get(state->body, "metadata/annotations"), STATE_VERSION_ANNOTATION));
    return version == NULL || strcmp(version, STATE_VERSION) == 0 ? NULL : version;
}
