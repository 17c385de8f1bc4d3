/*
 * Asks a DNS server, over UDP, whether it serves: one question, an answer or none in time.
 *
 * This is a probe of one server, not a resolver: nothing is cached and resolv.conf is not read.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include "base/err.h"
#include "loop/loop.h"

enum dns_result {
    DNS_ANSWERED, /* NOERROR or NXDOMAIN: it serves */
    DNS_FAILED,   /* it answered with something else, SERVFAIL or REFUSED say */
    DNS_SILENT,   /* no answer in time: it does not serve, or can't be reached from here */
};

enum {
    DNS_PORT = 53
};

struct dns_question {
    const char *address; /* of the server: IPv4 or IPv6, in figures */
    uint16_t port;
    const char *name;    /* whose A records are asked for */
    int64_t deadline_ms; /* the question is sent again after a third of it, UDP may lose it */
};

struct dns_query;

/*
 * Calls `done` exactly once, from the loop and never from within the call, unless the query is
 * destroyed before. The query is gone once `done` was called. Fails (ERR_INVALID) on an address or
 * name that is none, and (ERR_RETRY) when there is no socket to be had.
 */
int dns_ask(struct loop *loop, const struct dns_question *question,
            void (*done)(void *arg, enum dns_result result), void *arg,
            struct dns_query **ret_query, struct err *err) MUST_CHECK;
void dns_query_destroy(struct dns_query *query);

#endif
