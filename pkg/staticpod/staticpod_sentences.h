/*
 * What an edit does, as sentences for people: "--x=y is removed". Owned.
 */
#ifndef STATICPOD_STATICPOD_SENTENCES_H
#define STATICPOD_STATICPOD_SENTENCES_H

#include <stddef.h>

#include "base/attr.h"
#include "base/cleanup.h"

struct staticpod_sentences {
    char **list;
    size_t len;
};

void staticpod_say(struct staticpod_sentences *sentences, const char *format, ...)
    PRINTF_LIKE(2, 3);
void staticpod_sentences_finish(struct staticpod_sentences *sentences);
DEFINE_AUTO_FINISH(staticpod_sentences, struct staticpod_sentences, staticpod_sentences_finish)

#endif
