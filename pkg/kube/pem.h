/*
 * PEM text (RFC 7468), as far as it can be checked without a TLS library: whether certificates
 * and keys are complete, and whether a certificate and a key belong together.
 *
 * A file that is being written while it is read must not be taken for a good one: every block
 * needs its END line, valid base64, and DER that is as long as it says.
 */
#ifndef KUBE_PEM_H
#define KUBE_PEM_H

#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
    PEM_LABEL_SIZE = 64,
    PEM_BLOCKS_MAX = 4096,
};

struct pem_block {
    char label[PEM_LABEL_SIZE]; /* "CERTIFICATE" */
    char *der;
    size_t len;
};

struct pem_blocks {
    struct pem_block *items;
    size_t count;
};

/* Text between blocks is skipped. Errors are ERR_INVALID, as a rule with the line in the text. */
int pem_read(const char *text, size_t len, struct pem_blocks *ret_blocks,
             struct err *err) MUST_CHECK;
void pem_blocks_finish(struct pem_blocks *blocks);
DEFINE_AUTO_FINISH(pem_blocks, struct pem_blocks, pem_blocks_finish)

/* One certificate at least. */
int pem_check_certificates(const char *text, size_t len, struct err *err) MUST_CHECK;
/* A private key that is not encrypted. */
int pem_check_key(const char *text, size_t len, struct err *err) MUST_CHECK;
/*
 * A certificate chain and a key, each good in itself, and the key is the first certificate's as
 * far as can be told: RSA keys hold the public key, EC keys mostly do, others do not.
 */
int pem_check_pair(const char *cert, const char *key, struct err *err) MUST_CHECK;

#endif
