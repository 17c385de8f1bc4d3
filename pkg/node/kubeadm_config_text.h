/*
 * One change of extraArgs, in the text. Private to the kubeadm_config files.
 *
 * The bytes of the flag's own lines are replaced, and the result is read again: it must be the same
 * change made to the JSON, and nothing else. Pure.
 */
#ifndef NODE_KUBEADM_CONFIG_TEXT_H
#define NODE_KUBEADM_CONFIG_TEXT_H

#include "node/kubeadm_config_document.h"

enum kubeadm_config_verb {
    KUBEADM_CONFIG_ADD,
    KUBEADM_CONFIG_SET,
    KUBEADM_CONFIG_REMOVE,
};

struct kubeadm_config_change {
    enum kubeadm_config_verb verb;
    const char *section;
    const char *flag;
    size_t entry;      /* SET, REMOVE, of a list: which item */
    const char *value; /* ADD, SET */
};

/* The changed text, NUL-terminated behind its length, is the caller's (free). */
int kubeadm_config_change(const struct kubeadm_config_document *document,
                          const struct kubeadm_config_place *place,
                          const struct kubeadm_config_change *change, char **ret_text,
                          size_t *ret_len, struct staticpod_refusal *refusal) MUST_CHECK;

#endif
