/*
 * What is to be done to one manifest, as it is now: the bytes that it should have, and what is
 * known of them. Pure.
 */
#ifndef NODE_ASSESSMENT_H
#define NODE_ASSESSMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "adjust/policy.h"
#include "base/cleanup.h"
#include "staticpod/manifest_content.h"
#include "staticpod/staticpod_edit.h"

struct assessment_input {
    enum mode mode;
    struct staticpod_wanted wanted;
    const struct manifest_content *original; /* from before our first change; NULL: none is kept */
    const struct manifest_content *file;
};

/* Owned. */
struct assessment {
    bool refused;   /* the edit: `text` says why; write nothing */
    bool foreign;   /* Revert: others changed it too, `text` says so; write nothing */
    char *wanted;   /* NULL: it may stay as it is; else the bytes that it should have */
    size_t len;     /* of wanted */
    bool differs;   /* the file has not those bytes */
    bool restarts;  /* they make a new pod */
    bool untouched; /* the file is a new original */
    char *text;     /* else what is changed, for people; NULL: nothing */
};

void assessment_make(const struct assessment_input *input, struct assessment *ret_assessment);
void assessment_finish(struct assessment *assessment);
DEFINE_AUTO_FINISH(assessment, struct assessment, assessment_finish)

#endif
