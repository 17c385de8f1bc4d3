#include "dns/message.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>
#include <strings.h>

enum {
    FLAG_RECURSION_DESIRED = 0x0100,
    COUNT_OFFSET = 4, /* of QDCOUNT in the header */
};

int dns_message_query(const char *name, uint16_t id, uint8_t ret_message[DNS_MESSAGE_MAX],
                      struct err *err)
{
    uint8_t message[DNS_MESSAGE_MAX] = {0};
    uint8_t *at = message + NS_HFIXEDSZ;
    int width = dn_comp(name, at, DNS_MESSAGE_MAX - NS_HFIXEDSZ - NS_QFIXEDSZ, NULL, NULL);
    if (width < 0) {
        return err_set(err, ERR_INVALID, "\"%s\" is no DNS name", name);
    }
    ns_put16(id, message);
    ns_put16(FLAG_RECURSION_DESIRED, message + 2);
    ns_put16(1, message + COUNT_OFFSET);
    at += width;
    ns_put16(ns_t_a, at);
    ns_put16(ns_c_in, at + 2);
    memcpy(ret_message, message, sizeof(message));
    return (int)(at + NS_QFIXEDSZ - message);
}

/* The only question of a message. */
static int question(const uint8_t *message, size_t len, ns_msg *ret_parsed, ns_rr *ret_question)
{
    if (len > DNS_MESSAGE_MAX || ns_initparse(message, (int)len, ret_parsed) < 0 ||
        ns_msg_count(*ret_parsed, ns_s_qd) != 1) {
        return -1;
    }
    return ns_parserr(ret_parsed, ns_s_qd, 0, ret_question);
}

int dns_message_answer(const uint8_t *message, size_t len, const uint8_t *query, size_t query_len)
{
    ns_msg answer;
    ns_msg asked;
    ns_rr answered;
    ns_rr wanted;
    if (question(query, query_len, &asked, &wanted) < 0 ||
        question(message, len, &answer, &answered) < 0) {
        return -1;
    }
    if (ns_msg_id(answer) != ns_msg_id(asked) || ns_msg_getflag(answer, ns_f_qr) != 1 ||
        ns_rr_type(answered) != ns_rr_type(wanted) ||
        ns_rr_class(answered) != ns_rr_class(wanted) ||
        strcasecmp(ns_rr_name(answered), ns_rr_name(wanted)) != 0) {
        return -1;
    }
    return (int)ns_msg_getflag(answer, ns_f_rcode);
}
