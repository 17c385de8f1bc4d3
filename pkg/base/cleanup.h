/*
 * Release at end of scope. The only place that spells the compiler's cleanup attribute.
 *
 *     AUTO_FREE char *path = xasprintf(...);
 *     AUTO(buf) struct buf text = {0};        // calls buf_auto(&text)
 *
 * A type takes part with DEFINE_AUTO_FINISH (embedded objects) or DEFINE_AUTO_DESTROY (heap
 * objects) behind its declarations. take_ptr() hands a variable's object on and leaves NULL.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>

static inline void cleanup_free(void *slot)
{
    free(*(void **)slot);
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO(name) __attribute__((cleanup(name##_auto)))

#define DEFINE_AUTO_FINISH(name, type, finish)                                                     \
    static inline void name##_auto(type *object)                                                   \
    {                                                                                              \
        finish(object);                                                                            \
    }
#define DEFINE_AUTO_DESTROY(name, type, destroy)                                                   \
    static inline void name##_auto(type **slot)                                                    \
    {                                                                                              \
        destroy(*slot);                                                                            \
    }

#define take_ptr(slot)                                                                             \
    (__extension__({                                                                               \
        __typeof__(slot) taken_ = (slot);                                                          \
        (slot) = NULL;                                                                             \
        taken_;                                                                                    \
    }))

#endif
