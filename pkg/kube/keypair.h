/*
 * Whether a private key is the one of a certificate, told from the public key that both hold.
 *
 * Certificate: RFC 5280; keys: RFC 8017 A.1.2 (RSA), RFC 5915 (EC), RFC 5958 (PKCS #8).
 */
#ifndef KUBE_KEYPAIR_H
#define KUBE_KEYPAIR_H

#include "kube/pem.h"

enum keypair_match {
    KEYPAIR_MATCH,
    KEYPAIR_MISMATCH,
    KEYPAIR_UNKNOWN, /* the key holds no public key, or one of them is of another kind */
};

enum keypair_match keypair_match(const struct pem_block *cert, const struct pem_block *key);

#endif
