/*
 * Changes of the items of command and args: in the text, and in what the kubelet reads of it.
 *
 * Both are made from the same list of changes and compared afterwards, so a change of the text that
 * did anything else is found. Pure.
 */
#ifndef STATICPOD_STATICPOD_WORDS_H
#define STATICPOD_STATICPOD_WORDS_H

#include <json-c/json_types.h>

#include "staticpod/staticpod_manifest.h"
#include "staticpod/staticpod_spans.h"

enum staticpod_word_change_kind {
    STATICPOD_WORD_REPLACE,
    STATICPOD_WORD_REMOVE,
    STATICPOD_WORD_APPEND, /* a new item behind the last of all */
};

struct staticpod_word_change {
    enum staticpod_word_change_kind kind;
    size_t word; /* REPLACE, REMOVE: in the manifest's words */
    char *value; /* REPLACE, APPEND */
};

/* At most one change of a word. */
struct staticpod_word_changes {
    struct staticpod_word_change *list;
    size_t len;
};

void staticpod_word_replace_take(struct staticpod_word_changes *changes, size_t word, char *value);
void staticpod_word_remove(struct staticpod_word_changes *changes, size_t word);
void staticpod_word_append(struct staticpod_word_changes *changes, const char *value);
void staticpod_word_changes_finish(struct staticpod_word_changes *changes);
DEFINE_AUTO_FINISH(staticpod_word_changes, struct staticpod_word_changes,
                   staticpod_word_changes_finish)

/*
 * The bytes to replace. Quotes are kept; plain text is quoted where it has to be. A removed item of
 * a block list takes its line along, comment included.
 */
int staticpod_words_edit(const struct staticpod_manifest *manifest,
                         const struct staticpod_word_changes *changes,
                         struct staticpod_spans *spans,
                         struct staticpod_refusal *refusal) MUST_CHECK;

/* One of the lists with the changes made, [] when it is not there. Owned by the caller. */
struct json_object *staticpod_words_list(const struct staticpod_manifest *manifest,
                                         const struct staticpod_word_changes *changes,
                                         enum staticpod_list list);

#endif
