/*
 * An object as the store holds it: immutable, reference counted, projected.
 *
 * A projection keeps only what reconcilers read, so that memory does not grow with the size of
 * the cluster's objects. Either `body` holds the projected JSON, or a larger structure begins
 * with this one (node.h, pod.h, slice.h) and `body` is NULL.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "json/json.h"

struct object {
    unsigned refs;
    void (*finish)(struct object *object); /* releases what a larger structure holds; may be NULL */
    /* all strings are in the object's own block, as are those of a larger structure */
    char *key; /* "ns/name", what the store sorts by */
    char *name;
    char *ns;  /* "" for cluster-scoped objects */
    char *uid; /* "" when the source had none (a file) */
    char *resource_version;
    int64_t created_ms;       /* wall clock of the server; 0: unknown */
    bool deleting;            /* has a deletionTimestamp */
    uint64_t digest;          /* equal digests: nothing that reconcilers read has changed */
    int64_t seen_ms;          /* monotonic time at which this digest was first seen here */
    struct json_object *body; /* projected JSON, or NULL */
};

/*
 * Makes the projection of one object. Fails (ERR_INVALID, naming the field) on objects without a
 * name or with wrongly typed metadata.
 */
typedef int object_project_fn(const struct json_object *json, struct object **ret_object,
                              struct err *err);

/* A string of a larger structure: the offset of its pointer, and what it says; NULL stays NULL. */
struct object_word {
    size_t offset;
    const char *text;
};

/*
 * Allocates one block for all of an object, since thousands are held: `size` bytes (at least
 * sizeof(struct object)) of zeros with the metadata filled in, and behind them the metadata's
 * strings and `words`. refs is 1.
 */
int object_create(const struct json_object *json, size_t size, const struct object_word *words,
                  size_t words_len, struct object **ret_object, struct err *err) MUST_CHECK;
struct object *object_ref(const struct object *object);
void object_unref(struct object *object);
DEFINE_AUTO_DESTROY(object, struct object, object_unref)

/* Keeps all of the JSON but status, shared with `json`, which must not be changed any more; for
 * objects watched by name (ConfigMaps, Services, …). */
object_project_fn object_project_whole;

/* The entry of status.conditions with that type; NULL when there is none. */
const struct json_object *object_condition(const struct json_object *json, const char *type);

/* FNV-1a over more bytes, for digests. */
uint64_t object_digest(uint64_t digest, const void *data, size_t len);
uint64_t object_digest_str(uint64_t digest, const char *text);

/*
 * Orders two resourceVersions as numbers (KEP-5504: comparable since 1.35, in practice always for
 * etcd). Returns <0, 0 or >0; versions that are not numbers are unordered: 0.
 */
int resource_version_compare(const char *a, const char *b);

#endif
