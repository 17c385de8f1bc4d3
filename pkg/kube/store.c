#include "kube/store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"

struct store {
    struct strmap objects;    /* their keys to struct object */
    struct strmap unreadable; /* "namespace/name" to why */
    char *version;            /* the newest the watch or a list has shown; "" before */
    bool synced;
    void (*changed)(void *arg);
    void *arg;
};

struct store_list {
    struct strmap objects;
    struct strmap unreadable;
};

static void drop_object(void *object)
{
    object_unref(object);
}

static void init_objects(struct strmap *objects)
{
    strmap_init(objects, drop_object);
    objects->borrows_keys = true;
}

static char *make_key(const char *ns, const char *name)
{
    return xasprintf("%s/%s", ns != NULL ? ns : "", name);
}

static bool newer_than(const struct object *object, const char *version)
{
    return resource_version_compare(object->resource_version, version) > 0;
}

static bool newer(const struct object *a, const struct object *b)
{
    return newer_than(a, b->resource_version);
}

/* --- life --- */

struct store *store_create(void (*changed)(void *arg), void *arg)
{
    struct store *store = xcalloc(1, sizeof(*store));
    init_objects(&store->objects);
    strmap_init(&store->unreadable, free);
    store->version = xstrdup("");
    store->changed = changed;
    store->arg = arg;
    return store;
}

void store_destroy(struct store *store)
{
    if (store != NULL) {
        strmap_finish(&store->objects);
        strmap_finish(&store->unreadable);
        free(store->version);
        free(store);
    }
}

/* Always the last thing that a change does: the callback may call anything. */
static void notify(const struct store *store)
{
    if (store->changed != NULL) {
        store->changed(store->arg);
    }
}

/* --- read side --- */

bool store_synced(const struct store *store)
{
    return store->synced;
}

size_t store_len(const struct store *store)
{
    return store->objects.len;
}

const struct object *store_at(const struct store *store, size_t index)
{
    return index < store->objects.len ? store->objects.entries[index].value : NULL;
}

const struct object *store_only(const struct store *store)
{
    return store_at(store, 0);
}

const struct object *store_get(const struct store *store, const char *ns, const char *name)
{
    AUTO_FREE char *key = make_key(ns, name);
    return strmap_get(&store->objects, key);
}

size_t store_unreadable(const struct store *store, const char **ret_why)
{
    if (ret_why != NULL) {
        *ret_why = store->unreadable.len != 0 ? store->unreadable.entries[0].value : NULL;
    }
    return store->unreadable.len;
}

/* --- what the server has shown --- */

static void advance(struct store *store, const char *version)
{
    if (*store->version == '\0' || resource_version_compare(version, store->version) > 0) {
        xstr_replace(&store->version, version);
    }
}

/* Whether the watch has gone past the version, so that it has told all there was to tell by then.
 */
static bool has_passed(const struct store *store, const char *version)
{
    return *version != '\0' && (resource_version_compare(store->version, version) > 0 ||
                                strcmp(store->version, version) == 0);
}

/* --- single changes --- */

/* Takes the object; true when a digest changed. */
static bool put(struct store *store, struct object *object, int64_t now_ms)
{
    const char *key = object->key;
    const struct object *held = strmap_get(&store->objects, key);
    if (held != NULL && newer(held, object)) {
        object_unref(object);
        return false;
    }
    bool same = held != NULL && held->digest == object->digest;
    object->seen_ms = same ? held->seen_ms : now_ms;
    strmap_set(&store->objects, key, object);
    return !same;
}

/* True when it was unreadable. */
static bool forget_unreadable(struct strmap *unreadable, const char *key)
{
    bool was = strmap_get(unreadable, key) != NULL;
    strmap_remove(unreadable, key);
    return was;
}

void store_put_take(struct store *store, struct object *object, int64_t now_ms)
{
    advance(store, object->resource_version);
    bool readable_again = forget_unreadable(&store->unreadable, object->key);
    if (put(store, object, now_ms) || readable_again) {
        notify(store);
    }
}

void store_put_unreadable(struct store *store, const char *ns, const char *name, const char *why)
{
    AUTO_FREE char *key = make_key(ns, name);
    const char *known = strmap_get(&store->unreadable, key);
    if (known == NULL || strcmp(known, why) != 0) {
        strmap_set(&store->unreadable, key, xstrdup(why));
        notify(store);
    }
}

void store_put_written_take(struct store *store, struct object *object, int64_t now_ms)
{
    if (strmap_get(&store->objects, object->key) == NULL &&
        has_passed(store, object->resource_version)) {
        /* a reply that the watch has overtaken: the object is deleted by now, and no event would
         * ever take it out again */
        object_unref(object);
        return;
    }
    if (put(store, object, now_ms)) {
        notify(store);
    }
}

