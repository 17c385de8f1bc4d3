/*
 * Where clientConnection.kubeconfig is in a text, and which bytes its removal changes.
 *
 * Private to the kube_proxy_text files. A finding owns its tree and borrows the text.
 */
#ifndef ADJUST_KUBE_PROXY_TEXT_FIND_H
#define ADJUST_KUBE_PROXY_TEXT_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "adjust/kube_proxy_text.h"
#include "base/cleanup.h"
#include "yaml/yaml_tree.h"

struct kube_proxy_finding {
    const char *text;
    size_t len;
    struct yaml_tree *tree;
    const struct yaml_node *root;    /* a map, when nothing was refused */
    bool has_section;                /* clientConnection is there, whatever its value */
    size_t section_pair;             /* its pair in the root */
    const struct yaml_node *section; /* its value when that is a map written there; else NULL */
    bool has_entry;                  /* kubeconfig is in `section` */
    size_t entry_pair;               /* its pair in the section */
    bool effective;                  /* and it is a text that kube-proxy would use */
};

/*
 * Returns 0, or -1 when the text is refused: then `report` has outcome, message and place. Warnings
 * and the value go to `report` as well.
 */
int kube_proxy_text_find(const char *text, size_t len, struct kube_proxy_finding *ret_finding,
                         struct kube_proxy_text *report) MUST_CHECK;
void kube_proxy_finding_finish(struct kube_proxy_finding *finding);
DEFINE_AUTO_FINISH(kube_proxy_finding, struct kube_proxy_finding, kube_proxy_finding_finish)

/* Bytes to replace: whole lines without the last line break, or a flow value. */
struct kube_proxy_span {
    size_t start;
    size_t end;
    char *replacement;
};

/* For an effective finding. Returns 0, or -1 when it is refused, as above. */
int kube_proxy_text_plan(const struct kube_proxy_finding *finding, struct kube_proxy_span *ret_span,
                         struct kube_proxy_text *report) MUST_CHECK;
void kube_proxy_span_finish(struct kube_proxy_span *span);
DEFINE_AUTO_FINISH(kube_proxy_span, struct kube_proxy_span, kube_proxy_span_finish)

/* Sets outcome, message and the place of the byte at `offset`. Returns -1. */
int kube_proxy_text_refuse(struct kube_proxy_text *report, const char *text, size_t len,
                           size_t offset, const char *format, ...) PRINTF_LIKE(5, 6);

#endif
