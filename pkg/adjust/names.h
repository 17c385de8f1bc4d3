/*
 * A list of names for a message: the first few, then how many more there are.
 */
#ifndef ADJUST_NAMES_H
#define ADJUST_NAMES_H

#include <stddef.h>

#include "base/buf.h"

enum {
    NAMES_SHOWN = 10
};

struct names {
    struct buf text;
    size_t count;
};

#define NAMES_INIT ((struct names){.text = BUF_INIT(4096)})

void names_add(struct names *names, const char *name);
/* "a, b and 3 more"; borrowed until the next call. */
const char *names_text(struct names *names);
void names_finish(struct names *names);
DEFINE_AUTO_FINISH(names, struct names, names_finish)

#endif
