/*
 * What the tests of the reflector on the loop share: a client of one scripted API server
 * (kube_rig.h), a store, and reflectors of ConfigMaps in namespace default.
 */
#ifndef TEST_UNIT_REFLECTOR_RIG_H
#define TEST_UNIT_REFLECTOR_RIG_H

#include <stdbool.h>

#include "kube/reflector.h"
#include "unit/kube_rig.h"

enum {
    RIG_LIMIT_MS = 10000,
};

struct reflector_rig {
    struct kube_rig kube;
    struct store *store;
    struct reflector *reflector;
    int changes;
    const char *wanted_name; /* for rig_has_value() */
    const char *wanted_value;
};

void rig_begin(struct reflector_rig *f, const char *name);
/* Objects whose data.value is "unreadable" have no projection. `name` NULL: all objects. */
void rig_reflect(struct reflector_rig *f, const char *name, bool list_only);
void rig_end(struct reflector_rig *f);

/* For kube_rig_until(), with the rig. */
bool rig_is_watching(void *arg);
bool rig_has_value(void *arg);

void rig_await_watching(struct reflector_rig *f);
/* Runs until the object has the value (NULL: is absent); returns how long that took. */
int64_t rig_await_value(struct reflector_rig *f, const char *name, const char *value);
/* The requests for the collection since the last look, divided by '|'. */
void rig_expect_log(const struct reflector_rig *f, const char *wanted);
struct reflector_health rig_health(const struct reflector_rig *f);

/* A command to the peer whose answer is of no interest. */
#define rig_tell(...) free(fakepeer_ask(__VA_ARGS__))

#endif
