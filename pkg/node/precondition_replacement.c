/* Who takes over from nodelifecycle in kube-controller-manager. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "node/precondition.h"
#include "node/precondition_flags.h"
#include "json/json.h"

const char *const precondition_replacement_names[] = {"yurt-manager", "yurt-controller-manager",
                                                      NULL};

enum {
    VERSION_UNKNOWN = -1, /* else 106 for 1.6 */
    VERSION_LAST_UNASKED = 105,
    VERSION_LAST_KNOWN = 107, /* it is to be removed some day (openyurt #2246) */
};

/* From the least to the most that a Deployment does for the cluster. */
enum standing {
    STANDING_ABSENT,
    STANDING_OFF,
    STANDING_UNKNOWN,
    STANDING_NOT_READY,
    STANDING_RUNS,
};

struct candidate {
    enum standing standing;
    char *what; /* "Deployment kube-system/yurt-manager (openyurt/yurt-manager:v1.7.0)" */
    char *why;  /* it is not running nodelifecycle, or that is not known */
};

static void candidate_finish(struct candidate *candidate)
{
    free(candidate->what);
    free(candidate->why);
    *candidate = (struct candidate){0};
}
DEFINE_AUTO_FINISH(candidate, struct candidate, candidate_finish)

/* --- what a Deployment runs --- */

/* The v1.6.0 of "registry:5000/openyurt/yurt-manager:v1.6.0@sha256:…". */
static int image_version(const char *image)
{
    const char *slash = strrchr(image, '/');
    const char *name = slash != NULL ? slash + 1 : image;
    const char *colon = strchr(name, ':');
    const char *at = strchr(name, '@');
    if (colon == NULL || (at != NULL && at < colon)) {
        return VERSION_UNKNOWN;
    }
    const char *text = colon[1] == 'v' ? colon + 2 : colon + 1;
    size_t major = strspn(text, "0123456789");
    if (major == 0 || major > 3 || text[major] != '.') {
        return VERSION_UNKNOWN;
    }
    size_t minor = strspn(text + major + 1, "0123456789");
    const char *end = text + major + 1 + minor;
    if (minor == 0 || minor > 2 || (*end != '\0' && strchr(".-+_@", *end) == NULL)) {
        return VERSION_UNKNOWN;
    }
    return 100 * atoi(text) + atoi(text + major + 1);
}

enum enabled {
    ENABLED_NO,
    ENABLED_BY_STAR,
    ENABLED_BY_NAME,
};

static bool is_element(const char *element, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(element, word, len) == 0;
}

/* In yurt-manager nodelifecycle is an alias of node-life-cycle-controller. */
static bool is_nodelifecycle(const char *element, size_t len)
{
    return is_element(element, len, "nodelifecycle") ||
           is_element(element, len, "node-life-cycle-controller");
}

/* As IsControllerEnabled: the first that names it decides, "*" is for what is not named. */
static enum enabled evaluate(const struct precondition_flags *flags)
{
    bool star = flags->len == 0; /* the default */
    for (size_t i = 0; i < flags->len; i++) {
        for (const char *at = flags->values[i];; at++) {
            size_t len = strcspn(at, ",");
            if (is_nodelifecycle(at, len)) {
                return ENABLED_BY_NAME;
            }
            if (len > 0 && *at == '-' && is_nodelifecycle(at + 1, len - 1)) {
                return ENABLED_NO;
            }
            star |= is_element(at, len, "*");
            at += len;
            if (*at == '\0') {
                break;
            }
        }
    }
    return star ? ENABLED_BY_STAR : ENABLED_NO;
}

static bool has_none(int version)
{
    return version == 102 || version == 103;
}

/* Whether "*" stands for it, and what counts without the flag. */
static bool star_has_it(int version, bool flag_given)
{
    return version != VERSION_UNKNOWN &&
           version <= (flag_given ? VERSION_LAST_KNOWN : VERSION_LAST_UNASKED);
}

static void judge(const struct json_object *container, int version, struct candidate *candidate)
{
    AUTO(precondition_flags) struct precondition_flags flags;
    precondition_flags_find(container, "controllers", &flags);
    enum enabled enabled = evaluate(&flags);
    if (has_none(version)) {
        candidate->standing = STANDING_OFF;
        candidate->why = xstrdup("of this version has no nodelifecycle");
    } else if (flags.doubtful) {
        candidate->standing = STANDING_UNKNOWN;
        candidate->why = xstrdup("may have --controllers where it is not seen");
    } else if (enabled == ENABLED_NO) {
        candidate->standing = STANDING_OFF;
        candidate->why = xasprintf("has nodelifecycle off (--controllers=%.200s)", flags.values[0]);
    } else if (enabled == ENABLED_BY_STAR && !star_has_it(version, flags.len > 0)) {
        candidate->standing = STANDING_UNKNOWN;
        candidate->why = xstrdup("does not name nodelifecycle in --controllers, and whether its "
                                 "version runs it unasked is not known");
    } else {
        candidate->standing = STANDING_RUNS;
    }
}

