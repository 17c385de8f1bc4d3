/* How a manifest stands, from what its transaction says and what is asked. Pure. */
#include "node/ward.h"

/* In the middle of a change. */
static void judge_change(const struct ward *ward, struct standing *standing)
{
    enum transaction_phase phase = keeper_phase(ward->keeper);
    bool back = phase == TRANSACTION_ROLLING_BACK || phase == TRANSACTION_RESTORING;
    const char *text = ward->output.text;
    const char *health = ward->health_text != NULL ? ward->health_text : "";
    enum transaction_wait wait = ward->output.wait;
    standing_set(standing, back ? STANDING_ROLLING_BACK : STANDING_CHANGING,
                 wait != TRANSACTION_GOES_ON ? transaction_wait_name(wait)
                                             : transaction_phase_name(phase),
                 "%s", *text != '\0' ? text : health);
    standing->quiet = wait == TRANSACTION_GOES_ON; /* its events say it */
    standing->warning = true;
}

/* What keeps it from being looked at. */
static bool judge_trouble(const struct ward *ward, struct standing *standing)
{
    standing->warning = true;
    if (ward->trouble != NULL) {
        standing_set(standing, STANDING_REFUSED, ward->present ? "Unreadable" : "Unclear", "%s",
                     ward->trouble);
    } else if (!ward->present) {
        standing->warning = false;
        standing_set(standing, STANDING_NOT_APPLICABLE, "ManifestMissing", "no file in %s runs %s",
                     ward->place.manifests, ward->name);
    } else if (ward->keeper == NULL) {
        standing_set(standing, STANDING_REFUSED, "JournalUnusable", "%s", ward->keeper_err.text);
    } else if (ward->assessment.refused) {
        standing_set(standing, STANDING_REFUSED, "Refused", "%s: %s; nothing was written",
                     ward->file, ward->assessment.text);
    } else if (ward->assessment.foreign) {
        standing_set(standing, STANDING_HELD, "Foreign", "%s: %s", ward->file,
                     ward->assessment.text);
    } else {
        standing->warning = false;
        return false;
    }
    return true;
}

static void judge_drift(const struct ward *ward, const struct precondition *verdict,
                        struct standing *standing)
{
    const char *text = ward->assessment.text;
    bool held = verdict != NULL && verdict->state == PRECONDITION_HELD;
    standing_set(standing, STANDING_DRIFT, "Drift", "%s: if enforced, %s%s%s", ward->file,
                 text != NULL ? text : "it would be put back", held ? "; held then: " : "",
                 held ? verdict->message : "");
}

static void judge_wait(const struct ward *ward, const struct precondition *verdict,
                       struct standing *standing)
{
    const char *text = ward->output.text;
    standing->warning = true;
    switch (ward->output.wait) {
    case TRANSACTION_LATCHED:
        standing_set(standing, STANDING_ROLLED_BACK, "RolledBack",
                     "%s; it is tried again when the manifest or what is asked for changes", text);
        break;
    case TRANSACTION_HELD:
        standing->warning = verdict != NULL && verdict->warning;
        standing_set(standing, STANDING_HELD,
                     verdict != NULL && verdict->reason != NULL ? verdict->reason : "Held", "%s",
                     text);
        break;
    default:
        standing_set(standing, STANDING_HELD, transaction_wait_name(ward->output.wait), "%s", text);
        break;
    }
}

static void judge_rest(const struct ward_asked *asked, const struct precondition *verdict,
                       struct standing *standing)
{
    if (asked->mode == MODE_REVERT) {
        standing_set(standing, STANDING_REVERTED, "Reverted",
                     "no change of ours is there to be put back");
        return;
    }
    bool said = verdict != NULL && verdict->reason != NULL;
    standing->warning = said && verdict->warning;
    standing_set(standing, STANDING_IN_FORCE, said ? verdict->reason : "InForce", "%s",
                 said ? verdict->message : "");
}

void ward_judge(const struct ward *ward, const struct ward_asked *asked,
                const struct precondition *verdict, struct standing *ret_standing)
{
    if (ward_is_changing(ward)) {
        judge_change(ward, ret_standing);
    } else if (asked->mode == MODE_IGNORE) {
        standing_set(ret_standing, STANDING_IGNORED, "Ignored", "%s", "");
    } else if (judge_trouble(ward, ret_standing)) {
        return;
    } else if (verdict != NULL && verdict->state == PRECONDITION_NOT_APPLICABLE) {
        standing_set(ret_standing, STANDING_NOT_APPLICABLE, verdict->reason, "%s",
                     verdict->message);
    } else if (asked->mode == MODE_OBSERVE && ward->assessment.differs) {
        judge_drift(ward, verdict, ret_standing);
    } else if (ward->output.wait != TRANSACTION_GOES_ON) {
        judge_wait(ward, verdict, ret_standing);
    } else {
        judge_rest(asked, verdict, ret_standing);
    }
}
