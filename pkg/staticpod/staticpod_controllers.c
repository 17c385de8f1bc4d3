#include "staticpod/staticpod_controllers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/buf.h"

struct element {
    const char *start;
    size_t len;
};

/* Where next_element begins: an empty value has no element, "a," has two (encoding/csv). */
static const char *elements(const char *value)
{
    return *value != '\0' ? value : NULL;
}

/* The next element of a list; false behind the last. */
static bool next_element(const char **rest, struct element *ret_element)
{
    if (*rest == NULL) {
        return false;
    }
    size_t len = strcspn(*rest, ",");
    *ret_element = (struct element){.start = *rest, .len = len};
    *rest = (*rest)[len] == ',' ? *rest + len + 1 : NULL;
    return true;
}

static bool is_word(struct element element, const char *word)
{
    return element.len == strlen(word) && memcmp(element.start, word, element.len) == 0;
}

static bool is_nodelifecycle(struct element element)
{
    return is_word(element, "nodelifecycle") || is_word(element, "node-lifecycle-controller");
}

static bool is_off(struct element element)
{
    return element.len > 0 && element.start[0] == '-' &&
           is_nodelifecycle((struct element){.start = element.start + 1, .len = element.len - 1});
}

static struct staticpod_new_value turn_around(const char *value, size_t index,
                                              struct element element)
{
    return (struct staticpod_new_value){.change = true,
                                        .index = index,
                                        .value = xasprintf("%.*s-nodelifecycle%s",
                                                           (int)(element.start - value), value,
                                                           element.start + element.len)};
}

static struct staticpod_new_value put_in_front(const char *value)
{
    return (struct staticpod_new_value){
        .change = true, .value = xasprintf("-nodelifecycle%s%s", *value != '\0' ? "," : "", value)};
}

struct staticpod_new_value staticpod_controllers_off(const char *const *values, size_t count)
{
    bool star = false;
    for (size_t i = 0; i < count; i++) {
        const char *rest = elements(values[i]);
        struct element element;
        while (next_element(&rest, &element)) {
            if (is_off(element)) {
                return (struct staticpod_new_value){0};
            }
            if (is_nodelifecycle(element)) {
                return turn_around(values[i], i, element);
            }
            star |= is_word(element, "*");
        }
    }
    return star ? put_in_front(values[0]) : (struct staticpod_new_value){0};
}

/* The first element of all. */
static bool first_element(const char *const *values, size_t count, struct element *ret_element)
{
    for (size_t i = 0; i < count; i++) {
        const char *rest = elements(values[i]);
        if (next_element(&rest, ret_element)) {
            return true;
        }
    }
    return false;
}

struct staticpod_new_value staticpod_hostname_first(const char *const *values, size_t count)
{
    struct element element;
    if (first_element(values, count, &element) && is_word(element, "Hostname")) {
        return (struct staticpod_new_value){0};
    }
    AUTO(buf) struct buf out = BUF_INIT(strlen(values[0]) + sizeof("Hostname,"));
    buf_puts(&out, "Hostname");
    const char *rest = elements(values[0]);
    while (next_element(&rest, &element)) {
        if (!is_word(element, "Hostname")) {
            buf_puts(&out, ",");
            buf_append(&out, element.start, element.len);
        }
    }
    return (struct staticpod_new_value){.change = true, .value = buf_take(&out)};
}
