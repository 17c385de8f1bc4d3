/*
 * Where a journal is kept: a directory of its own for each manifest, outside the manifests'
 * directory, by default below /var/lib/yurt-steward.
 *
 *     BASE/kube-apiserver.yaml/journal.json     see staticpod/journal.h
 *     BASE/kube-apiserver.yaml/<sha256>         the bytes of a manifest that it names
 *
 * Saving is atomic: bytes first, then the journal that names them by a rename, all of it synced
 * before journal_store_save() returns; after a crash at any point the old or the new journal is
 * there, whole. What none names is removed after that. One process at a time: the directory is
 * locked while the store is open.
 */
#ifndef STATICPOD_JOURNAL_STORE_H
#define STATICPOD_JOURNAL_STORE_H

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "staticpod/file_ops.h"
#include "staticpod/journal.h"

#define JOURNAL_BASE_DEFAULT "/var/lib/yurt-steward"

struct journal_store;

/*
 * Makes the directories where they are missing; the one above `base` must be there. ERR_CONFLICT:
 * another process has it open. `files` is borrowed, `base` and `name` are copied.
 */
int journal_store_open(const struct files *files, const char *base, const char *name,
                       struct journal_store **ret_store, struct err *err) MUST_CHECK;
void journal_store_close(struct journal_store *store);
DEFINE_AUTO_DESTROY(journal_store, struct journal_store, journal_store_close)

/*
 * An empty journal where there is none yet. One that is damaged or of a newer version is refused
 * with ERR_INVALID and left as it is: what it knew can't be guessed.
 */
int journal_store_load(struct journal_store *store, struct journal *ret_journal,
                       struct err *err) MUST_CHECK;
/* On failure the old or the new one is there. */
int journal_store_save(struct journal_store *store, const struct journal *journal,
                       struct err *err) MUST_CHECK;

#endif
