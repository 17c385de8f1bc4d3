/*
 * The places that need DNS of their own (a node pool, or the nodes that are in none), what serves
 * it there, and what the servers say when they are asked.
 *
 * First the nodes are put in, then every pod that serves is offered to its place; then each place
 * is asked, and knows.
 */
#ifndef ADJUST_DNS_PLACES_H
#define ADJUST_DNS_PLACES_H

#include "adjust/names.h"
#include "base/strmap.h"
#include "control/plan.h"
#include "control/snapshot.h"
#include "kube/node.h"
#include "kube/pod.h"

/* What the nodes in no pool are called; no label value has parentheses. */
#define DNS_PLACE_NO_POOL "(no pool)"

struct dns_place {
    size_t live;           /* nodes that are alive; a place without is offline and counts nowhere */
    size_t ready;          /* pods that should serve: by whoever fills the places */
    size_t offered;        /* pods that serve as endpoints */
    size_t good;           /* those of them that do not answer with errors */
    const struct pod *bad; /* a pod that does not serve; NULL: none was seen */
    const char *why;       /* what is the matter with it */
    bool answered;         /* one that was asked lately answered */
    bool answered_before;  /* one that was asked at any time did */
    size_t silent;         /* asked lately without an answer */
    bool silent_before;    /* … at any time */
    const char *ask;       /* address of the next one to be asked; NULL: none */
    const char *ask_bad;   /* address of one that failed and may do better now; NULL: none */
};

enum dns_verdict {
    DNS_VERDICT_ANSWERS, /* or can't be asked at all, and is judged by its pods */
    DNS_VERDICT_SILENT,  /* can't be reached from here: judged by its pods */
    DNS_VERDICT_ASKED,   /* not known yet */
    DNS_VERDICT_FAILS,   /* every server there answers with an error */
};

enum {
    DNS_FAILED_AGAIN_MS = 10 * 1000, /* when a server that failed is asked again */
    DNS_AGAIN_MS = 60 * 1000,        /* and any other one */
};

struct dns_places {
    struct strmap map; /* name to struct dns_place */
};

void dns_places_init(struct dns_places *places);
void dns_places_finish(struct dns_places *places);
DEFINE_AUTO_FINISH(dns_places, struct dns_places, dns_places_finish)

/* Whether DNS has to be there on the node: OpenYurt runs neither CoreDNS nor kube-proxy on nodes of
 * a host-network pool, and CoreDNS does not run on Windows. */
bool dns_node_counts(const struct node *node);
/* The place of the node; made when it is new. */
struct dns_place *dns_place_of(struct dns_places *places, const struct node *node);
/* A pod that serves there as an endpoint. */
void dns_place_offer(struct dns_place *place, const struct snapshot *seen, const struct pod *pod,
                     int64_t now_ms);
/*
 * Has the place's DNS asked where that is not known of late. One server that answers, or two that
 * do not, are enough; the next one is asked when one failed.
 */
enum dns_verdict dns_place_ask(const struct dns_place *place, const struct snapshot *seen,
                               struct plan *plan);
/* Names the places that could not be asked, if any, in one note. */
void dns_places_say_silent(struct names *silent, struct plan *plan);

#endif
