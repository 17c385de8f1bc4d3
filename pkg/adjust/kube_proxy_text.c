#include "adjust/kube_proxy_text.h"

#include <stdlib.h>
#include <string.h>

#include "adjust/kube_proxy_text_find.h"
#include "base/alloc.h"
#include "yaml/yaml_edit.h"
#include "yaml/yaml_scalar.h"

static bool same_string(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_dress(const struct yaml_node *a, const struct yaml_node *b)
{
    return a->kind == b->kind && a->style == b->style && same_string(a->tag, b->tag) &&
           same_string(a->anchor, b->anchor);
}

static bool same_pair(const struct yaml_node *a, size_t a_pair, const struct yaml_node *b,
                      size_t b_pair)
{
    return yaml_node_same(yaml_map_key(a, a_pair), yaml_map_key(b, b_pair)) &&
           yaml_node_same(yaml_map_value(a, a_pair), yaml_map_value(b, b_pair));
}

static bool is_plain_nothing(const struct yaml_node *node)
{
    return node->kind == YAML_KIND_SCALAR && node->implicit && node->value_len == 0;
}

static bool is_quoted_nothing(const struct yaml_node *node)
{
    return node->kind == YAML_KIND_SCALAR && node->style == YAML_STYLE_DOUBLE &&
           node->value_len == 0 && node->tag == NULL && node->anchor == NULL;
}

/* A flow map: all pairs are there, the entry's value is "". */
static bool section_emptied(const struct yaml_node *was, size_t entry, const struct yaml_node *is)
{
    if (!same_dress(was, is) || was->count != is->count) {
        return false;
    }
    for (size_t i = 0; i < was->count; i++) {
        if (i != entry && !same_pair(was, i, is, i)) {
            return false;
        }
    }
    return yaml_node_same(yaml_map_key(was, entry), yaml_map_key(is, entry)) &&
           is_quoted_nothing(yaml_map_value(is, entry));
}

/* A block map: the entry's pair is gone, and with its only pair the map. */
static bool section_shortened(const struct yaml_node *was, size_t entry, const struct yaml_node *is)
{
    if (was->count == 1) {
        return is_plain_nothing(is) && was->tag == NULL && same_string(was->anchor, is->anchor);
    }
    if (!same_dress(was, is) || was->count != is->count + 1) {
        return false;
    }
    for (size_t i = 0; i < is->count; i++) {
        if (!same_pair(was, i < entry ? i : i + 1, is, i)) {
            return false;
        }
    }
    return true;
}

static bool differs_only_there(const struct kube_proxy_finding *was,
                               const struct kube_proxy_finding *is)
{
    const struct yaml_node *root = was->root;
    size_t at = was->section_pair;
    if (!same_dress(root, is->root) || root->count != is->root->count ||
        !yaml_node_same(yaml_map_key(root, at), yaml_map_key(is->root, at))) {
        return false;
    }
    for (size_t i = 0; i < root->count; i++) {
        if (i != at && !same_pair(root, i, is->root, i)) {
            return false;
        }
    }
    const struct yaml_node *section = yaml_map_value(is->root, at);
    return was->section->style == YAML_STYLE_FLOW
               ? section_emptied(was->section, was->entry_pair, section)
               : section_shortened(was->section, was->entry_pair, section);
}

/* Parses what the edit made of the text: nothing else may have changed, in any document. */
static bool verify(const struct kube_proxy_finding *was, const struct kube_proxy_text *report)
{
    AUTO(kube_proxy_finding) struct kube_proxy_finding is;
    AUTO(kube_proxy_text) struct kube_proxy_text unused = {0};
    return kube_proxy_text_find(report->text, report->len, &is, &unused) == 0 && !is.effective &&
           differs_only_there(was, &is) &&
           was->len - yaml_tree_end(was->tree) == is.len - yaml_tree_end(is.tree);
}

static int edit(const struct kube_proxy_finding *finding, struct kube_proxy_text *report)
{
    AUTO(kube_proxy_span) struct kube_proxy_span span = {0};
    if (kube_proxy_text_plan(finding, &span, report) < 0) {
        return -1;
    }
    const struct yaml_edit change = {
        .start = span.start, .end = span.end, .replacement = span.replacement};
    size_t key = yaml_map_key(finding->section, finding->entry_pair)->start;
    struct err err;
    if (yaml_edit_apply(finding->text, finding->len, &change, 1, KUBE_PROXY_TEXT_MAX, &report->text,
                        &report->len, &err) < 0) {
        return kube_proxy_text_refuse(report, finding->text, finding->len, key, "%s", err.text);
    }
    if (!verify(finding, report)) {
        free(take_ptr(report->text));
        report->len = 0;
        return kube_proxy_text_refuse(report, finding->text, finding->len, key,
                                      "kubeconfig cannot be taken out without changing anything "
                                      "else: comment it out by hand");
    }
    report->outcome = KUBE_PROXY_TEXT_EDITED;
    return 0;
}

enum kube_proxy_text_outcome kube_proxy_text_take_out(const char *text, size_t len,
                                                      struct kube_proxy_text *ret_text)
{
    AUTO(kube_proxy_finding) struct kube_proxy_finding finding;
    *ret_text = (struct kube_proxy_text){.outcome = KUBE_PROXY_TEXT_IN_FORCE};
    if (kube_proxy_text_find(text, len, &finding, ret_text) == 0 && finding.effective) {
        edit(&finding, ret_text);
    }
    return ret_text->outcome;
}

void kube_proxy_text_finish(struct kube_proxy_text *text)
{
    free(text->text);
    free(text->value);
    free(text->warning);
    free(text->message);
    *text = (struct kube_proxy_text){0};
}
