#include "base/utf8.h"

static bool continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length by lead byte, and the range its second byte must be in. */
static size_t lead(unsigned char byte, unsigned char *ret_low, unsigned char *ret_high)
{
    *ret_low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    *ret_high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    if (byte < 0x80) {
        return 1;
    }
    if (byte >= 0xc2 && byte <= 0xdf) {
        return 2;
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        return 3;
    }
    return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
}

size_t utf8_sequence_len(const char *text, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (len == 0) {
        return 0;
    }
    unsigned char low;
    unsigned char high;
    size_t width = lead(bytes[0], &low, &high);
    if (width == 0 || width > len) {
        return 0;
    }
    if (width > 1 && (bytes[1] < low || bytes[1] > high)) {
        return 0;
    }
    for (size_t i = 2; i < width; i++) {
        if (!continuation(bytes[i])) {
            return 0;
        }
    }
    return width;
}

bool utf8_valid(const char *text, size_t len, size_t *ret_bad)
{
    for (size_t i = 0; i < len;) {
        size_t width = utf8_sequence_len(text + i, len - i);
        if (width == 0) {
            if (ret_bad != NULL) {
                *ret_bad = i;
            }
            return false;
        }
        i += width;
    }
    return true;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    size_t cut = max;
    while (cut > 0 && continuation((unsigned char)text[cut])) {
        cut--;
    }
    return cut;
}
