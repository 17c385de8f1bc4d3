#include "kube/object.h"

#include <string.h>

#include "base/alloc.h"
#include "base/timefmt.h"
#include "kube/managed_fields.h"

static const uint64_t fnv_basis = 0xcbf29ce484222325;
static const uint64_t fnv_prime = 0x100000001b3;

uint64_t object_digest(uint64_t digest, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        digest = (digest ^ bytes[i]) * fnv_prime;
    }
    return digest;
}

uint64_t object_digest_str(uint64_t digest, const char *text)
{
    /* 0xff occurs in no UTF-8 text, and the NUL divides: "a", "b" is not "ab", NULL is not "" */
    return text != NULL ? object_digest(digest, text, strlen(text) + 1)
                        : object_digest(digest, "\xff", 1);
}

static bool is_number(const char *version)
{
    size_t figures = strspn(version, "0123456789");
    return figures != 0 && version[figures] == '\0' && (version[0] != '0' || figures == 1);
}

int resource_version_compare(const char *a, const char *b)
{
    if (!is_number(a) || !is_number(b)) {
        return 0;
    }
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    if (a_len != b_len) {
        return a_len < b_len ? -1 : 1;
    }
    return strcmp(a, b);
}

/* --- metadata --- */

/* A string that may be absent or null: then "". */
static int read_string(const struct json_object *meta, const char *name, const char **ret_text,
                       struct err *err)
{
    const struct json_object *value = json_member(meta, name);
    const char *text = value != NULL ? json_str(value) : "";
    if (text == NULL) {
        return err_set(err, ERR_INVALID, "metadata.%s is no string but %s", name,
                       json_is_string(value) ? "text with a NUL" : json_type_word(value));
    }
    *ret_text = text;
    return 0;
}

/* A time that may be absent or null: then 0. */
static int read_time(const struct json_object *meta, const char *name, int64_t *ret_ms,
                     struct err *err)
{
    const char *text;
    if (read_string(meta, name, &text, err) < 0) {
        return -1;
    }
    int64_t when = 0;
    if (*text != '\0' && timefmt_parse(text, &when) < 0) {
        return err_set(err, ERR_INVALID, "metadata.%s is no time: \"%s\"", name, text);
    }
    *ret_ms = when;
    return 0;
}

struct word_check {
    const char *field;
    struct err *err;
    int result;
};

static bool check_word(void *arg, const char *name, const struct json_object *value)
{
    struct word_check *check = arg;
    if (value != NULL && json_str(value) == NULL) {
        check->result = err_set(check->err, ERR_INVALID, "metadata.%s[\"%s\"] is no string but %s",
                                check->field, name, json_type_word(value));
    }
    return check->result == 0;
}

/* Labels and annotations: absent, null, or an object of strings. */
static int check_words(const struct json_object *meta, const char *field, struct err *err)
{
    const struct json_object *words = json_member(meta, field);
    if (words != NULL && !json_is_object(words)) {
        return err_set(err, ERR_INVALID, "metadata.%s is no object but %s", field,
                       json_type_word(words));
    }
    struct word_check check = {.field = field, .err = err};
    json_each(words, check_word, &check);
    return check.result;
}

struct metadata {
    const char *name;
    const char *ns;
    const char *uid;
    const char *resource_version;
    int64_t created_ms;
    bool deleting;
};

static int read_metadata(const struct json_object *json, struct metadata *ret_meta, struct err *err)
{
    const struct json_object *meta = json_member(json, "metadata");
    if (!json_is_object(meta)) {
        return err_set(err, ERR_INVALID, "metadata is no object but %s", json_type_word(meta));
    }
    struct metadata read;
    int64_t deleted_ms;
    if (read_string(meta, "name", &read.name, err) < 0 ||
        read_string(meta, "namespace", &read.ns, err) < 0 ||
        read_string(meta, "uid", &read.uid, err) < 0 ||
        read_string(meta, "resourceVersion", &read.resource_version, err) < 0 ||
        read_time(meta, "creationTimestamp", &read.created_ms, err) < 0 ||
        read_time(meta, "deletionTimestamp", &deleted_ms, err) < 0 ||
        check_words(meta, "labels", err) < 0 || check_words(meta, "annotations", err) < 0) {
        return -1;
    }
    if (*read.name == '\0') {
        return err_set(err, ERR_INVALID, "metadata.name is empty");
    }
    read.deleting = json_member(meta, "deletionTimestamp") != NULL;
    *ret_meta = read;
    return 0;
}

/* --- objects --- */

