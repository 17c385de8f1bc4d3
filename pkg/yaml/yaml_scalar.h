/*
 * What a scalar means: YAML 1.1 as goyaml v2 resolves it, which is what kubectl, kube-proxy and the
 * API server use (sigs.k8s.io/yaml).
 *
 * Plain text without a tag is null (~, null, nothing), a boolean (y, yes, on, true, n, no, off,
 * false and their upper-case forms), an integer (decimal, 0x, 0o or a leading 0, 0b, '_' between
 * digits) or a float; anything else, timestamps too, is a string. An integer that fits no 64 bits
 * is a float. A float too large for a double is a string. Base 60 is not read.
 */
#ifndef YAML_YAML_SCALAR_H
#define YAML_YAML_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "yaml/yaml_tree.h"

enum yaml_type {
    YAML_TYPE_NULL,
    YAML_TYPE_BOOL,
    YAML_TYPE_INT,
    YAML_TYPE_UINT, /* only above INT64_MAX */
    YAML_TYPE_FLOAT,
    YAML_TYPE_STRING,
};

struct yaml_scalar {
    enum yaml_type type;
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double number; /* .inf and .nan are possible */
    };
    /* a string is the node's value */
};

/*
 * The meaning of a scalar node. The tags !!null, !!bool, !!int, !!float, !!str, !!timestamp and "!"
 * are known; the last three give strings. Another tag, !!binary too, and a text that is not of its
 * tag's type: ERR_INVALID, without a place.
 */
int yaml_scalar_resolve(const struct yaml_node *node, struct yaml_scalar *ret_scalar,
                        struct err *err) MUST_CHECK;

/* Whether goyaml takes the text for a time: "2026-11-24", "2026-11-24T08:05:12Z". It reads such
 * text as a string, but writes the string with quotes. */
bool yaml_is_timestamp(const char *text);

/* "null", "boolean", "number", "string", for messages. */
const char *yaml_type_word(enum yaml_type type);

/* Room for any number as text, with its NUL. */
enum {
    YAML_FLOAT_SIZE = 32
};

/*
 * The shortest text that reads back as the same double, or, when `single`, as the same float; as
 * Go's FormatFloat(number, 'g', -1, 64 or 32) writes it.
 */
void yaml_float_text(double number, bool single, char out[YAML_FLOAT_SIZE]);

#endif
