#include "control/snapshot.h"

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
