#include "staticpod/journal.h"

#include <string.h>

#include "base/alloc.h"
#include "json/json.h"

static const char *const phase_words[] = {
    [JOURNAL_IDLE] = "Idle",
    [JOURNAL_PENDING] = "Pending",
    [JOURNAL_ROLLING_BACK] = "RollingBack",
};

void journal_clear_latch(struct journal *journal)
{
    free(journal->latch.input);
    free(journal->latch.why);
    journal->latch = (struct journal_latch){0};
}

void journal_set_latch(struct journal *journal, const char *wanted, const char *input,
                       const char *why)
{
    struct journal_latch latch = {.input = xstrdup(input), .why = xstrdup(why)};
    memcpy(latch.wanted, wanted, SHA256_HEX_SIZE);
    journal_clear_latch(journal);
    journal->latch = latch;
}

void journal_end_change(struct journal *journal)
{
    manifest_content_destroy(take_ptr(journal->previous));
    manifest_content_destroy(take_ptr(journal->written));
    xstr_replace(&journal->hash_before, NULL);
    xstr_replace(&journal->input, NULL);
    journal->phase = JOURNAL_IDLE;
    journal->revert = false;
    journal->restarts = false;
    journal->budget_ms = 0;
    journal->soak_ms = 0;
    journal->resumed = 0;
}

void journal_finish(struct journal *journal)
{
    journal_end_change(journal);
    journal_clear_latch(journal);
    manifest_content_destroy(journal->original);
    *journal = (struct journal){0};
}

bool journal_is_digest(const char *text)
{
    return strlen(text) == SHA256_HEX_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

/* --- to text --- */

static void set_optional(struct json_object *object, const char *name, const char *value)
{
    if (value != NULL && *value != '\0') {
        json_set_str(object, name, value);
    }
}

static void set_content(struct json_object *body, const char *name,
                        const struct manifest_content *content)
{
    if (content == NULL) {
        return;
    }
    struct json_object *object = json_ensure_object(body, name);
    json_set_str(object, "sha256", content->digest);
    json_set_int(object, "bytes", (int64_t)content->len);
    json_set_int(object, "mode", (int64_t)content->mode);
    json_set_int(object, "uid", (int64_t)content->uid);
    json_set_int(object, "gid", (int64_t)content->gid);
    set_optional(object, "seLinux", content->label);
}

static void set_change(struct json_object *body, const struct journal *journal)
{
    struct json_object *change = json_ensure_object(body, "change");
    set_content(change, "previous", journal->previous);
    set_content(change, "written", journal->written);
    json_set_bool(change, "revert", journal->revert);
    json_set_bool(change, "restarts", journal->restarts);
    set_optional(change, "hashBefore", journal->hash_before);
    json_set_str(change, "input", journal->input);
    json_set_int(change, "budgetMilliseconds", journal->budget_ms);
    json_set_int(change, "soakMilliseconds", journal->soak_ms);
    json_set_int(change, "resumed", journal->resumed);
}

static struct json_object *make_body(const struct journal *journal, const char *name)
{
    struct json_object *body = json_new_object();
    json_set_str(body, "manifest", name);
    json_set_str(body, "phase", phase_words[journal->phase]);
    set_content(body, "original", journal->original);
    set_optional(body, "applied", journal->applied);
    if (journal->latch.wanted[0] != '\0') {
        struct json_object *latch = json_ensure_object(body, "latch");
        json_set_str(latch, "wanted", journal->latch.wanted);
        json_set_str(latch, "input", journal->latch.input);
        json_set_str(latch, "why", journal->latch.why);
    }
    if (journal->phase != JOURNAL_IDLE) {
        set_change(body, journal);
    }
    return body;
}

/* json-c keeps the order of names, so that what was parsed gives the same text again. */
static void checksum(const struct json_object *body, char out[SHA256_HEX_SIZE])
{
    AUTO_FREE char *text = json_text(body);
    sha256_hex(text, strlen(text), out);
}

char *journal_encode(const struct journal *journal, const char *name)
{
    AUTO(json) struct json_object *doc = json_new_object();
    struct json_object *body = make_body(journal, name);
    char sum[SHA256_HEX_SIZE];
    checksum(body, sum);
    json_set_int(doc, "version", JOURNAL_VERSION);
    json_set_take(doc, "journal", body);
    json_set_str(doc, "sha256", sum);
    AUTO_FREE char *text = json_text_pretty(doc);
    return xasprintf("%s\n", text);
}

/* --- from text --- */

static int damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "damaged: %s", what);
}

static int get_digest(const struct json_object *object, const char *name, char out[SHA256_HEX_SIZE],
                      struct err *err)
{
    const char *text = json_get_str_or(object, name, "");
    if (!journal_is_digest(text)) {
        return damaged(err, name);
    }
    memcpy(out, text, SHA256_HEX_SIZE);
    return 0;
}

