/*
 * json.h on any bytes. Properties: what parses can be written and read back to the same value; a
 * merge patch applied twice is the same as applied once; patches leave their document alone; every
 * path finds something or nothing.
 *
 * Input: up to three parts divided by a NUL byte: a document, a patch, a path.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The next part, as a copy of just its length, so that a byte too many is noticed. */
static char *take_part(const char **cursor, const char *end, size_t *ret_len)
{
    size_t left = (size_t)(end - *cursor);
    const char *nul = left != 0 ? memchr(*cursor, '\0', left) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - *cursor) : left;
    char *part = malloc(len);
    if (len != 0) {
        memcpy(part, *cursor, len);
    }
    *cursor += nul != NULL ? len + 1 : len;
    *ret_len = len;
    return part;
}

static int parse_part(const char **cursor, const char *end, struct json_object **ret_value)
{
    size_t len;
    AUTO_FREE char *part = take_part(cursor, end, &len);
    struct err err = {.kind = ERR_NONE};
    int result = json_parse(part, len, ret_value, &err);
    must(result == 0 || (err.kind == ERR_INVALID && err.text[0] != '\0'));
    return result;
}

static void check_text(char *text, const struct json_object *value)
{
    AUTO_FREE char *owned = text;
    AUTO(json) struct json_object *again = NULL;
    must(json_parse(owned, strlen(owned), &again, NULL) == 0);
    must(json_same(value, again));
}

static void check_patches(const struct json_object *doc, const struct json_object *patch)
{
    AUTO_FREE char *before = json_text(doc);
    AUTO(json) struct json_object *once = json_merge_patch(doc, patch);
    AUTO(json) struct json_object *twice = json_merge_patch(once, patch);
    must(json_same(once, twice));
    AUTO(json) struct json_object *patched = NULL;
    struct err err = {.kind = ERR_NONE};
    int result = json_json_patch(doc, patch, &patched, &err);
    must(result == 0 || err.kind == ERR_INVALID || err.kind == ERR_CONFLICT);
    AUTO_FREE char *after = json_text(doc);
    must(strcmp(before, after) == 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const char *cursor = (const char *)data;
    const char *end = cursor + size;
    AUTO(json) struct json_object *doc = NULL;
    AUTO(json) struct json_object *patch = NULL;
    if (parse_part(&cursor, end, &doc) < 0) {
        return 0;
    }
    check_text(json_text(doc), doc);
    check_text(json_text_pretty(doc), doc);
    if (parse_part(&cursor, end, &patch) < 0) {
        return 0;
    }
    check_patches(doc, patch);
    size_t len;
    AUTO_FREE char *bytes = take_part(&cursor, end, &len);
    AUTO_FREE char *path = xmemdup(bytes, len);
    const struct json_object *found = json_get(doc, path);
    must(found == NULL || json_type_word(found)[0] != '\0');
    return 0;
}
