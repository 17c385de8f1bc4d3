#include "staticpod/staticpod_flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
    OCCURRENCES_MAX = 100
};

static bool has_name(const char *word, const char *name)
{
    if (strncmp(word, "--", 2) != 0) {
        return false;
    }
    const char *at = word + 2;
    for (; *name != '\0'; name++, at++) {
        if (*at != *name && !(*at == '_' && *name == '-')) {
            return false;
        }
    }
    return *at == '\0' || *at == '=';
}

/* Whether $( stands before the '=': the kubelet puts a variable's value there, any flag's name. */
static bool has_variable_name(const char *word)
{
    const char *variable = strstr(word, "$(");
    const char *equals = strchr(word, '=');
    return variable != NULL && (equals == NULL || variable < equals);
}

static int check_word(const struct staticpod_manifest *manifest, const struct staticpod_word *word,
                      struct staticpod_refusal *refusal)
{
    if (strcmp(word->value, "--") == 0) {
        return staticpod_refuse(refusal, manifest, word->node,
                                "\"--\" ends the flags: take it away");
    }
    if (has_variable_name(word->value)) {
        return staticpod_refuse(refusal, manifest, word->node,
                                "%.64s may become any flag: write out what the variable holds",
                                word->value);
    }
    return 0;
}

static int take_flag(const struct staticpod_manifest *manifest, size_t at,
                     struct staticpod_flags *flags, struct staticpod_refusal *refusal)
{
    const struct staticpod_word *words = manifest->words;
    const char *equals = strchr(words[at].value, '=');
    struct staticpod_flag flag = {.name_word = at, .value_word = at};
    if (equals != NULL) {
        flag.value = equals + 1;
    } else if (at + 1 < manifest->words_len && strncmp(words[at + 1].value, "--", 2) != 0) {
        flag.value_word = at + 1;
        flag.value = words[at + 1].value;
    } else {
        return staticpod_refuse(refusal, manifest, words[at].node, "%.64s has no value",
                                words[at].value);
    }
    if (strstr(flag.value, "$(") != NULL) {
        return staticpod_refuse(refusal, manifest, words[flag.value_word].node,
                                "%.64s has a variable in its value: write out what it holds",
                                words[at].value);
    }
    if (flags->len == OCCURRENCES_MAX) {
        return staticpod_refuse(refusal, manifest, words[at].node,
                                "%.64s is there more than %d times: leave one", words[at].value,
                                (int)OCCURRENCES_MAX);
    }
    flags->list = xreallocarray(flags->list, flags->len + 1, sizeof(*flags->list));
    flags->list[flags->len++] = flag;
    return 0;
}

/* A flag without '=' may take the next word, unless that is a flag. */
static bool may_take_next(const struct staticpod_manifest *manifest, size_t at)
{
    const char *word = manifest->words[at].value;
    return word[0] == '-' && strchr(word, '=') == NULL && at + 1 < manifest->words_len &&
           strncmp(manifest->words[at + 1].value, "--", 2) != 0;
}

int staticpod_flags_find(const struct staticpod_manifest *manifest, const char *name,
                         struct staticpod_flags *ret_flags, struct staticpod_refusal *refusal)
{
    AUTO(staticpod_flags) struct staticpod_flags flags = {0};
    for (size_t i = manifest->first_flag; i < manifest->words_len; i++) {
        if (check_word(manifest, &manifest->words[i], refusal) < 0) {
            return -1;
        }
        if (has_name(manifest->words[i].value, name) &&
            take_flag(manifest, i, &flags, refusal) < 0) {
            return -1;
        }
        i += may_take_next(manifest, i);
    }
    *ret_flags = flags;
    flags = (struct staticpod_flags){0};
    return 0;
}

void staticpod_flags_finish(struct staticpod_flags *flags)
{
    free(flags->list);
    *flags = (struct staticpod_flags){0};
}