static void look_at(const struct json_object *deployment, const char *program,
                    struct candidate *candidate)
{
    const struct json_object *spec = json_get(deployment, "spec/template/spec");
    const struct json_object *container = precondition_container(spec, program);
    const char *image = json_get_str_or(container, "image", "no container of that name");
    candidate->what = xasprintf("Deployment %.63s/%.63s (%.200s)",
                                json_get_str_or(deployment, "metadata/namespace", ""),
                                json_get_str_or(deployment, "metadata/name", ""), image);
    if (container == NULL) {
        candidate->standing = STANDING_UNKNOWN;
        candidate->why = xasprintf("has no container that runs %s", program);
        return;
    }
    judge(container, image_version(image), candidate);
    if (candidate->standing == STANDING_RUNS &&
        json_get_int(deployment, "status/availableReplicas", 0) < 1) {
        candidate->standing = STANDING_NOT_READY;
        candidate->why = xstrdup("has no available pod");
    }
}

/* By its name, or by the label of a release that was given another; NULL: it is none of them. */
static const char *program_of(const struct json_object *deployment)
{
    static const char *const places[] = {"metadata/name",
                                         "metadata/labels/app.kubernetes.io~1name"};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        for (const char *const *name = precondition_replacement_names; *name != NULL; name++) {
            if (strcmp(json_get_str_or(deployment, places[i], ""), *name) == 0) {
                return *name;
            }
        }
    }
    return NULL;
}

/* The one of them that does most; of equals the first. */
static void choose(const struct json_object *deployments, struct candidate *best)
{
    for (size_t i = 0; i < json_array_len(deployments); i++) {
        const struct json_object *deployment = json_array_at(deployments, i);
        const char *program = program_of(deployment);
        AUTO(candidate) struct candidate candidate = {0};
        if (program == NULL) {
            continue;
        }
        look_at(deployment, program, &candidate);
        if (candidate.standing > best->standing) {
            candidate_finish(best);
            *best = candidate;
            candidate = (struct candidate){0};
        }
    }
}

/* --- what is said --- */

static const char *reason_of(const struct candidate *best, bool off_already)
{
    if (best->standing == STANDING_NOT_READY) {
        return "ReplacementNotReady";
    }
    if (best->standing == STANDING_UNKNOWN) {
        return "ReplacementUnknown";
    }
    return off_already ? "NoNodeLifecycle" : "NoReplacement";
}

static const char *advice_of(const struct candidate *best, bool off_already)
{
    if (best->standing == STANDING_NOT_READY) {
        return "See why its pods are not available";
    }
    if (best->standing == STANDING_UNKNOWN) {
        return "Name nodelifecycle or -nodelifecycle in its --controllers, or set "
               "kube-controller-manager.replacement: Ignore";
    }
    return off_already ? "Set kube-controller-manager: Revert, or take -nodelifecycle out of "
                         "--controllers of kube-controller-manager, or have OpenYurt run it"
                       : "Since 1.6 OpenYurt leaves it to kube-controller-manager: set "
                         "kube-controller-manager: Ignore; or have OpenYurt run it, or set "
                         "kube-controller-manager.replacement: Ignore";
}

void precondition_replacement(const struct precondition_replacement_input *input,
                              struct precondition *verdict)
{
    AUTO(candidate) struct candidate best = {0};
    choose(input->deployments, &best);
    if (best.standing == STANDING_RUNS) {
        return;
    }
    AUTO_FREE char *who = best.standing == STANDING_ABSENT
                              ? xstrdup("there is no Deployment yurt-manager or "
                                        "yurt-controller-manager to run it")
                              : xasprintf("%s %s", best.what, best.why);
    precondition_say(verdict, input->required ? PRECONDITION_HELD : PRECONDITION_OPEN, true,
                     reason_of(&best, input->off_already), "%s: %s. %s",
                     input->off_already
                         ? "nodelifecycle is off in kube-controller-manager, and unless somebody "
                           "runs it, dead nodes stay Ready"
                         : "with nodelifecycle off in kube-controller-manager dead nodes would "
                           "stay Ready",
                     who, advice_of(&best, input->off_already));
}
