#include "kube/event_outbox.h"

#include <stdlib.h>

#include "base/alloc.h"

struct letter {
    struct event_command command;
    struct letter *after;
};

struct event_outbox {
    struct letter *first;
    struct letter *last;
    size_t len;
    size_t limit;
    bool under_way;        /* the first one */
    unsigned tries;        /* of the first one, failed */
    int64_t not_before_ms; /* for the first one */
    int64_t asked_ms;      /* not before that, said the server (Retry-After); 0: it did not */
    uint64_t dropped;
};

enum verdict {
    VERDICT_RECORDED,
    VERDICT_REFUSED,
    VERDICT_AGAIN, /* later */
    VERDICT_ANEW,  /* at once, by POST */
};

static void letter_destroy(struct letter *letter)
{
    event_command_finish(&letter->command);
    free(letter);
}

static void pop(struct event_outbox *outbox)
{
    struct letter *gone = outbox->first;
    outbox->first = gone->after;
    if (outbox->first == NULL) {
        outbox->last = NULL;
    }
    outbox->len--;
    outbox->tries = 0;
    outbox->not_before_ms = 0;
    outbox->asked_ms = 0;
    letter_destroy(gone);
}

struct event_outbox *event_outbox_create(size_t limit)
{
    struct event_outbox *outbox = xcalloc(1, sizeof(*outbox));
    outbox->limit = limit;
    return outbox;
}

void event_outbox_destroy(struct event_outbox *outbox)
{
    if (outbox == NULL) {
        return;
    }
    while (outbox->first != NULL) {
        pop(outbox);
    }
    free(outbox);
}

void event_outbox_push_take(struct event_outbox *outbox, struct event_command *command)
{
    if (outbox->len == outbox->limit) {
        outbox->dropped++;
        event_command_finish(command);
        return;
    }
    struct letter *letter = xcalloc(1, sizeof(*letter));
    letter->command = *command;
    *command = (struct event_command){0};
    if (outbox->last != NULL) {
        outbox->last->after = letter;
    } else {
        outbox->first = letter;
    }
    outbox->last = letter;
    outbox->len++;
}

int64_t event_outbox_next_ms(const struct event_outbox *outbox)
{
    return outbox->first == NULL || outbox->under_way ? -1 : outbox->not_before_ms;
}

const struct event_command *event_outbox_take(struct event_outbox *outbox, int64_t now_ms)
{
    int64_t next_ms = event_outbox_next_ms(outbox);
    if (next_ms < 0 || next_ms > now_ms) {
        return NULL;
    }
    outbox->under_way = true;
    return &outbox->first->command;
}

static enum verdict judge(const struct event_command *command, const struct err *err)
{
    if (err == NULL) {
        return VERDICT_RECORDED;
    }
    bool patch = command->verb == EVENT_PATCH;
    switch (err->kind) {
    case ERR_CONFLICT:
        return patch ? VERDICT_AGAIN : VERDICT_RECORDED;
    case ERR_NOT_FOUND:
        return patch ? VERDICT_ANEW : VERDICT_REFUSED;
    case ERR_RETRY:
    case ERR_CANCELLED:
        return VERDICT_AGAIN;
    case ERR_DENIED:
        /* 401: the credentials are read anew by then */
        return err->http_status == 401 ? VERDICT_AGAIN : VERDICT_REFUSED;
    default:
        return VERDICT_REFUSED;
    }
}

/* Half of it jittered, so that those who failed together do not come back together. */
static int64_t retry_delay_ms(unsigned tries, int64_t asked_ms, uint64_t random)
{
    int64_t bound_ms = EVENT_RETRY_FIRST_MS;
    for (unsigned i = 1; i < tries && bound_ms < EVENT_RETRY_CAP_MS; i++) {
        bound_ms *= 2;
    }
    bound_ms = bound_ms < EVENT_RETRY_CAP_MS ? bound_ms : EVENT_RETRY_CAP_MS;
    int64_t least_ms = asked_ms > bound_ms / 2 ? asked_ms : bound_ms / 2;
    return least_ms + (int64_t)(random % (uint64_t)(bound_ms / 2 + 1));
}

static void wait_for_retry(struct event_outbox *outbox, const struct err *err, int64_t now_ms,
                           uint64_t random)
{
    int64_t asked_ms = err->retry_after_ms < EVENT_RETRY_AFTER_MAX_MS ? err->retry_after_ms
                                                                      : EVENT_RETRY_AFTER_MAX_MS;
    outbox->asked_ms = asked_ms > 0 ? now_ms + asked_ms : 0;
    outbox->not_before_ms = now_ms + retry_delay_ms(outbox->tries, asked_ms, random);
}

static void post_anew(struct event_command *command)
{
    json_unref(command->body);
    command->body = take_ptr(command->whole);
    command->verb = EVENT_POST;
}

void event_outbox_reply(struct event_outbox *outbox, const struct err *err, int64_t now_ms,
                        uint64_t random)
{
    struct event_command *command = &outbox->first->command;
    enum verdict verdict = judge(command, err);
    outbox->under_way = false;
    if (verdict == VERDICT_AGAIN && ++outbox->tries == EVENT_TRIES_MAX) {
        verdict = VERDICT_REFUSED;
    }
    switch (verdict) {
    case VERDICT_RECORDED:
        pop(outbox);
        break;
    case VERDICT_REFUSED:
        outbox->dropped++;
        pop(outbox);
        break;
    case VERDICT_AGAIN:
        wait_for_retry(outbox, err, now_ms, random);
        break;
    case VERDICT_ANEW:
        post_anew(command);
        break;
    }
}

void event_outbox_hurry(struct event_outbox *outbox)
{
    outbox->not_before_ms = outbox->asked_ms;
}

bool event_outbox_empty(const struct event_outbox *outbox)
{
    return outbox->first == NULL;
}

uint64_t event_outbox_dropped(const struct event_outbox *outbox)
{
    return outbox->dropped;
}
