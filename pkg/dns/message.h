/*
 * DNS messages, as far as asking whether a server serves needs them: one question out, the code of
 * one answer in (RFC 1035 section 4). Over glibc's resolver library. Pure.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    DNS_MESSAGE_MAX = 512 /* RFC 1035 section 4.2.1, without EDNS */
};

/*
 * Writes a query for the A records of `name` (absolute, a final dot may be left out). Returns its
 * length; -1 (ERR_INVALID) when the name is none.
 */
int dns_message_query(const char *name, uint16_t id, uint8_t ret_message[DNS_MESSAGE_MAX],
                      struct err *err) MUST_CHECK;

/*
 * Whether `message` answers the query with this id and this question. Returns the response code
 * (RFC 1035: 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED), or -1: it is no answer to that.
 */
int dns_message_answer(const uint8_t *message, size_t len, const uint8_t *query, size_t query_len);

#endif
