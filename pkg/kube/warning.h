/*
 * Warning headers of the API server (KEP-1693): each text once.
 *
 * What was seen is bounded: when too many different texts came, it starts anew, and a text may be
 * told again.
 */
#ifndef KUBE_WARNING_H
#define KUBE_WARNING_H

#include "base/strmap.h"

struct warnings {
    struct strmap seen; /* text to nothing */
};

void warnings_init(struct warnings *warnings);
void warnings_finish(struct warnings *warnings);
/*
 * The text of a header `299 agent "text"` that was not seen before, else NULL. Caller frees.
 */
char *warnings_take_new(struct warnings *warnings, const char *header);

#endif
