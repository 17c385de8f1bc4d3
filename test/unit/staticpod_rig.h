/*
 * A control-plane node for the tests of a static pod's transaction: a keeper on some files, a
 * kubelet that takes up whatever the manifest says at once, and a clock.
 *
 * A manifest that holds the word "broken" never becomes healthy.
 */
#ifndef TEST_UNIT_STATICPOD_RIG_H
#define TEST_UNIT_STATICPOD_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "staticpod/keeper.h"

#define RIG_NAME "kube-apiserver.yaml"
#define RIG_STAGED ".kube-apiserver.yaml.yurt-steward"

enum {
    RIG_BUDGET_MS = 2000,
    RIG_SOAK_MS = 1000,
};

struct staticpod_rig {
    struct files files;
    const char *manifests;
    const char *journals;
    struct keeper *keeper; /* NULL: not open */
    struct transaction_input input;
    struct transaction_output output; /* of the last turn */
    int64_t now_ms;
    unsigned events;         /* a bit for each that happened */
    char text[ERR_TEXT_MAX]; /* of the last one that has any */
    struct err open_err;
    /* The manifest as the kubelet sees it; NULL: none. Mandatory; caller frees. */
    char *(*peek)(void *arg);
    void *arg;
};

/* Asks for `wanted`; `peek` and the places are to be set. */
void staticpod_rig_init(struct staticpod_rig *rig, const struct file_ops *ops, void *ops_arg);
void staticpod_rig_finish(struct staticpod_rig *rig);
void staticpod_rig_want(struct staticpod_rig *rig, const char *text);
/* The agent ends without a word. */
void staticpod_rig_kill(struct staticpod_rig *rig);
/* One turn, a second later. False: the keeper could not be opened. */
bool staticpod_rig_turn(struct staticpod_rig *rig);
/* Turns until nothing is left to do, or `ended` (may be NULL) is set; else the test fails. */
void staticpod_rig_settle(struct staticpod_rig *rig, const bool *ended);
bool staticpod_rig_happened(const struct staticpod_rig *rig, enum transaction_event event);

/* A manifest of several lines that says `word`. Caller frees. */
char *staticpod_rig_manifest(const char *word);

#endif
