/*
 * What the tests of manifest edits share: rows of text before and after, also written in other
 * ways, and rows that are refused.
 */
#ifndef TEST_STATICPOD_EDIT_RIG_H
#define TEST_STATICPOD_EDIT_RIG_H

#include "staticpod/staticpod_edit.h"

/* Lines 1 to 5 of most texts: what the rows give begins in line 6. */
#define POD "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n"
/* Lines 6 to 9: the container of either component, up to its first flag. */
#define KCM "  containers:\n  - name: kcm\n    command:\n    - kube-controller-manager\n"
#define API "  containers:\n  - name: api\n    command:\n    - kube-apiserver\n"

extern const struct staticpod_wanted rig_controllers; /* nodelifecycle off */
extern const struct staticpod_wanted rig_hostname;    /* Hostname first */
extern const struct staticpod_wanted rig_authority;   /* no --kubelet-certificate-authority */
extern const struct staticpod_wanted rig_dns;         /* nameserver 1.2.3.4 */
extern const struct staticpod_wanted rig_apiserver;   /* all three */

/* The edit gives `out`, and editing that again changes nothing. */
void rig_check_edited(const struct staticpod_wanted *wanted, const char *in, const char *out);
/* As above with other line breaks, a byte order mark, no last line break, and more documents. */
void rig_check_edited_variants(const struct staticpod_wanted *wanted, const char *in,
                               const char *out);
void rig_check_as_wanted(const struct staticpod_wanted *wanted, const char *in);
/* Refused at this place, with `says` in the message. */
void rig_check_refused(const struct staticpod_wanted *wanted, const char *in, size_t in_len,
                       size_t line, size_t column, const char *says);

#endif
