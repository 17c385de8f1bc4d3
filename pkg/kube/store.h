/*
 * The local copy of one watched collection: objects by "namespace/name", sorted.
 *
 * Filled by a reflector (or from files), read by reconcilers through the const functions. It is
 * never behind what was written: an object put by store_put_written() is not replaced by an older
 * one that the watch still had under way (controller-runtime #3320).
 *
 * Of an object that could not be read only that is known: what the store shows without it is a part
 * of the collection, and of an object that was readable before, the last readable state.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "kube/object.h"

struct store;

/*
 * `changed` (may be NULL) runs after each change that altered a digest or what is unreadable, and
 * when it gets synced.
 */
struct store *store_create(void (*changed)(void *arg), void *arg);
void store_destroy(struct store *store);
DEFINE_AUTO_DESTROY(store, struct store, store_destroy)

/* --- read side: all that reconcilers see --- */

/* Whether a complete list was ever put; until then, what is absent is unknown. */
bool store_synced(const struct store *store);
size_t store_len(const struct store *store);
/* In order of key; borrowed until the next change. */
const struct object *store_at(const struct store *store, size_t index);
/* The only object of a store that watches one name; NULL when it does not exist. */
const struct object *store_only(const struct store *store);
const struct object *store_get(const struct store *store, const char *ns, const char *name);
/*
 * How many objects cannot be read. `ret_why` (may be NULL) is a sentence about the first of them by
 * key, borrowed until the next change; NULL when there is none.
 */
size_t store_unreadable(const struct store *store, const char **ret_why);

/* --- write side --- */

/* A replacement of everything is collected, then put in force at once. Of an object that comes
 * several times the newest is taken. */
struct store_list;
struct store_list *store_list_create(void);
void store_list_destroy(struct store_list *list);
void store_list_add_take(struct store_list *list, struct object *object);
void store_list_add_unreadable(struct store_list *list, const char *ns, const char *name,
                               const char *why);
void store_list_remove(struct store_list *list, const char *ns, const char *name);
/*
 * Replaces the content atomically. `list_version` is the list's resourceVersion: an object
 * written here at a newer version is kept, unless `rewind` says that the server's versions went
 * back. Takes the list.
 */
void store_replace_take(struct store *store, struct store_list *list, const char *list_version,
                        bool rewind, int64_t now_ms);
/* ADDED or MODIFIED. An object older than what is held is dropped. */
void store_put_take(struct store *store, struct object *object, int64_t now_ms);
/* ADDED or MODIFIED, but it has no projection; `why` names the object, too. */
void store_put_unreadable(struct store *store, const char *ns, const char *name, const char *why);
/* What a write of ours returned. As store_put_take. */
void store_put_written_take(struct store *store, struct object *object, int64_t now_ms);
/* DELETED, with the resourceVersion of the deletion. */
void store_remove(struct store *store, const char *ns, const char *name, const char *version);
/* Forgets all and is unsynced again. */
void store_clear(struct store *store);

#endif
