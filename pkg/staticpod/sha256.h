/*
 * SHA-256 (FIPS 180-4), so that what a journal says about a manifest can be compared with what
 * sha256sum says. Pure.
 */
#ifndef STATICPOD_SHA256_H
#define STATICPOD_SHA256_H

#include <stddef.h>

enum {
    SHA256_HEX_SIZE = 65 /* 64 digits in lower case and the NUL */
};

void sha256_hex(const void *data, size_t len, char out[SHA256_HEX_SIZE]);

#endif
