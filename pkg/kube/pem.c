#include "kube/pem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "kube/base64.h"
#include "kube/der.h"
#include "kube/keypair.h"

/* One line of the text, without its end. */
struct line {
    const char *start;
    size_t len;
    size_t number;
};

struct reader {
    const char *at;
    const char *end;
    size_t number;
};

static bool next_line(struct reader *reader, struct line *ret_line)
{
    if (reader->at == reader->end) {
        return false;
    }
    size_t left = (size_t)(reader->end - reader->at);
    const char *stop = memchr(reader->at, '\n', left);
    size_t len = stop != NULL ? (size_t)(stop - reader->at) : left;
    *ret_line = (struct line){.start = reader->at, .len = len, .number = ++reader->number};
    reader->at += stop != NULL ? len + 1 : len;
    while (ret_line->len != 0 && strchr("\r \t", ret_line->start[ret_line->len - 1]) != NULL) {
        ret_line->len--;
    }
    return true;
}

/* Whether the line is "-----BEGIN LABEL-----" (or END). */
static bool is_boundary(const struct line *line, const char *word, char label[PEM_LABEL_SIZE])
{
    static const char dashes[] = "-----";
    size_t head = strlen(dashes) + strlen(word) + 1;
    size_t tail = strlen(dashes);
    if (line->len < head + tail || memcmp(line->start, dashes, tail) != 0 ||
        memcmp(line->start + tail, word, strlen(word)) != 0 || line->start[head - 1] != ' ' ||
        memcmp(line->start + line->len - tail, dashes, tail) != 0) {
        return false;
    }
    size_t len = line->len - head - tail;
    if (len == 0 || len >= PEM_LABEL_SIZE || memchr(line->start + head, '\0', len) != NULL) {
        return false;
    }
    memcpy(label, line->start + head, len);
    label[len] = '\0';
    return true;
}

static bool starts_with_dashes(const struct line *line)
{
    return line->len >= 5 && memcmp(line->start, "-----", 5) == 0;
}

/* Collects the base64 up to the END line. */
static int read_body(struct reader *reader, const struct line *begin, const char *label,
                     struct buf *body, struct err *err)
{
    struct line line;
    char closing[PEM_LABEL_SIZE];
    while (next_line(reader, &line)) {
        if (is_boundary(&line, "END", closing)) {
            return strcmp(label, closing) == 0
                       ? 0
                       : err_set(err, ERR_INVALID, "line %zu: END %s closes BEGIN %s", line.number,
                                 closing, label);
        }
        if (starts_with_dashes(&line)) {
            break;
        }
        if (memchr(line.start, ':', line.len) != NULL) {
            return err_set(err, ERR_INVALID,
                           "line %zu: PEM headers (an encrypted key?) are not supported",
                           line.number);
        }
        buf_append(body, line.start, line.len);
        buf_append(body, "\n", 1);
    }
    return err_set(err, ERR_INVALID, "line %zu: BEGIN %s without its END", begin->number, label);
}

static int read_block(struct reader *reader, const struct line *begin, struct pem_block *block,
                      struct err *err)
{
    AUTO(buf) struct buf body = BUF_INIT(SIZE_MAX / 2);
    AUTO_FREE char *der = NULL;
    size_t len;
    if (read_body(reader, begin, block->label, &body, err) < 0) {
        return -1;
    }
    if (base64_decode(buf_str(&body), body.len, &der, &len) < 0) {
        return err_set(err, ERR_INVALID, "line %zu: the block %s is not valid base64",
                       begin->number, block->label);
    }
    if (!der_is_complete(der, len)) {
        return err_set(err, ERR_INVALID, "line %zu: the block %s is cut short or not DER",
                       begin->number, block->label);
    }
    block->der = take_ptr(der);
    block->len = len;
    return 0;
}

