#include "node/precondition_flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "json/json.h"

/* A container's command, then its args, as one list of words. */
static const char *word_at(const struct json_object *container, size_t index)
{
    const struct json_object *command = json_member(container, "command");
    size_t len = json_array_len(command);
    return json_str(index < len ? json_array_at(command, index)
                                : json_array_at(json_member(container, "args"), index - len));
}

static size_t words_len(const struct json_object *container)
{
    return json_array_len(json_member(container, "command")) +
           json_array_len(json_member(container, "args"));
}

/* What stands behind --NAME: "", or "=v"; NULL: another word. */
static const char *behind_name(const char *word, const char *name)
{
    size_t len = strlen(name);
    bool same = strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, len) == 0;
    return same && (word[2 + len] == '\0' || word[2 + len] == '=') ? word + 2 + len : NULL;
}

static void add(struct precondition_flags *flags, const char *value)
{
    flags->doubtful |= value == NULL || strstr(value, "$(") != NULL;
    if (value != NULL) {
        flags->values = xreallocarray(flags->values, flags->len + 1, sizeof(*flags->values));
        flags->values[flags->len++] = value;
    }
}

void precondition_flags_find(const struct json_object *container, const char *name,
                             struct precondition_flags *ret_flags)
{
    AUTO_FREE char *flag = xasprintf("--%s", name);
    *ret_flags = (struct precondition_flags){0};
    for (size_t i = 0; i < words_len(container); i++) {
        const char *word = word_at(container, i);
        const char *behind = word != NULL ? behind_name(word, name) : NULL;
        if (word == NULL || strncmp(word, "$(", 2) == 0) {
            ret_flags->doubtful = true;
        } else if (behind == NULL) {
            ret_flags->doubtful |= strstr(word, flag) != NULL;
        } else if (*behind == '=') {
            add(ret_flags, behind + 1);
        } else {
            i++;
            add(ret_flags, i < words_len(container) ? word_at(container, i) : NULL);
        }
    }
}

void precondition_flags_finish(struct precondition_flags *flags)
{
    free(flags->values);
    *flags = (struct precondition_flags){0};
}

static bool runs(const struct json_object *container, const char *program)
{
    const char *word = words_len(container) > 0 ? word_at(container, 0) : NULL;
    const char *slash = word != NULL ? strrchr(word, '/') : NULL;
    word = slash != NULL ? slash + 1 : word;
    return strcmp(json_get_str_or(container, "name", ""), program) == 0 ||
           (word != NULL && strcmp(word, program) == 0);
}

const struct json_object *precondition_container(const struct json_object *pod_spec,
                                                 const char *program)
{
    const struct json_object *containers = json_member(pod_spec, "containers");
    for (size_t i = 0; i < json_array_len(containers); i++) {
        if (runs(json_array_at(containers, i), program)) {
            return json_array_at(containers, i);
        }
    }
    return NULL;
}
