#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "dns/message.h"
#include "unit.h"

static const char name[] = "kubernetes.default.svc.cluster.local";

/* The query for `name` turned into an answer with this code. */
static size_t make_answer(int code, uint8_t ret_query[DNS_MESSAGE_MAX], size_t *ret_query_len,
                          uint8_t ret_answer[DNS_MESSAGE_MAX])
{
    struct err err;
    int len = dns_message_query(name, 0x1234, ret_query, &err);
    ck_assert_int_gt(len, 0);
    *ret_query_len = (size_t)len;
    memcpy(ret_answer, ret_query, DNS_MESSAGE_MAX);
    ret_answer[2] |= 0x80;
    ret_answer[3] = (uint8_t)code;
    return (size_t)len;
}

START_TEST(query_is_as_rfc_1035_has_it)
{
    static const uint8_t expected[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                      "\x01"
                                      "a\x02"
                                      "bc\x00\x00\x01\x00\x01";
    uint8_t message[DNS_MESSAGE_MAX];
    struct err err;
    ck_assert_int_eq(dns_message_query("a.bc", 0x1234, message, &err), sizeof(expected) - 1);
    ck_assert_mem_eq(message, expected, sizeof(expected) - 1);
    ck_assert_int_eq(dns_message_query("a.bc.", 0x1234, message, &err), sizeof(expected) - 1);
}
END_TEST

START_TEST(name_that_is_none_is_refused)
{
    char label[80];
    uint8_t message[DNS_MESSAGE_MAX] = {7};
    struct err err;
    memset(label, 'a', sizeof(label) - 1);
    label[sizeof(label) - 1] = '\0';
    ck_assert_int_eq(dns_message_query(label, 1, message, &err), -1);
    ck_assert_int_eq(err.kind, ERR_INVALID);
    ck_assert_int_eq(message[0], 7);
}
END_TEST

START_TEST(codes_are_told)
{
    static const int codes[] = {0, 2, 3, 5};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        uint8_t query[DNS_MESSAGE_MAX];
        uint8_t answer[DNS_MESSAGE_MAX];
        size_t query_len;
        size_t len = make_answer(codes[i], query, &query_len, answer);
        ck_assert_int_eq(dns_message_answer(answer, len, query, query_len), codes[i]);
    }
}
END_TEST

START_TEST(case_of_the_name_does_not_matter)
{
    uint8_t query[DNS_MESSAGE_MAX];
    uint8_t answer[DNS_MESSAGE_MAX];
    size_t query_len;
    size_t len = make_answer(0, query, &query_len, answer);
    answer[13] = 'K';
    ck_assert_int_eq(dns_message_answer(answer, len, query, query_len), 0);
}
END_TEST

/* Every byte of the header's id and of the question counts, as does every truncation. */
START_TEST(what_is_no_answer_is_not_taken_for_one)
{
    uint8_t query[DNS_MESSAGE_MAX];
    uint8_t answer[DNS_MESSAGE_MAX];
    size_t query_len;
    size_t len = make_answer(0, query, &query_len, answer);
    ck_assert_int_eq(dns_message_answer(query, query_len, query, query_len), -1);
    for (size_t i = 0; i < len; i++) {
        uint8_t changed[DNS_MESSAGE_MAX];
        ck_assert_int_eq(dns_message_answer(answer, i, query, query_len), -1);
        memcpy(changed, answer, sizeof(changed));
        changed[i] ^= 0x05;
        if (i < 2 || i >= 12) {
            ck_assert_int_eq(dns_message_answer(changed, len, query, query_len), -1);
        }
    }
    ck_assert_int_eq(dns_message_answer(answer, DNS_MESSAGE_MAX + 1, query, query_len), -1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dns_message");
    TCase *c = tcase_create("dns_message");
    tcase_add_test(c, query_is_as_rfc_1035_has_it);
    tcase_add_test(c, name_that_is_none_is_refused);
    tcase_add_test(c, codes_are_told);
    tcase_add_test(c, case_of_the_name_does_not_matter);
    tcase_add_test(c, what_is_no_answer_is_not_taken_for_one);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return unit_main(suite());
}