void store_remove(struct store *store, const char *ns, const char *name, const char *version)
{
    AUTO_FREE char *key = make_key(ns, name);
    advance(store, version);
    bool altered = forget_unreadable(&store->unreadable, key);
    const struct object *held = strmap_get(&store->objects, key);
    /* A deletion carries the version of the deletion. One older than what is held is of an earlier
     * incarnation, or tells that the object left a selector that a write of ours brought it back
     * to. */
    if (held != NULL && !newer_than(held, version)) {
        strmap_remove(&store->objects, key);
        altered = true;
    }
    if (altered) {
        notify(store);
    }
}

void store_clear(struct store *store)
{
    bool differs = store->synced || store->objects.len != 0 || store->unreadable.len != 0;
    strmap_clear(&store->objects);
    strmap_clear(&store->unreadable);
    xstr_replace(&store->version, "");
    store->synced = false;
    if (differs) {
        notify(store);
    }
}

/* --- replacement --- */

struct store_list *store_list_create(void)
{
    struct store_list *list = xcalloc(1, sizeof(*list));
    init_objects(&list->objects);
    strmap_init(&list->unreadable, free);
    return list;
}

void store_list_destroy(struct store_list *list)
{
    if (list != NULL) {
        strmap_finish(&list->objects);
        strmap_finish(&list->unreadable);
        free(list);
    }
}

void store_list_add_take(struct store_list *list, struct object *object)
{
    const char *key = object->key;
    strmap_remove(&list->unreadable, key);
    /* pages at different versions can both have an object */
    const struct object *other = strmap_get(&list->objects, key);
    if (other != NULL && newer(other, object)) {
        object_unref(object);
        return;
    }
    strmap_set(&list->objects, key, object);
}

void store_list_add_unreadable(struct store_list *list, const char *ns, const char *name,
                               const char *why)
{
    AUTO_FREE char *key = make_key(ns, name);
    strmap_set(&list->unreadable, key, xstrdup(why));
}

void store_list_remove(struct store_list *list, const char *ns, const char *name)
{
    AUTO_FREE char *key = make_key(ns, name);
    strmap_remove(&list->objects, key);
    strmap_remove(&list->unreadable, key);
}

/* Whether the list is too old to know of this state of the object. */
static bool outlives(const struct object *held, const struct object *listed,
                     const char *list_version)
{
    return newer_than(held, list_version) && (listed == NULL || newer(held, listed));
}

/* Carries over what is to stay of what is held; true when a held object changed or went. */
static bool merge_held(const struct store *store, struct store_list *list, const char *list_version,
                       bool rewind)
{
    bool altered = false;
    for (size_t i = 0; i < store->objects.len; i++) {
        const struct object *held = store->objects.entries[i].value;
        struct object *listed = strmap_get(&list->objects, held->key);
        if (!rewind && outlives(held, listed, list_version)) {
            strmap_set(&list->objects, held->key, object_ref(held));
        } else if (listed != NULL && listed->digest == held->digest) {
            listed->seen_ms = held->seen_ms;
        } else {
            altered = true;
        }
    }
    return altered;
}

static void swap(struct strmap *a, struct strmap *b)
{
    struct strmap kept = *a;
    *a = *b;
    *b = kept;
}

/* Whether both say the same of the same keys. */
static bool same_texts(const struct strmap *a, const struct strmap *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; same && i < a->len; i++) {
        same = strcmp(a->entries[i].key, b->entries[i].key) == 0 &&
               strcmp(a->entries[i].value, b->entries[i].value) == 0;
    }
    return same;
}

void store_replace_take(struct store *store, struct store_list *list, const char *list_version,
                        bool rewind, int64_t now_ms)
{
    for (size_t i = 0; i < list->objects.len; i++) {
        ((struct object *)list->objects.entries[i].value)->seen_ms = now_ms;
    }
    size_t before = store->objects.len;
    bool altered = merge_held(store, list, list_version, rewind);
    /* with nothing held changed or gone, more objects than before are new ones */
    altered = altered || list->objects.len != before || !store->synced ||
              !same_texts(&store->unreadable, &list->unreadable);

    swap(&store->objects, &list->objects);
    swap(&store->unreadable, &list->unreadable);
    store_list_destroy(list);
    if (rewind) {
        xstr_replace(&store->version, list_version);
    } else {
        advance(store, list_version);
    }
    store->synced = true;
    if (altered) {
        notify(store);
    }
}
