/*
 * One kubeconfig file: its values, and where in the text each of them is, so that every complaint
 * can name file, line and key.
 *
 *     /home/me/.kube/config:12: users[0].user.token: must be a string, found number; quote it
 */
#ifndef KUBE_KUBECONFIG_DOC_H
#define KUBE_KUBECONFIG_DOC_H

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "yaml/yaml_tree.h"
#include "json/json.h"

/* All owned. */
struct kubeconfig_doc {
    char *path; /* as it was given */
    char *dir;  /* absolute; relative paths in the file start here */
    char *text;
    size_t len;
    struct yaml_tree *tree;
    struct json_object *root; /* a mapping; NULL: the file is empty */
};

enum {
    KUBECONFIG_SIZE_MAX = 4 << 20,
    KUBECONFIG_KEY_SIZE = 256,
};

/* ERR_NOT_FOUND when the file is not there. */
int kubeconfig_doc_read(const char *path, struct kubeconfig_doc *ret_doc,
                        struct err *err) MUST_CHECK;
void kubeconfig_doc_finish(struct kubeconfig_doc *doc);
DEFINE_AUTO_FINISH(kubeconfig_doc, struct kubeconfig_doc, kubeconfig_doc_finish)

/*
 * A complaint (ERR_INVALID) about the value at `path` ("users/0/user/token"). The line is that of
 * the key; of what would hold it when it is missing. Returns -1.
 */
int kubeconfig_doc_fail(const struct kubeconfig_doc *doc, struct err *err, const char *path,
                        const char *format, ...) PRINTF_LIKE(4, 5);
/* As above with the text that is in `err` already. */
int kubeconfig_doc_wrap(const struct kubeconfig_doc *doc, struct err *err, const char *path);
/* The line of what kubeconfig_doc_fail would complain about, from 1. */
size_t kubeconfig_doc_line(const struct kubeconfig_doc *doc, const char *path);

#endif
