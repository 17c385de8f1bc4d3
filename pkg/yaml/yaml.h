/*
 * YAML to JSON and back, as kubectl does it.
 *
 * Both directions follow sigs.k8s.io/yaml, on which kubectl, kube-proxy and the API server rest.
 * Results are owned by the caller. Limits are those of yaml_tree.h.
 */
#ifndef YAML_YAML_H
#define YAML_YAML_H

#include <json-c/json_types.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

/*
 * Reads all documents of a YAML or JSON text into a JSON array, in order; a document without
 * content is null in it, a text without a document gives an empty array.
 *
 * Scalars mean what yaml_scalar.h says. Keys that are numbers or booleans become strings, merge
 * keys ("<<") are applied where they stand (as goyaml does: a later key or merge replaces an
 * earlier merge, and a merge an earlier key). Refused, because JSON has no such thing or because
 * it is surely a mistake: a repeated key, a key that is null, a map, a sequence or holds NUL, .inf
 * and .nan, !!binary, !!set, !!omap and unknown tags. Aliases are written out, copies share
 * nothing. Errors are ERR_INVALID and begin "line L, column C: ".
 *
 * A JSON text that is no YAML 1.1 (surrogate pairs as escapes) is read by json_parse, with its
 * rules for repeated keys.
 */
int yaml_to_json(const char *text, size_t len, struct json_object **ret_documents,
                 struct err *err) MUST_CHECK;

/*
 * The value in block style as `kubectl get -o yaml` prints it: keys sorted, sequences not indented
 * under their key, quotes only where they are needed, text of several lines as a literal block
 * where that is possible. Reading it back gives the same value, but for invalid UTF-8 (written
 * as U+FFFD) and for 1.0 and 1 being the same number. Owned by the caller (free).
 */
char *yaml_emit(const struct json_object *value);

#endif
