#include "kube/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
    const unsigned char *in = data;
    char *out = xmalloc((len + 2) / 3 * 4 + 1);
    char *end = out;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= left > 2 ? in[i + 2] : 0;
        *end++ = alphabet[bits >> 18];
        *end++ = alphabet[bits >> 12 & 63];
        *end++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *end++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *end = '\0';
    return out;
}

struct decoder {
    char *out;
    size_t len;
    uint32_t bits;    /* of the group that is being read */
    unsigned figures; /* read of that group, padding included: 0 to 3 */
    unsigned padding; /* '=' seen; nothing but padding may follow */
};

static int finish_group(struct decoder *decoder)
{
    unsigned bytes = 3 - decoder->padding;
    if ((decoder->bits & ((UINT32_C(1) << (8 * decoder->padding)) - 1)) != 0) {
        return -1;
    }
    for (unsigned i = 0; i < bytes; i++) {
        decoder->out[decoder->len++] = (char)(decoder->bits >> (16 - 8 * i) & 255);
    }
    decoder->bits = 0;
    decoder->figures = 0;
    return 0;
}

static int take_figure(struct decoder *decoder, char c)
{
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    bool complete = decoder->padding != 0 && decoder->figures == 0;
    if (c == '=' && decoder->figures >= 2 && !complete) {
        decoder->padding++;
    } else if (at == NULL || decoder->padding != 0) {
        return -1;
    }
    decoder->bits = decoder->bits << 6 | (at != NULL ? (uint32_t)(at - alphabet) : 0);
    decoder->figures++;
    return decoder->figures == 4 ? finish_group(decoder) : 0;
}

int base64_decode(const char *text, size_t len, char **ret_data, size_t *ret_len)
{
    AUTO_FREE char *out = xmalloc(len / 4 * 3 + 4);
    struct decoder decoder = {.out = out};
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\n' && text[i] != '\r' && take_figure(&decoder, text[i]) < 0) {
            return -1;
        }
    }
    if (decoder.figures != 0) {
        return -1;
    }
    out[decoder.len] = '\0';
    *ret_data = take_ptr(out);
    *ret_len = decoder.len;
    return 0;
}