/* An absent one gives NULL. */
static int get_content(const struct json_object *object, const char *name,
                       struct manifest_content **ret_content, struct err *err)
{
    const struct json_object *got = json_member(object, name);
    int64_t len = json_get_int(got, "bytes", -1);
    int64_t mode = json_get_int(got, "mode", -1);
    int64_t uid = json_get_int(got, "uid", -1);
    int64_t gid = json_get_int(got, "gid", -1);
    char digest[SHA256_HEX_SIZE];
    if (got == NULL) {
        return 0;
    }
    if (len < 0 || mode < 0 || mode > 07777 || uid < 0 || uid > UINT32_MAX || gid < 0 ||
        gid > UINT32_MAX) {
        return damaged(err, name);
    }
    if (get_digest(got, "sha256", digest, err) < 0) {
        return -1;
    }
    struct manifest_content *content = xcalloc(1, sizeof(*content));
    content->len = (size_t)len;
    content->mode = (mode_t)mode;
    content->uid = (uid_t)uid;
    content->gid = (gid_t)gid;
    content->label = xstrdup(json_get_str(got, "seLinux"));
    memcpy(content->digest, digest, sizeof(digest));
    *ret_content = content;
    return 0;
}

static int get_change(const struct json_object *change, struct journal *journal, struct err *err)
{
    journal->revert = json_get_bool(change, "revert", false);
    journal->restarts = json_get_bool(change, "restarts", true);
    journal->hash_before = xstrdup(json_get_str(change, "hashBefore"));
    journal->input = xstrdup(json_get_str_or(change, "input", ""));
    journal->budget_ms = json_get_int(change, "budgetMilliseconds", -1);
    journal->soak_ms = json_get_int(change, "soakMilliseconds", -1);
    journal->resumed = json_get_int(change, "resumed", -1);
    if (journal->budget_ms < 0 || journal->soak_ms < 0 || journal->resumed < 0) {
        return damaged(err, "change");
    }
    if (get_content(change, "previous", &journal->previous, err) < 0 ||
        get_content(change, "written", &journal->written, err) < 0) {
        return -1;
    }
    return journal->previous == NULL || journal->written == NULL ? damaged(err, "change") : 0;
}

static int get_phase(const struct json_object *body, enum journal_phase *ret_phase, struct err *err)
{
    const char *word = json_get_str_or(body, "phase", "");
    for (size_t i = 0; i < ARRAY_LEN(phase_words); i++) {
        if (strcmp(phase_words[i], word) == 0) {
            *ret_phase = (enum journal_phase)i;
            return 0;
        }
    }
    return damaged(err, "phase");
}

static int get_body(const struct json_object *body, struct journal *journal, struct err *err)
{
    const struct json_object *latch = json_member(body, "latch");
    char wanted[SHA256_HEX_SIZE];
    if (get_phase(body, &journal->phase, err) < 0 ||
        get_content(body, "original", &journal->original, err) < 0) {
        return -1;
    }
    if (json_member(body, "applied") != NULL &&
        get_digest(body, "applied", journal->applied, err) < 0) {
        return -1;
    }
    if (latch != NULL) {
        if (get_digest(latch, "wanted", wanted, err) < 0) {
            return -1;
        }
        journal_set_latch(journal, wanted, json_get_str_or(latch, "input", ""),
                          json_get_str_or(latch, "why", ""));
    }
    return journal->phase != JOURNAL_IDLE ? get_change(json_member(body, "change"), journal, err)
                                          : 0;
}

/* The version first: what another one means by the rest is not known. */
static int check_frame(const struct json_object *doc, const char *name, struct err *err)
{
    const struct json_object *body = json_member(doc, "journal");
    int64_t version = json_get_int(doc, "version", 0);
    char sum[SHA256_HEX_SIZE];
    if (version != JOURNAL_VERSION) {
        return err_set(err, ERR_INVALID, "of version %lld, and this program knows %d only",
                       (long long)version, (int)JOURNAL_VERSION);
    }
    checksum(body, sum);
    if (!json_is_object(body) || strcmp(sum, json_get_str_or(doc, "sha256", "")) != 0) {
        return damaged(err, "the checksum does not fit");
    }
    if (strcmp(json_get_str_or(body, "manifest", ""), name) != 0) {
        return err_set(err, ERR_INVALID, "about another manifest: %s",
                       json_get_str_or(body, "manifest", ""));
    }
    return 0;
}

int journal_decode(const char *text, size_t len, const char *name, struct journal *ret_journal,
                   struct err *err)
{
    AUTO(json) struct json_object *doc = NULL;
    AUTO(journal) struct journal journal = {0};
    if (json_parse(text, len, &doc, err) < 0) {
        return err_wrap(err, "damaged");
    }
    if (check_frame(doc, name, err) < 0 ||
        get_body(json_member(doc, "journal"), &journal, err) < 0) {
        return -1;
    }
    *ret_journal = journal;
    journal = (struct journal){0};
    return 0;
}
