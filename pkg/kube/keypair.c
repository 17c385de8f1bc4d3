#include "kube/keypair.h"

#include <string.h>

#include "kube/der.h"

enum algorithm {
    ALGORITHM_OTHER,
    ALGORITHM_RSA,
    ALGORITHM_EC,
};

struct public_key {
    enum algorithm algorithm;
    struct der bytes; /* RSA: the modulus; EC: the point; empty: not there */
};

static const unsigned char oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const unsigned char oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

static bool is_oid(const struct der *oid, const unsigned char *wanted, size_t len)
{
    return oid->len == len && memcmp(oid->at, wanted, len) == 0;
}

/* AlgorithmIdentifier. */
static bool take_algorithm(struct der *from, enum algorithm *ret_algorithm)
{
    struct der identifier;
    struct der oid;
    if (!der_take(from, DER_SEQUENCE, &identifier) || !der_take(&identifier, DER_OID, &oid)) {
        return false;
    }
    *ret_algorithm = is_oid(&oid, oid_rsa, sizeof(oid_rsa)) ? ALGORITHM_RSA
                     : is_oid(&oid, oid_ec, sizeof(oid_ec)) ? ALGORITHM_EC
                                                            : ALGORITHM_OTHER;
    return true;
}

/* A BIT STRING of whole bytes. */
static bool take_bits(struct der *from, struct der *ret_bytes)
{
    struct der bits;
    if (!der_take(from, DER_BIT_STRING, &bits) || bits.len == 0) {
        return false;
    }
    *ret_bytes = (struct der){.at = bits.at + 1, .len = bits.len - 1};
    return true;
}

/* SubjectPublicKeyInfo. */
static bool read_public_info(struct der info, struct public_key *ret_public)
{
    struct der bits;
    if (!take_algorithm(&info, &ret_public->algorithm) || !take_bits(&info, &bits)) {
        return false;
    }
    if (ret_public->algorithm != ALGORITHM_RSA) {
        ret_public->bytes = bits;
        return true;
    }
    struct der rsa;
    return der_take(&bits, DER_SEQUENCE, &rsa) && der_take(&rsa, DER_INTEGER, &ret_public->bytes);
}

static bool read_certificate(const struct pem_block *block, struct public_key *ret_public)
{
    struct der all = {.at = (const unsigned char *)block->der, .len = block->len};
    struct der certificate;
    struct der signed_part;
    struct der info;
    if (!der_take(&all, DER_SEQUENCE, &certificate) ||
        !der_take(&certificate, DER_SEQUENCE, &signed_part)) {
        return false;
    }
    der_skip_optional(&signed_part, DER_CONTEXT_0);
    return der_take(&signed_part, DER_INTEGER, NULL) &&  /* serialNumber */
           der_take(&signed_part, DER_SEQUENCE, NULL) && /* signature */
           der_take(&signed_part, DER_SEQUENCE, NULL) && /* issuer */
           der_take(&signed_part, DER_SEQUENCE, NULL) && /* validity */
           der_take(&signed_part, DER_SEQUENCE, NULL) && /* subject */
           der_take(&signed_part, DER_SEQUENCE, &info) && read_public_info(info, ret_public);
}

static bool read_rsa_key(struct der from, struct public_key *ret_public)
{
    struct der key;
    ret_public->algorithm = ALGORITHM_RSA;
    return der_take(&from, DER_SEQUENCE, &key) && der_take(&key, DER_INTEGER, NULL) &&
           der_take(&key, DER_INTEGER, &ret_public->bytes);
}

static bool read_ec_key(struct der from, struct public_key *ret_public)
{
    struct der key;
    struct der wrapper;
    ret_public->algorithm = ALGORITHM_EC;
    if (!der_take(&from, DER_SEQUENCE, &key) || !der_take(&key, DER_INTEGER, NULL) ||
        !der_take(&key, DER_OCTET_STRING, NULL)) {
        return false;
    }
    der_skip_optional(&key, DER_CONTEXT_0);
    return !der_take(&key, DER_CONTEXT_1, &wrapper) || take_bits(&wrapper, &ret_public->bytes);
}

static bool read_pkcs8_key(struct der from, struct public_key *ret_public)
{
    struct der key;
    struct der inner;
    if (!der_take(&from, DER_SEQUENCE, &key) || !der_take(&key, DER_INTEGER, NULL) ||
        !take_algorithm(&key, &ret_public->algorithm) ||
        !der_take(&key, DER_OCTET_STRING, &inner)) {
        return false;
    }
    switch (ret_public->algorithm) {
    case ALGORITHM_RSA:
        return read_rsa_key(inner, ret_public);
    case ALGORITHM_EC:
        return read_ec_key(inner, ret_public);
    case ALGORITHM_OTHER:
        break;
    }
    return true;
}

static bool read_key(const struct pem_block *block, struct public_key *ret_public)
{
    struct der all = {.at = (const unsigned char *)block->der, .len = block->len};
    if (strcmp(block->label, "RSA PRIVATE KEY") == 0) {
        return read_rsa_key(all, ret_public);
    }
    if (strcmp(block->label, "EC PRIVATE KEY") == 0) {
        return read_ec_key(all, ret_public);
    }
    return strcmp(block->label, "PRIVATE KEY") == 0 && read_pkcs8_key(all, ret_public);
}

enum keypair_match keypair_match(const struct pem_block *cert, const struct pem_block *key)
{
    struct public_key theirs = {0};
    struct public_key ours = {0};
    if (!read_certificate(cert, &theirs) || !read_key(key, &ours)) {
        return KEYPAIR_UNKNOWN;
    }
    if (theirs.algorithm != ours.algorithm) {
        return KEYPAIR_MISMATCH;
    }
    if (theirs.algorithm == ALGORITHM_OTHER || theirs.bytes.len == 0 || ours.bytes.len == 0) {
        return KEYPAIR_UNKNOWN;
    }
    bool same = theirs.bytes.len == ours.bytes.len &&
                memcmp(theirs.bytes.at, ours.bytes.at, ours.bytes.len) == 0;
    return same ? KEYPAIR_MATCH : KEYPAIR_MISMATCH;
}
