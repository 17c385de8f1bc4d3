/* Which bytes the removal changes; refused where that is not certain. */
#include <stdlib.h>
#include <string.h>

#include "adjust/kube_proxy_text_find.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "yaml/yaml_edit.h"

static int check_anchors(const struct kube_proxy_finding *finding, const struct yaml_node *key,
                         const struct yaml_node *value, struct kube_proxy_text *report)
{
    const struct yaml_node *const nodes[] = {finding->section, key, value};
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        if (nodes[i]->referenced) {
            return kube_proxy_text_refuse(report, finding->text, finding->len, nodes[i]->start,
                                          "the anchor &%s is used elsewhere: write it out there, "
                                          "or comment kubeconfig out by hand",
                                          nodes[i]->anchor);
        }
    }
    return 0;
}

/* Whether the key is written "? key": between it and what stands before there are only blanks,
 * comments, commas and that mark. */
static bool is_explicit(const struct kube_proxy_finding *finding, const struct yaml_node *key)
{
    const struct yaml_node *section = finding->section;
    size_t pair = finding->entry_pair;
    size_t at = pair > 0 ? yaml_map_value(section, pair - 1)->end : section->start;
    while (at < key->start) {
        if (finding->text[at] == '?') {
            return true;
        }
        at = finding->text[at] == '#' ? yaml_line_end(finding->text, finding->len, at) : at + 1;
    }
    return false;
}

static bool only(const char *text, size_t start, size_t end, const char *allowed)
{
    for (size_t i = start; i < end; i++) {
        if (strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* YAML 1.1 ends a comment at NEL, LS and PS too, which no editor shows as the end of a line. */
static bool has_odd_breaks(const char *text, size_t start, size_t end)
{
    return memmem(text + start, end - start, "\xc2\x85", 2) != NULL ||
           memmem(text + start, end - start, "\xe2\x80\xa8", 3) != NULL ||
           memmem(text + start, end - start, "\xe2\x80\xa9", 3) != NULL;
}

/*
 * Comments the lines from the key's to the value's last: '#' goes where the key begins. Lines
 * between key and value (comments) and blank ones stay.
 */
static int comment_lines(const struct kube_proxy_finding *finding, const struct yaml_node *key,
                         const struct yaml_node *value, struct buf *out,
                         struct kube_proxy_text *report)
{
    const char *text = finding->text;
    size_t first = yaml_line_start(text, finding->len, key->start);
    size_t value_line = yaml_line_start(text, finding->len, value->start);
    size_t column = key->start - first;
    size_t next;
    for (size_t line = first; line < value->end; line = next) {
        size_t end = yaml_line_end(text, finding->len, line);
        next = yaml_line_next(text, finding->len, line);
        bool blank = only(text, line, end, " \t");
        if (!blank && (line == first || line >= value_line)) {
            if (end - line < column || !only(text, line, line + column, " ")) {
                return kube_proxy_text_refuse(
                    report, text, finding->len, line,
                    "kubeconfig cannot be commented out with certainty, this line is not indented "
                    "by spaces as far as it: comment it out by hand");
            }
            buf_append(out, text + line, column);
            buf_puts(out, "#");
            buf_append(out, text + line + column, end - line - column);
        } else {
            buf_append(out, text + line, end - line);
        }
        if (next < value->end) {
            buf_append(out, text + end, next - end);
        }
    }
    return 0;
}

static int plan_block(const struct kube_proxy_finding *finding, const struct yaml_node *key,
                      const struct yaml_node *value, struct kube_proxy_span *ret_span,
                      struct kube_proxy_text *report)
{
    AUTO(buf) struct buf lines = BUF_INIT(2 * KUBE_PROXY_TEXT_MAX);
    size_t start = yaml_line_start(finding->text, finding->len, key->start);
    size_t end = yaml_line_end(finding->text, finding->len, value->end - 1);
    if (has_odd_breaks(finding->text, start, end)) {
        return kube_proxy_text_refuse(report, finding->text, finding->len, key->start,
                                      "a line break other than LF and CR is in the lines of "
                                      "kubeconfig: comment it out by hand");
    }
    if (comment_lines(finding, key, value, &lines, report) < 0) {
        return -1;
    }
    *ret_span =
        (struct kube_proxy_span){.start = start, .end = end, .replacement = buf_take(&lines)};
    return 0;
}

int kube_proxy_text_plan(const struct kube_proxy_finding *finding, struct kube_proxy_span *ret_span,
                         struct kube_proxy_text *report)
{
    const struct yaml_node *key = yaml_map_key(finding->section, finding->entry_pair);
    const struct yaml_node *value = yaml_map_value(finding->section, finding->entry_pair);
    if (check_anchors(finding, key, value, report) < 0) {
        return -1;
    }
    if (is_explicit(finding, key)) {
        return kube_proxy_text_refuse(
            report, finding->text, finding->len, key->start,
            "kubeconfig is written as an explicit key (?): comment it out "
            "by hand");
    }
    if (finding->section->style == YAML_STYLE_FLOW) {
        *ret_span = (struct kube_proxy_span){
            .start = value->start, .end = value->end, .replacement = xstrdup("\"\"")};
        return 0;
    }
    return plan_block(finding, key, value, ret_span, report);
}

void kube_proxy_span_finish(struct kube_proxy_span *span)
{
    free(span->replacement);
    span->replacement = NULL;
}
