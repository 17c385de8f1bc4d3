#include "kube/pem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kube/keypair.h"
#include "unit/unit.h"

#define FIXTURES "test/fixtures/kubeconfig/"

static char *fixture(const char *name)
{
    AUTO_FREE char *path = xasprintf(FIXTURES "%s", name);
    return unit_read_file(path, NULL);
}

static const char *const certificates[] = {
    "ca.crt",
    "client-ec.crt",
    "client-rsa.crt",
    "client-ed25519.crt",
};

START_TEST(certificates_are_complete)
{
    AUTO_FREE char *text = fixture(certificates[_i]);
    struct err err = {0};
    ck_assert_msg(pem_check_certificates(text, strlen(text), &err) == 0, "%s", err.text);
}
END_TEST

/* A file that is being written: no beginning of it is good until all of the block is there. */
START_TEST(no_beginning_is_complete)
{
    AUTO_FREE char *text = fixture("client-ec.crt");
    size_t len = strlen(text);
    for (size_t i = 0; i < len - 1; i++) {
        struct err err = {0};
        ck_assert_msg(pem_check_certificates(text, i, &err) == -1, "the first %zu bytes", i);
        ck_assert_int_eq(err.kind, ERR_INVALID);
    }
    ck_assert_int_eq(pem_check_certificates(text, len - 1, NULL), 0); /* but for the line break */
}
END_TEST

#define BODY "MAMCAQE=\n" /* SEQUENCE { INTEGER 1 } */
#define CERT "-----BEGIN CERTIFICATE-----\n" BODY "-----END CERTIFICATE-----\n"

static const struct {
    const char *text;
    const char *wanted; /* NULL: good */
} texts[] = {
    {CERT, NULL},
    {"comment: x\n" CERT "\nmore text\n" CERT, NULL},
    {"-----BEGIN CERTIFICATE-----\r\n" BODY "-----END CERTIFICATE-----\r\n", NULL},
    {"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" CERT, NULL},
    {"", "holds no PEM certificate"},
    {"-----BEGIN X-----\n" BODY "-----END X-----\n", "holds no PEM certificate"},
    {CERT "-----BEGIN CERTIFICATE-----\n" BODY, "line 4: BEGIN CERTIFICATE without its END"},
    {CERT "-----BEG", "line 4: not a BEGIN line"},
    {CERT "-----BEGIN -----\n", "line 4: not a BEGIN line"},
    {"-----END CERTIFICATE-----\n", "line 1: not a BEGIN line"},
    {"-----BEGIN CERTIFICATE-----\n" CERT, "line 1: BEGIN CERTIFICATE without its END"},
    {"-----BEGIN CERTIFICATE-----\n" BODY "-----END X-----\n",
     "line 3: END X closes BEGIN CERTIFICATE"},
    {"-----BEGIN CERTIFICATE-----\nMAMCAQE\n-----END CERTIFICATE-----\n",
     "line 1: the block CERTIFICATE is not valid base64"},
    {"-----BEGIN CERTIFICATE-----\nMAMC\n-----END CERTIFICATE-----\n",
     "line 1: the block CERTIFICATE is cut short or not DER"},
    {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
     "line 1: the block CERTIFICATE is cut short or not DER"},
    {"-----BEGIN CERTIFICATE-----\nMAMCAQEA\n-----END CERTIFICATE-----\n",
     "line 1: the block CERTIFICATE is cut short or not DER"},
    {"-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----\n",
     "line 1: the block CERTIFICATE is cut short or not DER"},
    {"\n-----BEGIN CERTIFICATE-----\nA: b\n\n" BODY "-----END CERTIFICATE-----\n",
     "line 3: PEM headers (an encrypted key?) are not supported"},
};

START_TEST(text_is_checked)
{
    struct err err = {0};
    int result = pem_check_certificates(texts[_i].text, strlen(texts[_i].text), &err);
    ck_assert_str_eq(err.text, texts[_i].wanted != NULL ? texts[_i].wanted : "");
    ck_assert_int_eq(result, texts[_i].wanted != NULL ? -1 : 0);
}
END_TEST

START_TEST(nul_is_refused)
{
    struct err err = {0};
    ck_assert_int_eq(pem_check_certificates(CERT, sizeof(CERT), &err), -1);
    ck_assert_str_eq(err.text, "not PEM text: holds a NUL byte");
}
END_TEST

START_TEST(label_that_is_too_long)
{
    char text[200];
    struct err err = {0};
    memset(text, 'A', sizeof(text));
    memcpy(text, "-----BEGIN ", 11);
    memcpy(text + sizeof(text) - 5, "-----", 5);
    ck_assert_int_eq(pem_check_certificates(text, sizeof(text), &err), -1);
    ck_assert_str_eq(err.text, "line 1: not a BEGIN line");
}
END_TEST

static const struct {
    const char *name;
    const char *wanted; /* NULL: good */
} keys[] = {
    {"client-rsa.key", NULL},
    {"client-rsa-pkcs1.key", NULL},
    {"client-ec.key", NULL},
    {"client-sec1.key", NULL},
    {"client-ed25519.key", NULL},
    {"ca.crt", "holds no PEM private key"},
    {"client-encrypted.key", "the private key is encrypted; decrypt it first"},
    {"client-encrypted-legacy.key", "line 2: PEM headers (an encrypted key?) are not supported"},
};

START_TEST(keys_are_checked)
{
    AUTO_FREE char *text = fixture(keys[_i].name);
    struct err err = {0};
    int result = pem_check_key(text, strlen(text), &err);
    ck_assert_str_eq(err.text, keys[_i].wanted != NULL ? keys[_i].wanted : "");
    ck_assert_int_eq(result, keys[_i].wanted != NULL ? -1 : 0);
}
END_TEST

