#include "control/contention.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "base/timefmt.h"

/* What changes with an answer, and goes back with a refund. */
struct standing {
    int64_t full_ms;    /* when the token bucket is full again */
    int64_t wait_ms;    /* the wait that the next repair imposes; 0: not contended */
    int64_t until_ms;   /* while contended: no repair before */
    int64_t quiet_ms;   /* since when nobody is known to have undone it */
    int64_t calming_ms; /* calm after being quiet for so long */
    uint64_t repairs;
    uint64_t refused;
};

struct field {
    struct standing now;
    struct standing before; /* the last admission */
    bool refundable;
    bool waiting; /* the last answer was a refusal, and its wait is imposed already */
};

struct contention {
    struct strmap fields;
};

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int contention_budget_parse(const char *text, struct contention_budget *ret_budget)
{
    size_t figures = strspn(text, "0123456789");
    int64_t per_ms;
    if (figures == 0 || figures > 4 || strncmp(text + figures, " per ", 5) != 0 ||
        timefmt_parse_duration(text + figures + 5, &per_ms) < 0 || per_ms == 0) {
        return -1;
    }
    int count = 0;
    for (size_t i = 0; i < figures; i++) {
        count = count * 10 + (text[i] - '0');
    }
    if (count < 1 || count > 1000) {
        return -1;
    }
    *ret_budget = (struct contention_budget){.count = count, .per_ms = per_ms};
    return 0;
}

struct contention *contention_create(void)
{
    struct contention *contention = xcalloc(1, sizeof(*contention));
    strmap_init(&contention->fields, free);
    return contention;
}

void contention_destroy(struct contention *contention)
{
    if (contention != NULL) {
        strmap_finish(&contention->fields);
        free(contention);
    }
}

static void forget_quietest(struct contention *contention)
{
    const struct strmap_entry *quietest = &contention->fields.entries[0];
    for (size_t i = 1; i < contention->fields.len; i++) {
        const struct strmap_entry *entry = &contention->fields.entries[i];
        const struct field *field = entry->value;
        if (field->now.quiet_ms < ((const struct field *)quietest->value)->now.quiet_ms) {
            quietest = entry;
        }
    }
    AUTO_FREE char *key = xstrdup(quietest->key);
    strmap_remove(&contention->fields, key);
}

static struct field *find_or_add(struct contention *contention, const char *key)
{
    struct field *field = strmap_get(&contention->fields, key);
    if (field == NULL) {
        if (contention->fields.len == CONTENTION_KEYS_MAX) {
            forget_quietest(contention);
        }
        field = xcalloc(1, sizeof(*field));
        strmap_set(&contention->fields, key, field);
    }
    return field;
}

static int64_t calm_ms(const struct standing *standing)
{
    return standing->quiet_ms + standing->calming_ms;
}

static bool is_contended(const struct standing *standing, int64_t now_ms)
{
    return standing->wait_ms > 0 && now_ms < calm_ms(standing);
}

/* Time in which one token comes back. */
static int64_t token_ms(const struct contention_budget *budget)
{
    return larger(budget->per_ms / budget->count, 1);
}

static bool take_token(struct standing *standing, const struct contention_budget *budget,
                       int64_t now_ms)
{
    int64_t full_ms = larger(standing->full_ms, now_ms) + token_ms(budget);
    if (full_ms - now_ms > token_ms(budget) * budget->count) {
        return false;
    }
    standing->full_ms = full_ms;
    return true;
}

/* The next repair is not before the wait is over, and the one after it waits twice as long. */
static void impose_wait(struct standing *standing, int64_t now_ms)
{
    standing->until_ms = now_ms + standing->wait_ms;
    standing->wait_ms = smaller(2 * standing->wait_ms, CONTENTION_WAIT_MAX_MS);
}

/* Whether a repair is admitted by standing alone; changes what that uses up. */
static bool use_up(struct field *field, const struct contention_budget *budget, int64_t now_ms)
{
    struct standing *standing = &field->now;
    if (standing->wait_ms == 0) {
        return take_token(standing, budget, now_ms);
    }
    if (now_ms < standing->until_ms) {
        return false;
    }
    impose_wait(standing, now_ms);
    return true;
}

static void calm_down(struct field *field, int64_t now_ms)
{
    struct standing *standing = &field->now;
    if (standing->wait_ms > 0 && now_ms >= calm_ms(standing)) {
        standing->wait_ms = 0;
        standing->until_ms = 0;
        standing->full_ms = 0;
    }
}

static void admitted(struct field *field, const struct standing *before,
                     const struct contention_budget *budget, int64_t now_ms)
{
    field->before = *before;
    field->refundable = true;
    field->waiting = false;
    field->now.repairs++;
    field->now.quiet_ms = now_ms;
    field->now.calming_ms = 2 * budget->per_ms;
}

/* The field stays undone until its wait is over: it is not quiet before that. */
static void refused(struct field *field, const struct contention_budget *budget)
{
    if (!field->waiting) {
        field->now.refused++;
    }
    field->waiting = true;
    field->refundable = false;
    field->now.quiet_ms = field->now.until_ms;
    field->now.calming_ms = 2 * budget->per_ms;
}

bool contention_admit(struct contention *contention, const char *key,
                      const struct contention_budget *budget, int64_t now_ms, int64_t *ret_wait_ms,
                      bool *ret_first)
{
    struct field *field = find_or_add(contention, key);
    calm_down(field, now_ms);
    struct standing before = field->now;
    if (use_up(field, budget, now_ms)) {
        admitted(field, &before, budget, now_ms);
        return true;
    }
    bool first = field->now.wait_ms == 0;
    if (first) {
        field->now.wait_ms = smaller(token_ms(budget), CONTENTION_WAIT_MAX_MS);
        impose_wait(&field->now, now_ms);
    }
    refused(field, budget);
    *ret_wait_ms = field->now.until_ms - now_ms;
    *ret_first = first;
    return false;
}

void contention_refund(struct contention *contention, const char *key)
{
    struct field *field = strmap_get(&contention->fields, key);
    if (field != NULL && field->refundable) {
        field->now = field->before;
        field->refundable = false;
    }
}

bool contention_contended(const struct contention *contention, const char *key, int64_t now_ms,
                          int64_t *ret_wait_ms)
{
    const struct field *field = strmap_get(&contention->fields, key);
    if (field == NULL || !is_contended(&field->now, now_ms)) {
        return false;
    }
    *ret_wait_ms = calm_ms(&field->now) - now_ms;
    return true;
}

void contention_state(const struct contention *contention, const char *key, int64_t now_ms,
                      struct contention_state *ret_state)
{
    *ret_state = (struct contention_state){0};
    const struct field *field = strmap_get(&contention->fields, key);
    if (field == NULL) {
        return;
    }
    ret_state->repairs = field->now.repairs;
    ret_state->refused = field->now.refused;
    ret_state->contended = is_contended(&field->now, now_ms);
    if (ret_state->contended) {
        ret_state->until_ms = field->now.until_ms;
        ret_state->calm_ms = calm_ms(&field->now);
    }
}
