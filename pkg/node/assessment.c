#include "node/assessment.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "node/facts.h"
#include "node/lineage.h"

enum {
    SENTENCES_MAX = 1024
};

void assessment_finish(struct assessment *assessment)
{
    free(assessment->wanted);
    free(assessment->text);
    *assessment = (struct assessment){0};
}

static bool makes_new_pod(const struct assessment *assessment, const struct assessment_input *input)
{
    enum staticpod_component component = input->wanted.component;
    AUTO(facts) struct facts now = {0};
    AUTO(facts) struct facts then = {0};
    bool read = facts_read(input->file->bytes, input->file->len, component, &now) &&
                facts_read(assessment->wanted, assessment->len, component, &then);
    return !read || !facts_same_pod(&now, &then);
}

static void want(struct assessment *assessment, const struct assessment_input *input,
                 const char *bytes, size_t len)
{
    const struct manifest_content *file = input->file;
    assessment->wanted = xmemdup(bytes, len);
    assessment->len = len;
    assessment->differs = len != file->len || memcmp(bytes, file->bytes, len) != 0;
    assessment->restarts = assessment->differs && makes_new_pod(assessment, input);
}

static char *join(const struct staticpod_sentences *sentences)
{
    struct buf text = BUF_INIT(SENTENCES_MAX);
    for (size_t i = 0; i < sentences->len; i++) {
        buf_printf(&text, "%s%s", i > 0 ? "; " : "", sentences->list[i]);
    }
    return buf_take(&text);
}

static char *refusal_text(const struct staticpod_refusal *refusal)
{
    return refusal->line > 0 ? xasprintf("line %zu, column %zu: %s", refusal->line, refusal->column,
                                         refusal->message)
                             : xstrdup(refusal->message);
}

/*
 * What is ours already is edited anew from what was there before: an edit that is not wanted any
 * more is gone then, and another nameserver takes the place of the last one.
 */
static void edit(const struct assessment_input *input, struct assessment *assessment)
{
    const struct manifest_content *original = input->original;
    bool ours = original != NULL && lineage_is_ours(original, input->file, &input->wanted);
    const struct manifest_content *base = ours ? original : input->file;
    AUTO(staticpod_edit) struct staticpod_edit edit;
    staticpod_edit(base->bytes, base->len, &input->wanted, &edit);
    switch (edit.outcome) {
    case STATICPOD_REFUSED:
        assessment->refused = true;
        assessment->text = refusal_text(&edit.refusal);
        return;
    case STATICPOD_EDITED:
        want(assessment, input, edit.text, edit.len);
        assessment->text = join(&edit.changes);
        break;
    case STATICPOD_AS_WANTED:
        want(assessment, input, base->bytes, base->len);
        break;
    }
    assessment->untouched =
        original != NULL && lineage_is_new_original(original, input->file, &input->wanted);
}

static void put_back(const struct assessment_input *input, struct assessment *assessment)
{
    const struct manifest_content *original = input->original;
    if (original == NULL) {
        return;
    }
    if (lineage_is_ours(original, input->file, &input->wanted)) {
        want(assessment, input, original->bytes, original->len);
        assessment->text = xstrdup("what was there before the first change");
        return;
    }
    assessment->foreign = true;
    assessment->text =
        xstrdup("the manifest is not what was there before with our flags on top: it was upgraded, "
                "or somebody changed more in it. What was there before is not put over that; take "
                "our flags out by hand");
}

void assessment_make(const struct assessment_input *input, struct assessment *ret_assessment)
{
    *ret_assessment = (struct assessment){0};
    if (input->mode == MODE_REVERT) {
        put_back(input, ret_assessment);
    } else if (input->mode != MODE_IGNORE) {
        edit(input, ret_assessment);
    }
}
