#include "unit/staticpod_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "unit/unit.h"

void staticpod_rig_init(struct staticpod_rig *rig, const struct file_ops *ops, void *ops_arg)
{
    *rig = (struct staticpod_rig){
        .files = {.ops = ops, .arg = ops_arg, .owner = geteuid()},
        .now_ms = 1000,
        .input = {.input = "v1",
                  .restarts = true,
                  .budget_ms = RIG_BUDGET_MS,
                  .soak_ms = RIG_SOAK_MS},
    };
}

void staticpod_rig_want(struct staticpod_rig *rig, const char *text)
{
    rig->input.wanted = text;
    rig->input.wanted_len = text != NULL ? strlen(text) : 0;
}

void staticpod_rig_kill(struct staticpod_rig *rig)
{
    keeper_close(rig->keeper);
    rig->keeper = NULL;
}

void staticpod_rig_finish(struct staticpod_rig *rig)
{
    staticpod_rig_kill(rig);
}

static void note(void *arg, enum transaction_event event, const char *text)
{
    struct staticpod_rig *rig = arg;
    rig->events |= 1u << event;
    if (*text != '\0') {
        snprintf(rig->text, sizeof(rig->text), "%s", text);
    }
}

bool staticpod_rig_happened(const struct staticpod_rig *rig, enum transaction_event event)
{
    return (rig->events & 1u << event) != 0;
}

static bool open_keeper(struct staticpod_rig *rig)
{
    struct keeper_place place = {
        .files = &rig->files,
        .manifests = rig->manifests,
        .name = RIG_NAME,
        .journals = rig->journals,
    };
    return rig->keeper != NULL || keeper_open(&place, &rig->keeper, &rig->open_err) == 0;
}

bool staticpod_rig_turn(struct staticpod_rig *rig)
{
    struct keeper_caller caller = {.event = note, .arg = rig};
    rig->now_ms += 1000;
    if (!open_keeper(rig)) {
        return false;
    }
    AUTO_FREE char *seen = rig->peek(rig->arg);
    char hash[SHA256_HEX_SIZE];
    bool healthy = seen != NULL && strstr(seen, "broken") == NULL;
    sha256_hex(seen != NULL ? seen : "", seen != NULL ? strlen(seen) : 0, hash);
    rig->input.health = healthy ? TRANSACTION_HEALTHY : TRANSACTION_UNHEALTHY;
    rig->input.health_text = "connection refused";
    rig->input.health_ms = rig->now_ms;
    rig->input.mirror = (struct transaction_mirror){
        .known = healthy, /* it is the API server itself */
        .seen_ms = rig->now_ms,
        .hash = hash,
        .as_intended = true,
        .ready = healthy,
    };
    keeper_turn(rig->keeper, &rig->input, &caller, rig->now_ms, &rig->output);
    return true;
}

void staticpod_rig_settle(struct staticpod_rig *rig, const bool *ended)
{
    for (int i = 0; i < 500; i++) {
        bool open = staticpod_rig_turn(rig);
        if (ended != NULL && *ended) {
            return;
        }
        if (open && keeper_phase(rig->keeper) == TRANSACTION_IDLE &&
            rig->output.wake_ms == INT64_MAX && rig->output.wait != TRANSACTION_UNREADABLE) {
            return;
        }
    }
    ck_abort_msg("no end: %s, %s: %s",
                 rig->keeper != NULL ? transaction_phase_name(keeper_phase(rig->keeper)) : "closed",
                 rig->keeper != NULL ? transaction_wait_name(rig->output.wait) : rig->open_err.text,
                 rig->output.text);
}

char *staticpod_rig_manifest(const char *word)
{
    struct buf text = BUF_INIT(8192);
    buf_printf(&text, "apiVersion: v1\nkind: Pod\n# %s\n", word);
    while (text.len < 300) {
        buf_printf(&text, "#   line at %zu of %s\n", text.len, word);
    }
    return buf_take(&text);
}
