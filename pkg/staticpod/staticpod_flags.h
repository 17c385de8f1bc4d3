/*
 * Flags in command and args, read as pflag reads them: `--x=v`, or `--x` and `v` as two items.
 *
 * '_' in a flag's name is '-' (component-base sets WordSepNormalizeFunc). A flag without '=' takes
 * the next item; whether some other flag takes one is not known here, so an item behind it that
 * does not begin with "--" is left alone. Pure; results borrow from the manifest.
 */
#ifndef STATICPOD_STATICPOD_FLAGS_H
#define STATICPOD_STATICPOD_FLAGS_H

#include "staticpod/staticpod_manifest.h"

/* One occurrence. */
struct staticpod_flag {
    size_t name_word;
    size_t value_word; /* the same one for --x=v */
    const char *value;
};

struct staticpod_flags {
    struct staticpod_flag *list; /* in the order of the words */
    size_t len;
};

/*
 * All occurrences of --NAME (without the dashes). Refused: what could be this flag and cannot be
 * told, such as $(VARIABLE), a missing value, and "--", which ends the flags.
 */
int staticpod_flags_find(const struct staticpod_manifest *manifest, const char *name,
                         struct staticpod_flags *ret_flags,
                         struct staticpod_refusal *refusal) MUST_CHECK;
void staticpod_flags_finish(struct staticpod_flags *flags);
DEFINE_AUTO_FINISH(staticpod_flags, struct staticpod_flags, staticpod_flags_finish)

#endif
