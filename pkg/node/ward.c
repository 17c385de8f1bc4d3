#include "node/ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "staticpod/manifest_file.h"

enum {
    PROBE_TIMEOUT_MS = 5000,
    ASK_MS = 1000, /* between two questions while a change is verified */
};

static void probed(void *arg, bool healthy, int64_t sent_ms, const char *text)
{
    struct ward *ward = arg;
    ward->health = healthy ? TRANSACTION_HEALTHY : TRANSACTION_UNHEALTHY;
    ward->health_ms = sent_ms;
    xstr_replace(&ward->health_text, text);
    ward->ops.turn(ward->ops.arg);
}

static void mirrored(void *arg)
{
    struct ward *ward = arg;
    ward->ops.turn(ward->ops.arg);
}

void ward_init(struct ward *ward, struct loop *loop, struct kube_client *client,
               enum staticpod_component component, const struct ward_place *place,
               const struct ward_ops *ops)
{
    *ward = (struct ward){
        .component = component,
        .name = staticpod_component_name(component),
        .loop = loop,
        .place = *place,
        .ops = *ops,
        .file = xasprintf("%s.yaml", staticpod_component_name(component)),
    };
    mirror_init(&ward->mirror, loop, client, mirrored, ward);
}

void ward_finish(struct ward *ward)
{
    keeper_close(ward->keeper);
    probe_destroy(ward->probe);
    mirror_finish(&ward->mirror);
    assessment_finish(&ward->assessment);
    facts_finish(&ward->facts);
    manifest_content_destroy(ward->content);
    standing_finish(&ward->standing);
    free(ward->file);
    free(ward->trouble);
    free(ward->assessed);
    free(ward->probe_url);
    free(ward->health_text);
}

/* --- the file --- */

bool ward_is_changing(const struct ward *ward)
{
    return ward->keeper != NULL && keeper_phase(ward->keeper) != TRANSACTION_IDLE;
}

/* The journal is by the file's name. */
static void open_keeper(struct ward *ward)
{
    const struct keeper_place place = {
        .files = ward->place.files,
        .manifests = ward->place.manifests,
        .name = ward->file,
        .journals = ward->place.journals,
    };
    if (ward->keeper == NULL && keeper_open(&place, &ward->keeper, &ward->keeper_err) < 0) {
        ward->keeper = NULL;
    }
}

static void take_file_name(struct ward *ward, const char *name)
{
    if (strcmp(ward->file, name) != 0 && !ward_is_changing(ward)) {
        keeper_close(take_ptr(ward->keeper));
        xstr_replace(&ward->file, name);
    }
}

static void find_file(struct ward *ward, const struct manifest_dir *dir,
                      const struct ward_asked *asked)
{
    AUTO(staticpod_found) struct staticpod_found found;
    staticpod_find(dir->list, dir->len, &asked->wanted, &found);
    ward->present = found.manifest != NULL && found.other == NULL;
    if (found.other != NULL) {
        ward->trouble =
            xasprintf("%s and %s are both about %s, and the kubelet takes the last one of a name: "
                      "move one out of the directory",
                      found.manifest->name, found.other->name, ward->name);
    } else if (found.manifest != NULL) {
        take_file_name(ward, found.manifest->name);
    }
}

static void read_file(struct ward *ward)
{
    AUTO(manifest_seen) struct manifest_seen seen = {0};
    struct err err;
    if (manifest_file_read(ward->place.files, ward->place.manifests, ward->file, &seen, &err) < 0) {
        ward->trouble = xstrdup(err.text);
        return;
    }
    if (seen.content->len > WARD_TEXT_MAX) {
        ward->trouble = xasprintf("%s has %zu bytes, and manifests of more than %d are left alone",
                                  ward->file, seen.content->len, WARD_TEXT_MAX);
        return;
    }
    ward->content = take_ptr(seen.content);
}

/* --- what is to be done --- */

static const struct journal *journal_of(const struct ward *ward)
{
    return ward->keeper != NULL ? keeper_journal(ward->keeper) : NULL;
}

