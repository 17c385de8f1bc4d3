/*
 * Several kubeconfig files that are read as one: for each name the first file that has it wins,
 * whole, and so does the first that has a current-context (client-go ClientConfigLoadingRules).
 */
#ifndef KUBE_KUBECONFIG_SET_H
#define KUBE_KUBECONFIG_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "kube/kubeconfig_doc.h"

struct kubeconfig_set {
    struct kubeconfig_doc *docs; /* owned */
    size_t count;
};

/* Where something is in the set. The document is borrowed. */
struct kubeconfig_at {
    const struct kubeconfig_doc *doc;
    char path[64]; /* "users/3/user" */
};

/* The three lists of a kubeconfig. */
enum kubeconfig_list {
    KUBECONFIG_CLUSTERS,
    KUBECONFIG_USERS,
    KUBECONFIG_CONTEXTS,
};

/*
 * Reads and checks the files at `paths` (ends at NULL). Everything in them must have its type,
 * whether it is going to be used or not. With `skip_missing` files that are not there and empty
 * ones are left out, but one must be left.
 */
int kubeconfig_set_read(char *const paths[], bool skip_missing, struct kubeconfig_set *ret_set,
                        struct err *err) MUST_CHECK;
void kubeconfig_set_finish(struct kubeconfig_set *set);
DEFINE_AUTO_FINISH(kubeconfig_set, struct kubeconfig_set, kubeconfig_set_finish)

/* The entry of that name, false when there is none. */
bool kubeconfig_set_find(const struct kubeconfig_set *set, enum kubeconfig_list list,
                         const char *name, struct kubeconfig_at *ret_at);
/* The current-context and where it is set; NULL when no file sets it. */
const char *kubeconfig_set_current(const struct kubeconfig_set *set, struct kubeconfig_at *ret_at);
/* Appends the names in the list, ", " between them; "none" when there are none. */
void kubeconfig_set_names(const struct kubeconfig_set *set, enum kubeconfig_list list,
                          struct buf *out);
/* Appends the paths of the files, ":" between them. */
void kubeconfig_set_paths(const struct kubeconfig_set *set, struct buf *out);

#endif
