/*
 * Whether a manifest is what was there before with nothing but edits of ours on top. Pure.
 *
 * Only then may the one take the other's place: what kubeadm wrote for a new version, or a person
 * changed beside our flags, must not be lost by putting back what was there before.
 */
#ifndef NODE_LINEAGE_H
#define NODE_LINEAGE_H

#include <stdbool.h>

#include "staticpod/manifest_content.h"
#include "staticpod/staticpod_edit.h"

/* `wanted` has the component and the cluster's domain; which edits are made, does not matter. */
bool lineage_is_ours(const struct manifest_content *original, const struct manifest_content *file,
                     const struct staticpod_wanted *wanted);

/*
 * Whether the file is to be remembered as what was there before, in the place of `original`: it is
 * not ours, and is of another version (another image), or bears none of the wanted edits that
 * the original lacked.
 */
bool lineage_is_new_original(const struct manifest_content *original,
                             const struct manifest_content *file,
                             const struct staticpod_wanted *wanted);

#endif