static void assess(struct ward *ward, const struct manifest_content *file,
                   const struct ward_asked *asked)
{
    const struct journal *journal = journal_of(ward);
    const struct manifest_content *original = journal != NULL ? journal->original : NULL;
    AUTO_FREE char *key =
        xasprintf("%s %s %d %s", file->digest, original != NULL ? original->digest : "-",
                  (int)asked->mode, asked->input);
    if (ward->assessed != NULL && strcmp(ward->assessed, key) == 0) {
        return;
    }
    const struct assessment_input input = {
        .mode = asked->mode, .wanted = asked->wanted, .original = original, .file = file};
    assessment_finish(&ward->assessment);
    assessment_make(&input, &ward->assessment);
    free(ward->assessed);
    ward->assessed = take_ptr(key);
}

static void aim_probe(struct ward *ward)
{
    const struct facts *facts = &ward->facts;
    bool apiserver = ward->component == STATICPOD_APISERVER;
    AUTO_FREE char *url =
        xasprintf("%s://%s:%d", facts->https ? "https" : "http", facts->host, facts->port);
    if (ward->probe_url != NULL && strcmp(ward->probe_url, url) == 0) {
        return;
    }
    const struct probe_target target = {
        .host = facts->host,
        .port = facts->port,
        .https = facts->https,
        .paths = {apiserver ? "/livez" : "/healthz", apiserver ? "/readyz" : NULL},
        .timeout_ms = PROBE_TIMEOUT_MS,
    };
    struct err err;
    probe_destroy(take_ptr(ward->probe));
    ward->health = TRANSACTION_HEALTH_UNKNOWN;
    if (probe_create(ward->loop, &target, probed, ward, &ward->probe, &err) < 0) {
        ward->health = TRANSACTION_UNHEALTHY;
        ward->health_ms = loop_now_ms(ward->loop);
        xstr_replace(&ward->health_text, err.text);
    }
    free(ward->probe_url);
    ward->probe_url = take_ptr(url);
}

/* A manifest that can't be read changes nothing: its pod is asked as before. */
static void read_facts(struct ward *ward, const struct manifest_content *file)
{
    struct facts facts;
    if (strcmp(ward->facts_of, file->digest) == 0) {
        return;
    }
    if (facts_read(file->bytes, file->len, ward->component, &facts)) {
        facts_finish(&ward->facts);
        ward->facts = facts;
        memcpy(ward->facts_of, file->digest, sizeof(ward->facts_of));
        aim_probe(ward);
    }
}

void ward_look(struct ward *ward, const struct manifest_dir *dir, const char *trouble,
               const struct ward_asked *asked)
{
    free(take_ptr(ward->trouble));
    manifest_content_destroy(take_ptr(ward->content));
    ward->present = false;
    if (dir == NULL) {
        ward->trouble = xstrdup(trouble);
    } else {
        find_file(ward, dir, asked);
    }
    open_keeper(ward);
    if (ward->present) {
        read_file(ward);
    }
    if (ward->content != NULL) {
        read_facts(ward, ward->content);
        assess(ward, ward->content, asked);
    } else {
        assessment_finish(&ward->assessment);
        free(take_ptr(ward->assessed));
    }
}

/* These bytes were rolled back, and nothing has changed since: nothing waits for a gate. */
static bool is_latched(const struct ward *ward, const struct ward_asked *asked)
{
    const struct journal_latch *latch = &journal_of(ward)->latch;
    char digest[SHA256_HEX_SIZE];
    sha256_hex(ward->assessment.wanted, ward->assessment.len, digest);
    return strcmp(latch->wanted, digest) == 0 && strcmp(latch->input, asked->input) == 0;
}

bool ward_wants_change(const struct ward *ward, const struct ward_asked *asked)
{
    return ward->keeper != NULL && !ward_is_changing(ward) && ward->assessment.differs &&
           (asked->mode == MODE_ENFORCE || asked->mode == MODE_REVERT) && !is_latched(ward, asked);
}

bool ward_is_backing_off(const struct ward *ward, int64_t now_ms)
{
    return ward->output.wait == TRANSACTION_RETRYING && now_ms < ward->output.wake_ms;
}

/* --- the component --- */

static void ask(struct ward *ward)
{
    if (ward->facts.document == NULL) {
        return; /* no manifest was ever read: there is nobody to ask */
    }
    AUTO_FREE char *pod = xasprintf("%s-%s", ward->facts.pod, ward->place.node);
    mirror_ask(&ward->mirror, ward->facts.ns, pod);
    if (ward->probe != NULL) {
        probe_send(ward->probe);
    }
}