static size_t room_for(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static size_t room_for_all(const struct metadata *meta, const struct object_word *words, size_t len)
{
    size_t room = 2 * room_for(meta->ns) + room_for(meta->name) + room_for(meta->uid) +
                  room_for(meta->resource_version);
    for (size_t i = 0; i < len; i++) {
        room += room_for(words[i].text);
    }
    return room;
}

/* Copies the text to where there is room for it; returns the copy. */
static char *pack(char **room, const char *text)
{
    size_t len = room_for(text);
    char *copy = memcpy(*room, text, len);
    *room += len;
    return copy;
}

static void pack_metadata(struct object *object, const struct metadata *meta, char **room)
{
    object->ns = pack(room, meta->ns);
    object->key = pack(room, meta->ns);
    (*room)[-1] = '/';
    object->name = pack(room, meta->name);
    object->uid = pack(room, meta->uid);
    object->resource_version = pack(room, meta->resource_version);
}

int object_create(const struct json_object *json, size_t size, const struct object_word *words,
                  size_t words_len, struct object **ret_object, struct err *err)
{
    struct metadata meta;
    if (read_metadata(json, &meta, err) < 0) {
        return -1;
    }
    struct object *object = xcalloc(1, size + room_for_all(&meta, words, words_len));
    char *room = (char *)object + size;
    pack_metadata(object, &meta, &room);
    for (size_t i = 0; i < words_len; i++) {
        if (words[i].text != NULL) {
            char *copy = pack(&room, words[i].text);
            memcpy((char *)object + words[i].offset, &copy, sizeof(copy));
        }
    }
    object->refs = 1;
    object->created_ms = meta.created_ms;
    object->deleting = meta.deleting;
    object->digest = object_digest_str(fnv_basis, meta.uid);
    object->digest = object_digest(object->digest, meta.deleting ? "1" : "0", 1);
    *ret_object = object;
    return 0;
}

struct object *object_ref(const struct object *object)
{
    /* the count is all that ever changes in an object */
    struct object *counted = (struct object *)(uintptr_t)object;
    counted->refs++;
    return counted;
}

void object_unref(struct object *object)
{
    if (object == NULL || --object->refs != 0) {
        return;
    }
    if (object->finish != NULL) {
        object->finish(object);
    }
    json_unref(object->body);
    free(object);
}

const struct json_object *object_condition(const struct json_object *json, const char *type)
{
    const struct json_object *conditions = json_get(json, "status/conditions");
    for (size_t i = 0; i < json_array_len(conditions); i++) {
        const struct json_object *condition = json_array_at(conditions, i);
        if (strcmp(json_get_str_or(condition, "type", ""), type) == 0) {
            return condition;
        }
    }
    return NULL;
}

/* --- whole objects --- */

static uint64_t digest_value(uint64_t digest, const struct json_object *value);

struct digest_walk {
    uint64_t digest;
    bool metadata; /* these are the members of metadata */
};

static uint64_t digest_managed_fields(uint64_t digest, const struct json_object *entries)
{
    for (size_t i = 0; i < json_array_len(entries); i++) {
        const struct json_object *entry = json_array_at(entries, i);
        if (!managed_fields_entry_is_status(entry)) {
            digest = digest_value(digest, entry);
        }
    }
    return digest;
}

static bool digest_member(void *arg, const char *name, const struct json_object *value)
{
    struct digest_walk *walk = arg;
    if (walk->metadata && strcmp(name, "resourceVersion") == 0) {
        return true;
    }
    walk->digest = object_digest_str(walk->digest, name);
    walk->digest = walk->metadata && strcmp(name, "managedFields") == 0
                       ? digest_managed_fields(walk->digest, value)
                       : digest_value(walk->digest, value);
    return true;
}

static uint64_t digest_members(uint64_t digest, const struct json_object *object, bool metadata)
{
    struct digest_walk walk = {.digest = digest, .metadata = metadata};
    json_each(object, digest_member, &walk);
    return walk.digest;
}

/* json_text() would do too, but json-c keeps that text with the value for ever. */
static uint64_t digest_value(uint64_t digest, const struct json_object *value)
{
    digest = object_digest_str(digest, json_type_word(value));
    if (json_is_object(value)) {
        return object_digest_str(digest_members(digest, value, false), NULL);
    }
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_len(value); i++) {
            digest = digest_value(digest, json_array_at(value, i));
        }
        return object_digest_str(digest, NULL);
    }
    if (json_is_string(value)) {
        size_t len;
        const char *text = json_get_str_len(value, "", &len);
        return object_digest_str(object_digest(digest, text, len), NULL);
    }
    AUTO_FREE char *text = json_text(value);
    return object_digest_str(digest, text);
}

struct whole {
    struct json_object *body;
    uint64_t digest;
};

static bool keep_member(void *arg, const char *name, const struct json_object *value)
{
    struct whole *whole = arg;
    if (strcmp(name, "status") == 0) {
        return true;
    }
    json_set(whole->body, name, value);
    whole->digest = object_digest_str(whole->digest, name);
    whole->digest = strcmp(name, "metadata") == 0 ? digest_members(whole->digest, value, true)
                                                  : digest_value(whole->digest, value);
    return true;
}

int object_project_whole(const struct json_object *json, struct object **ret_object,
                         struct err *err)
{
    struct object *object;
    if (object_create(json, sizeof(*object), NULL, 0, &object, err) < 0) {
        return -1;
    }
    struct whole whole = {.body = json_new_object(), .digest = object->digest};
    json_each(json, keep_member, &whole);
    object->body = whole.body;
    object->digest = whole.digest;
    *ret_object = object;
    return 0;
}
