/*
 * What the tests of the reflector on the loop share: a client of one scripted API server
 * (kube_rig.h), a store, and reflectors of ConfigMaps in namespace default.
 *
 * They wait for conditions, as long as that takes; how fast things are is for the tests of the
 * pure machines, which have a clock of their own.
 */
#ifndef TEST_UNIT_REFLECTOR_RIG_H
#define TEST_UNIT_REFLECTOR_RIG_H

#include <stdbool.h>

#include "kube/reflector.h"
#include "unit/kube_rig.h"

struct reflector_rig {
    struct kube_rig kube;
    struct store *store;
    struct reflector *reflector;
    int changes;
    const char *wanted_name; /* for rig_has_value() */
    const char *wanted_value;
    const char *wanted_log; /* for rig_has_log() */
};

void rig_begin(struct reflector_rig *f, const char *name);
/* On a loop that is borrowed: several rigs at a time. */
void rig_begin_on(struct reflector_rig *f, struct loop *loop, const char *name);
/* Objects whose data.value is "unreadable" have no projection. `name` NULL: all objects. */
void rig_reflect(struct reflector_rig *f, const char *name, bool list_only);
void rig_end(struct reflector_rig *f);

/* Runs the loop until `holds` is true, which may ask the peer; fails after a minute. */
void rig_await(struct reflector_rig *f, bool (*holds)(void *arg), void *arg, const char *what);

/* Conditions, with the rig. */
bool rig_is_watching(void *arg);
bool rig_has_value(void *arg);
bool rig_has_error(void *arg);
bool rig_has_log(void *arg);
/* The client has found out that the server is away. */
bool rig_is_lost(void *arg);

void rig_await_watching(struct reflector_rig *f);
/* Runs until the object has the value (NULL: is absent). */
void rig_await_value(struct reflector_rig *f, const char *name, const char *value);
/* Runs until these are the requests for the collection since the start, divided by '|'. */
void rig_await_log(struct reflector_rig *f, const char *wanted);
/* The server stops and loses all connections, and somebody notices; runs until that is certain. */
void rig_stop_server(struct reflector_rig *f);
struct reflector_health rig_health(const struct reflector_rig *f);

/* A command to the peer whose answer is of no interest. */
#define rig_tell(...) free(fakepeer_ask(__VA_ARGS__))

#endif