bool ward_knows(struct ward *ward, int64_t since_ms)
{
    bool probed_since = ward->probe == NULL || (ward->health_ms > 0 && ward->health_ms >= since_ms);
    bool seen_since = ward->mirror.asked_ms > 0 && ward->mirror.asked_ms >= since_ms;
    if (probed_since && seen_since) {
        return true;
    }
    ask(ward);
    return false;
}

/* --- a turn --- */

static void look(void *arg, struct transaction_input *input)
{
    struct ward *ward = arg;
    const struct ward_asked *asked = ward->asked;
    const struct assessment *assessment = &ward->assessment;
    input->wanted = NULL;
    input->revert = asked->mode == MODE_REVERT;
    input->mirror = (struct transaction_mirror){
        .known = ward->mirror.known,
        .seen_ms = ward->mirror.asked_ms,
        .hash = mirror_hash(&ward->mirror),
        .ready = mirror_ready(&ward->mirror),
    };
    if (input->file == NULL || input->file->len > WARD_TEXT_MAX) {
        return;
    }
    read_facts(ward, input->file);
    input->budget_ms = ward->facts.budget_ms;
    input->mirror.as_intended = ward->facts.document != NULL && ward->mirror.pod != NULL &&
                                facts_match(&ward->facts, ward->mirror.pod);
    if (ward_is_changing(ward)) {
        return; /* nothing is asked in the middle of a change */
    }
    assess(ward, input->file, asked);
    if (asked->mode == MODE_ENFORCE || asked->mode == MODE_REVERT) {
        input->wanted = assessment->wanted;
        input->wanted_len = assessment->len;
    }
    input->untouched = assessment->untouched;
    input->restarts = assessment->restarts;
    if (assessment->foreign) {
        input->hold = assessment->text;
    }
}

static void tell_written(struct ward *ward)
{
    const struct journal *journal = journal_of(ward);
    const char *text = ward->assessment.text;
    AUTO_FREE char *message = xasprintf("%s: %s%s", ward->file, journal->revert ? "put back: " : "",
                                        text != NULL ? text : "as it was");
    ward->ops.happened(ward->ops.arg, false, "Written", message);
}

static void happened(void *arg, enum transaction_event event, const char *text)
{
    struct ward *ward = arg;
    const char *what = *text != '\0' ? text : "healthy with it";
    AUTO_FREE char *message = xasprintf("%s: %s", ward->file, what);
    bool warning = true;
    switch (event) {
    case TRANSACTION_QUIET:
        return;
    case TRANSACTION_WRITTEN:
        tell_written(ward);
        return;
    case TRANSACTION_COMMITTED:
    case TRANSACTION_REVERTED:
    case TRANSACTION_RESUMED:
    case TRANSACTION_DROPPED:
        warning = false;
        break;
    default:
        break;
    }
    ward->ops.happened(ward->ops.arg, warning, transaction_event_name(event), message);
}

int64_t ward_turn(struct ward *ward, const struct ward_asked *asked, const char *hold,
                  int64_t now_ms)
{
    const struct keeper_caller caller = {.look = look, .event = happened, .arg = ward};
    struct transaction_input input = {
        .input = asked->input,
        .hold = hold,
        .budget_ms = ward->facts.budget_ms,
        .soak_ms = asked->soak_ms,
        .health = ward->health,
        .health_ms = ward->health_ms,
        .health_text = ward->health_text,
    };
    ward->output = (struct transaction_output){.wake_ms = INT64_MAX};
    if (ward->keeper == NULL || (!ward->present && !ward_is_changing(ward))) {
        return INT64_MAX;
    }
    ward->asked = asked;
    keeper_turn(ward->keeper, &input, &caller, now_ms, &ward->output);
    ward->asked = NULL;
    int64_t wake_ms = ward->output.wake_ms;
    if (ward->output.probe) {
        if (now_ms >= ward->ask_ms) {
            ward->ask_ms = now_ms + ASK_MS;
            ask(ward);
        }
        wake_ms = ward->ask_ms < wake_ms ? ward->ask_ms : wake_ms;
    }
    return wake_ms;
}
