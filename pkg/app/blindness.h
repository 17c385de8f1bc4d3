/*
 * Says what the operator cannot see: an input that the server refuses to list or watch. Without
 * it, decisions rest on what was seen last, or are not made at all; the user would have to guess.
 *
 * Looks every few seconds and says it once: when it was so at two looks in a row, so that what
 * heals by itself stays unsaid. A server that is away is no matter of one input (client.h says it).
 */
#ifndef APP_BLINDNESS_H
#define APP_BLINDNESS_H

#include "app/cluster.h"

struct blindness;

/* `say` is mandatory. `cluster` and `loop` are borrowed and must outlive it. */
struct blindness *blindness_create(struct loop *loop, struct cluster *cluster,
                                   void (*say)(void *arg, bool warning, const char *reason,
                                               const char *message),
                                   void *arg);
void blindness_destroy(struct blindness *blindness);
DEFINE_AUTO_DESTROY(blindness, struct blindness, blindness_destroy)

#endif
