#include "staticpod/staticpod_sentences.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"

void staticpod_say(struct staticpod_sentences *sentences, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sentences->list = xreallocarray(sentences->list, sentences->len + 1, sizeof(*sentences->list));
    sentences->list[sentences->len++] = xvasprintf(format, args);
    va_end(args);
}

void staticpod_sentences_finish(struct staticpod_sentences *sentences)
{
    for (size_t i = 0; i < sentences->len; i++) {
        free(sentences->list[i]);
    }
    free(sentences->list);
    *sentences = (struct staticpod_sentences){0};
}
