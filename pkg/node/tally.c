#include "node/tally.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/attr.h"

enum family {
    STATE,
    MODE,
    SAID,
    FAMILIES
};

static const struct metric_family families[FAMILIES] = {
    [STATE] = {"yurt_steward_manifest_state",
               "1 for the state that the static pod's manifest is in.",
               METRIC_GAUGE,
               {"manifest", "state"}},
    [MODE] = {"yurt_steward_manifest_mode",
              "1 for the mode that the ConfigMap asks for.",
              METRIC_GAUGE,
              {"manifest", "mode"}},
    [SAID] = {"yurt_steward_manifest_said_total",
              "What was said of a manifest, by the reasons of Events: RolledBack is a change that "
              "did not work.",
              METRIC_COUNTER,
              {"manifest", "reason"}},
};

struct tally {
    struct process_metrics process;
    struct metrics metrics; /* of the manifests */
};

struct tally *tally_create(const char *version, const char *server)
{
    static const char *const manifests[] = {"kube-controller-manager", "kube-apiserver"};
    static const char *const reasons[] = {"Written", "Committed", "RolledBack", "Reverted"};
    struct tally *tally = xcalloc(1, sizeof(*tally));
    process_metrics_init(&tally->process, version, server);
    metrics_init(&tally->metrics, families, FAMILIES);
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        for (size_t k = 0; k < ARRAY_LEN(reasons); k++) {
            metrics_add(&tally->metrics, SAID, (const char *const[]){manifests[i], reasons[k]}, 0);
        }
    }
    return tally;
}

void tally_destroy(struct tally *tally)
{
    if (tally != NULL) {
        metrics_finish(&tally->metrics);
        process_metrics_finish(&tally->process);
        free(tally);
    }
}

void tally_request(struct tally *tally, const char *method, int http_status, int64_t duration_ms)
{
    if (tally != NULL) {
        process_metrics_request(&tally->process, method, http_status, duration_ms);
    }
}

void tally_said(struct tally *tally, const char *manifest, const char *reason)
{
    if (tally != NULL) {
        metrics_add(&tally->metrics, SAID, (const char *const[]){manifest, reason}, 1);
    }
}

void tally_stands(struct tally *tally, const char *manifest, enum standing_state state,
                  enum mode mode)
{
    if (tally == NULL) {
        return;
    }
    for (enum standing_state at = 0; at < STANDING_STATES; at++) {
        metrics_set(&tally->metrics, STATE, (const char *const[]){manifest, standing_word(at)},
                    at == state);
    }
    for (enum mode at = MODE_OBSERVE; at <= MODE_IGNORE; at++) {
        metrics_set(&tally->metrics, MODE, (const char *const[]){manifest, mode_word(at)},
                    at == mode);
    }
}

void tally_render(struct tally *tally, const struct process_metrics_now *now, struct buf *text)
{
    metrics_render(&tally->metrics, text);
    process_metrics_render(&tally->process, now, text);
}
