/*
 * The mirror pod of a static pod, asked for by name: what the API server shows of what the kubelet
 * runs.
 */
#ifndef NODE_MIRROR_H
#define NODE_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "kube/client.h"

/* Read by its owner, written here. */
struct mirror {
    struct loop *loop;
    struct kube_client *client;
    void (*answered)(void *arg);
    void *arg;
    uint64_t request;        /* under way; 0: none */
    bool known;              /* the last question was answered */
    int64_t asked_ms;        /* monotonic, of that question; 0: none was answered or failed yet */
    int64_t sent_ms;         /* of the one under way */
    struct json_object *pod; /* with `known`; NULL: there is none */
    struct err err;          /* without */
};

/* `answered` runs on the loop after each answer, or failure. */
void mirror_init(struct mirror *mirror, struct loop *loop, struct kube_client *client,
                 void (*answered)(void *arg), void *arg);
void mirror_finish(struct mirror *mirror);
/* Nothing while a question is under way. */
void mirror_ask(struct mirror *mirror, const char *ns, const char *pod);

/* The annotation kubernetes.io/config.hash; NULL: none. */
const char *mirror_hash(const struct mirror *mirror);
bool mirror_ready(const struct mirror *mirror);

#endif