static int read_blocks(struct reader *reader, struct pem_blocks *blocks, struct err *err)
{
    struct line line;
    while (next_line(reader, &line)) {
        struct pem_block block = {0};
        if (!starts_with_dashes(&line)) {
            continue;
        }
        if (!is_boundary(&line, "BEGIN", block.label)) {
            return err_set(err, ERR_INVALID, "line %zu: not a BEGIN line", line.number);
        }
        if (blocks->count == PEM_BLOCKS_MAX) {
            return err_set(err, ERR_INVALID, "line %zu: over %d PEM blocks", line.number,
                           PEM_BLOCKS_MAX);
        }
        if (read_block(reader, &line, &block, err) < 0) {
            return -1;
        }
        blocks->items = xreallocarray(blocks->items, blocks->count + 1, sizeof(*blocks->items));
        blocks->items[blocks->count++] = block;
    }
    return 0;
}

int pem_read(const char *text, size_t len, struct pem_blocks *ret_blocks, struct err *err)
{
    AUTO(pem_blocks) struct pem_blocks blocks = {0};
    struct reader reader = {.at = text, .end = text + len};
    if (memchr(text, '\0', len) != NULL) {
        return err_set(err, ERR_INVALID, "not PEM text: holds a NUL byte");
    }
    if (read_blocks(&reader, &blocks, err) < 0) {
        return -1;
    }
    *ret_blocks = blocks;
    blocks = (struct pem_blocks){0};
    return 0;
}

void pem_blocks_finish(struct pem_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        free(blocks->items[i].der);
    }
    free(blocks->items);
    *blocks = (struct pem_blocks){0};
}

static const struct pem_block *find_certificate(const struct pem_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (strcmp(blocks->items[i].label, "CERTIFICATE") == 0) {
            return &blocks->items[i];
        }
    }
    return NULL;
}

/* "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY". */
static const struct pem_block *find_key(const struct pem_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        const char *end = strstr(blocks->items[i].label, "PRIVATE KEY");
        if (end != NULL && strcmp(end, "PRIVATE KEY") == 0) {
            return &blocks->items[i];
        }
    }
    return NULL;
}

static int no_certificate(struct err *err)
{
    return err_set(err, ERR_INVALID, "holds no PEM certificate");
}

static int check_key_block(const struct pem_block *key, struct err *err)
{
    if (key == NULL) {
        return err_set(err, ERR_INVALID, "holds no PEM private key");
    }
    if (strncmp(key->label, "ENCRYPTED", strlen("ENCRYPTED")) == 0) {
        return err_set(err, ERR_INVALID, "the private key is encrypted; decrypt it first");
    }
    return 0;
}

int pem_check_certificates(const char *text, size_t len, struct err *err)
{
    AUTO(pem_blocks) struct pem_blocks blocks = {0};
    if (pem_read(text, len, &blocks, err) < 0) {
        return -1;
    }
    return find_certificate(&blocks) != NULL ? 0 : no_certificate(err);
}

int pem_check_key(const char *text, size_t len, struct err *err)
{
    AUTO(pem_blocks) struct pem_blocks blocks = {0};
    if (pem_read(text, len, &blocks, err) < 0) {
        return -1;
    }
    return check_key_block(find_key(&blocks), err);
}

int pem_check_pair(const char *cert, const char *key, struct err *err)
{
    AUTO(pem_blocks) struct pem_blocks cert_blocks = {0};
    AUTO(pem_blocks) struct pem_blocks key_blocks = {0};
    if (pem_read(cert, strlen(cert), &cert_blocks, err) < 0) {
        return err_wrap(err, "certificate");
    }
    if (pem_read(key, strlen(key), &key_blocks, err) < 0) {
        return err_wrap(err, "key");
    }
    const struct pem_block *leaf = find_certificate(&cert_blocks);
    const struct pem_block *own = find_key(&key_blocks);
    if (leaf == NULL) {
        return no_certificate(err);
    }
    if (check_key_block(own, err) < 0) {
        return -1;
    }
    if (keypair_match(leaf, own) == KEYPAIR_MISMATCH) {
        return err_set(err, ERR_INVALID, "the private key is not the certificate's");
    }
    return 0;
}
