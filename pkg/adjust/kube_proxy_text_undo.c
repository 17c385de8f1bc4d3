/* Putting back what kube_proxy_text_take_out took out. */
#include <stdlib.h>
#include <string.h>

#include "adjust/kube_proxy_text_find.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "yaml/yaml_edit.h"

enum {
    SHOWN_MAX = 128, /* bytes of a value in a message */
};

/* The text from before, its edit, and the text of now. */
struct undo {
    struct kube_proxy_finding before;
    struct kube_proxy_text edited; /* take_out(before) */
    struct kube_proxy_span span;   /* in before */
    struct kube_proxy_finding now;
    const char *current;
    size_t len;
};

static bool same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static int give(const char *text, size_t len, char **ret_text, size_t *ret_len)
{
    char *copy = xmalloc(len + 1);
    if (len != 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    *ret_text = copy;
    *ret_len = len;
    return 0;
}

static int by_hand(const struct undo *undo, const char *why, struct err *err)
{
    const char *value = undo->edited.value;
    int shown = (int)utf8_cut(value, strlen(value), SHOWN_MAX);
    return err_set(err, ERR_CONFLICT,
                   "%s: set clientConnection.kubeconfig to %.*s by hand if it is still wanted", why,
                   shown, value);
}

/* Whether our edited lines stand at `at`: whole lines, though their break may have changed. */
static bool stands_at(const struct undo *undo, size_t at)
{
    const char *lines = undo->span.replacement;
    size_t len = strlen(lines);
    return undo->len - at >= len && memcmp(undo->current + at, lines, len) == 0 &&
           yaml_line_end(undo->current, undo->len, at + len) == at + len;
}

/* Where the lines directly inside clientConnection end: at the next key of the root. */
static size_t section_end(const struct kube_proxy_finding *now)
{
    size_t next = now->section_pair + 1;
    return next < now->root->count ? yaml_map_key(now->root, next)->start
                                   : yaml_tree_end(now->tree);
}

/* Finds our commented lines in a block map. Returns their number. */
static size_t find_lines(const struct undo *undo, size_t *ret_start)
{
    const struct kube_proxy_finding *now = &undo->now;
    size_t count = 0;
    size_t end = section_end(now);
    size_t key = yaml_map_key(now->root, now->section_pair)->start;
    for (size_t at = yaml_line_next(undo->current, undo->len, key); at < end;
         at = yaml_line_next(undo->current, undo->len, at)) {
        if (stands_at(undo, at)) {
            *ret_start = at;
            count++;
        }
    }
    return count;
}

/* The bytes of our edit in the current text. */
static int find_edit(const struct undo *undo, size_t *ret_start, size_t *ret_end, struct err *err)
{
    const struct kube_proxy_finding *now = &undo->now;
    if (!now->has_section) {
        return by_hand(undo, "clientConnection is gone", err);
    }
    if (undo->before.section->style != YAML_STYLE_FLOW) {
        size_t count = find_lines(undo, ret_start);
        if (count != 1) {
            return by_hand(undo,
                           count == 0 ? "the line that was commented out is not there any more"
                                      : "the line that was commented out is there more than once",
                           err);
        }
        *ret_end = *ret_start + strlen(undo->span.replacement);
        return 0;
    }
    if (!now->has_entry || now->section->style != YAML_STYLE_FLOW) {
        return by_hand(undo, "kubeconfig: \"\" is not there any more", err);
    }
    const struct yaml_node *value = yaml_map_value(now->section, now->entry_pair);
    *ret_start = value->start;
    *ret_end = value->end;
    return 0;
}

/* The undone text must be one whose edit is the current text again, to the byte. */
static bool verify(const struct undo *undo, const char *text, size_t len)
{
    AUTO(kube_proxy_text) struct kube_proxy_text again;
    return kube_proxy_text_take_out(text, len, &again) == KUBE_PROXY_TEXT_EDITED &&
           same_bytes(again.text, again.len, undo->current, undo->len) &&
           strcmp(again.value, undo->edited.value) == 0;
}

static int undo_edit(const struct undo *undo, char **ret_text, size_t *ret_len, struct err *err)
{
    struct yaml_edit change = {0};
    if (find_edit(undo, &change.start, &change.end, err) < 0) {
        return -1;
    }
    AUTO_FREE char *was =
        xstrndup(undo->before.text + undo->span.start, undo->span.end - undo->span.start);
    AUTO_FREE char *text = NULL;
    size_t len;
    change.replacement = was;
    if (yaml_edit_apply(undo->current, undo->len, &change, 1, KUBE_PROXY_TEXT_MAX, &text, &len,
                        err) < 0) {
        return by_hand(undo, "the text would be too long", err);
    }
    if (!verify(undo, text, len)) {
        return by_hand(undo, "the text was changed around the line that was commented out", err);
    }
    *ret_text = take_ptr(text);
    *ret_len = len;
    return 0;
}

/* A place of 0 is none. */
static int refused(const struct kube_proxy_text *report, struct err *err)
{
    err_set(err, ERR_CONFLICT, "%s", report->message);
    return report->line == 0 ? -1
                             : err_wrap(err, "line %zu, column %zu", report->line, report->column);
}

static int put_back(struct undo *undo, char **ret_text, size_t *ret_len, struct err *err)
{
    AUTO(kube_proxy_text) struct kube_proxy_text report = {0};
    if (kube_proxy_text_find(undo->current, undo->len, &undo->now, &report) < 0) {
        return refused(&report, err);
    }
    if (undo->now.effective) {
        return strcmp(report.value, undo->edited.value) == 0
                   ? give(undo->current, undo->len, ret_text, ret_len)
                   : by_hand(undo, "another kubeconfig is set now", err);
    }
    return undo_edit(undo, ret_text, ret_len, err);
}

/* What was done to the text from before. */
static int repeat_edit(struct undo *undo, const char *before, size_t len, struct err *err)
{
    AUTO(kube_proxy_text) struct kube_proxy_text report = {0};
    if (kube_proxy_text_take_out(before, len, &undo->edited) == KUBE_PROXY_TEXT_REFUSED) {
        return err_set(err, ERR_CONFLICT, "the recorded text is none that was edited: %s",
                       undo->edited.message);
    }
    if (undo->edited.outcome == KUBE_PROXY_TEXT_EDITED &&
        (kube_proxy_text_find(before, len, &undo->before, &report) < 0 ||
         kube_proxy_text_plan(&undo->before, &undo->span, &report) < 0)) {
        return err_set(err, ERR_CONFLICT, "the recorded text cannot be edited: %s", report.message);
    }
    return 0;
}

static void undo_finish(struct undo *undo)
{
    kube_proxy_finding_finish(&undo->before);
    kube_proxy_finding_finish(&undo->now);
    kube_proxy_text_finish(&undo->edited);
    kube_proxy_span_finish(&undo->span);
}
DEFINE_AUTO_FINISH(undo, struct undo, undo_finish)

int kube_proxy_text_put_back(const char *current, size_t len, const char *before, size_t before_len,
                             char **ret_text, size_t *ret_len, struct err *err)
{
    AUTO(undo) struct undo undo = {.current = current, .len = len};
    if (same_bytes(current, len, before, before_len)) {
        return give(current, len, ret_text, ret_len);
    }
    if (repeat_edit(&undo, before, before_len, err) < 0) {
        return -1;
    }
    if (undo.edited.outcome == KUBE_PROXY_TEXT_IN_FORCE) {
        return give(current, len, ret_text, ret_len);
    }
    if (same_bytes(current, len, undo.edited.text, undo.edited.len)) {
        return give(before, before_len, ret_text, ret_len);
    }
    return put_back(&undo, ret_text, ret_len, err);
}