static const struct {
    const char *cert;
    const char *key;
    enum keypair_match match;
} pairs[] = {
    {"client-rsa.crt", "client-rsa.key", KEYPAIR_MATCH},
    {"client-rsa.crt", "client-rsa-pkcs1.key", KEYPAIR_MATCH},
    {"client-ec.crt", "client-ec.key", KEYPAIR_MATCH},
    {"client-sec1.crt", "client-sec1.key", KEYPAIR_MATCH},
    {"client-ec.crt", "client-sec1.key", KEYPAIR_MISMATCH},
    {"client-sec1.crt", "client-ec.key", KEYPAIR_MISMATCH},
    {"client-rsa.crt", "client-ec.key", KEYPAIR_MISMATCH},
    {"client-ec.crt", "client-rsa-pkcs1.key", KEYPAIR_MISMATCH},
    {"client-ed25519.crt", "client-ec.key", KEYPAIR_MISMATCH},
    {"client-ec.crt", "client-ed25519.key", KEYPAIR_MISMATCH},
    /* these keys do not hold their public key */
    {"client-ed25519.crt", "client-ed25519.key", KEYPAIR_UNKNOWN},
    {"client-ec.crt", "client-ec-nopublic.key", KEYPAIR_UNKNOWN},
};

START_TEST(pairs_are_told_apart)
{
    AUTO_FREE char *cert = fixture(pairs[_i].cert);
    AUTO_FREE char *key = fixture(pairs[_i].key);
    struct err err = {0};
    int result = pem_check_pair(cert, key, &err);
    bool good = pairs[_i].match != KEYPAIR_MISMATCH;
    ck_assert_str_eq(err.text, good ? "" : "the private key is not the certificate's");
    ck_assert_int_eq(result, good ? 0 : -1);
}
END_TEST

/* Which of the good ones were really compared. */
START_TEST(pairs_are_compared)
{
    AUTO_FREE char *cert = fixture(pairs[_i].cert);
    AUTO_FREE char *key = fixture(pairs[_i].key);
    AUTO(pem_blocks) struct pem_blocks certs = {0};
    AUTO(pem_blocks) struct pem_blocks all_keys = {0};
    ck_assert_int_eq(pem_read(cert, strlen(cert), &certs, NULL), 0);
    ck_assert_int_eq(pem_read(key, strlen(key), &all_keys, NULL), 0);
    const struct pem_block *last = &all_keys.items[all_keys.count - 1];
    ck_assert_int_eq(keypair_match(&certs.items[0], last), pairs[_i].match);
}
END_TEST

/* Every byte of certificate and key damaged in turn: nothing is read that is not there. */
START_TEST(damage_is_survived)
{
    AUTO_FREE char *cert = fixture(pairs[_i].cert);
    AUTO_FREE char *key = fixture(pairs[_i].key);
    AUTO(pem_blocks) struct pem_blocks certs = {0};
    AUTO(pem_blocks) struct pem_blocks all_keys = {0};
    ck_assert_int_eq(pem_read(cert, strlen(cert), &certs, NULL), 0);
    ck_assert_int_eq(pem_read(key, strlen(key), &all_keys, NULL), 0);
    struct pem_block *last = &all_keys.items[all_keys.count - 1];
    struct pem_block *blocks[] = {&certs.items[0], last};
    unsigned unknown = 0;
    for (size_t b = 0; b < ARRAY_LEN(blocks); b++) {
        for (size_t i = 0; i < blocks[b]->len; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                blocks[b]->der[i] = (char)(blocks[b]->der[i] ^ 1 << bit);
                unknown += keypair_match(&certs.items[0], last) == KEYPAIR_UNKNOWN;
                blocks[b]->der[i] = (char)(blocks[b]->der[i] ^ 1 << bit);
            }
        }
    }
    ck_assert_uint_gt(unknown, 0);
    ck_assert_int_eq(keypair_match(&certs.items[0], last), pairs[_i].match);
}
END_TEST

START_TEST(pair_says_which_is_wrong)
{
    AUTO_FREE char *cert = fixture("client-ec.crt");
    AUTO_FREE char *key = fixture("client-ec.key");
    struct err err = {0};
    ck_assert_int_eq(pem_check_pair("-----BEGIN", key, &err), -1);
    ck_assert_str_eq(err.text, "certificate: line 1: not a BEGIN line");
    ck_assert_int_eq(pem_check_pair(cert, "-----BEGIN", &err), -1);
    ck_assert_str_eq(err.text, "key: line 1: not a BEGIN line");
    ck_assert_int_eq(pem_check_pair(key, key, &err), -1);
    ck_assert_str_eq(err.text, "holds no PEM certificate");
    ck_assert_int_eq(pem_check_pair(cert, cert, &err), -1);
    ck_assert_str_eq(err.text, "holds no PEM private key");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("pem");
    TCase *all = tcase_create("pem");
    tcase_add_loop_test(all, certificates_are_complete, 0, (int)ARRAY_LEN(certificates));
    tcase_add_test(all, no_beginning_is_complete);
    tcase_add_loop_test(all, text_is_checked, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(all, nul_is_refused);
    tcase_add_test(all, label_that_is_too_long);
    tcase_add_loop_test(all, keys_are_checked, 0, (int)ARRAY_LEN(keys));
    tcase_add_loop_test(all, pairs_are_told_apart, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(all, pairs_are_compared, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(all, damage_is_survived, 0, (int)ARRAY_LEN(pairs));
    tcase_add_test(all, pair_says_which_is_wrong);
    suite_add_tcase(suite, all);
    return suite;
}

int main(void)
{
    return unit_main(suite());
}
