/*
 * Base64 with the standard alphabet and padding (RFC 4648 section 4), as Kubernetes writes binary
 * data into JSON.
 */
#ifndef KUBE_BASE64_H
#define KUBE_BASE64_H

#include <stddef.h>

#include "base/attr.h"

/* One line. Caller frees. */
char *base64_encode(const void *data, size_t len);
/*
 * Returns 0, or -1 when the text is not base64: a foreign character, padding that is missing or
 * misplaced, bits left over. Line breaks are skipped, as Go does. The data is NUL-terminated
 * behind its length; caller frees.
 */
int base64_decode(const char *text, size_t len, char **ret_data, size_t *ret_len) MUST_CHECK;

#endif
