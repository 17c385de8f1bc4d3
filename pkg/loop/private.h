/*
 * What loop.c shares with child.c. Not for other packages.
 */
#ifndef LOOP_PRIVATE_H
#define LOOP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct ev_loop;

struct loop {
    struct ev_loop *ev;
    uint64_t random;            /* state of the generator, never 0 */
    bool stopping;              /* loop_stop() was called, loop_run() has not returned since */
    struct loop_child *orphans; /* killed and given up by their owners, not reaped yet */
};

/* Frees the orphans, reaping those that have ended. */
void loop_child_finish_orphans(struct loop *loop);

#endif
