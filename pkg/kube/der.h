/*
 * Just enough DER (ITU-T X.690) to walk into certificates and keys. Pieces borrow from the data.
 */
#ifndef KUBE_DER_H
#define KUBE_DER_H

#include <stdbool.h>
#include <stddef.h>

enum der_tag {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0xa0,
    DER_CONTEXT_1 = 0xa1,
};

/* What is left to read of a value's content. */
struct der {
    const unsigned char *at;
    size_t len;
};

/* Whether the data is one value that ends where it says. */
bool der_is_complete(const void *data, size_t len);
/* Takes the next value off `from` when it has this tag; ret_content (may be NULL) is inside it. */
bool der_take(struct der *from, enum der_tag tag, struct der *ret_content);
/* Takes the next value off when it has this tag; one that has another is left. */
void der_skip_optional(struct der *from, enum der_tag tag);

#endif
