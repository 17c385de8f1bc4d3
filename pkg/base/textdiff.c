#include "base/textdiff.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum {
    CONTEXT = 3,
    /* Edits looked ahead from either corner of a box before the best way so far is taken. */
    DISTANCE_MAX = 1000,
    /* Lines compared and diagonals tried, for one diff; about a quarter of a second. */
    WORK_MAX = 100 * 1000 * 1000,
};

struct line {
    const char *text;
    size_t len; /* with its newline, which only the last one may lack */
    uint32_t hash;
    bool changed; /* removed from the old text, added to the new one */
};

struct side {
    struct line *lines;
    ptrdiff_t len;
};

struct diff {
    struct side old;
    struct side new;
    /* Furthest x by diagonal; zero diagonal in the middle, DISTANCE_MAX + 1 to each side. */
    ptrdiff_t *forward;
    ptrdiff_t *backward;
    ptrdiff_t work; /* what is left of WORK_MAX */
};

/* A part of both texts: old lines [old_from, old_to) against new lines [new_from, new_to). */
struct box {
    ptrdiff_t old_from;
    ptrdiff_t old_to;
    ptrdiff_t new_from;
    ptrdiff_t new_to;
};

/* --- lines --- */

static uint32_t hash_line(const char *text, size_t len)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    }
    return hash;
}

static const char *line_end(const char *text)
{
    const char *newline = strchr(text, '\n');
    return newline != NULL ? newline + 1 : text + strlen(text);
}

static void split(struct side *side, const char *text)
{
    size_t count = 0;
    for (const char *line = text; *line != '\0'; line = line_end(line)) {
        count++;
    }
    side->lines = xcalloc(count > 0 ? count : 1, sizeof(*side->lines));
    side->len = (ptrdiff_t)count;
    for (size_t i = 0; i < count; i++) {
        const char *end = line_end(text);
        size_t len = (size_t)(end - text);
        side->lines[i] = (struct line){.text = text, .len = len, .hash = hash_line(text, len)};
        text = end;
    }
}

static bool same(const struct diff *diff, ptrdiff_t old_index, ptrdiff_t new_index)
{
    const struct line *a = &diff->old.lines[old_index];
    const struct line *b = &diff->new.lines[new_index];
    return a->hash == b->hash && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* --- the shortest edit --- */

static void trim(const struct diff *diff, struct box *box)
{
    while (box->old_from < box->old_to && box->new_from < box->new_to &&
           same(diff, box->old_from, box->new_from)) {
        box->old_from++;
        box->new_from++;
    }
    while (box->old_from < box->old_to && box->new_from < box->new_to &&
           same(diff, box->old_to - 1, box->new_to - 1)) {
        box->old_to--;
        box->new_to--;
    }
}

static void replace(struct diff *diff, const struct box *box)
{
    for (ptrdiff_t i = box->old_from; i < box->old_to; i++) {
        diff->old.lines[i].changed = true;
    }
    for (ptrdiff_t i = box->new_from; i < box->new_to; i++) {
        diff->new.lines[i].changed = true;
    }
}

/*
 * One edit further on diagonal `k` (x - y) with `d` edits in all: the larger x that a removal or
 * an addition leads to, from the diagonals next to it; -1 when both lead out of the box.
 */
static ptrdiff_t step(const ptrdiff_t *furthest, ptrdiff_t k, ptrdiff_t d, ptrdiff_t width,
                      ptrdiff_t height)
{
    if (d == 0) {
        return 0;
    }
    ptrdiff_t x = -1;
    if (k > -d && furthest[k - 1] >= 0 && furthest[k - 1] < width) {
        x = furthest[k - 1] + 1;
    }
    if (k < d && furthest[k + 1] >= x && furthest[k + 1] - k <= height) {
        x = furthest[k + 1];
    }
    return x;
}

/* Along the diagonal while lines are equal, from either corner of the box. */
static ptrdiff_t slide(const struct diff *diff, const struct box *box, bool from_end, ptrdiff_t x,
                       ptrdiff_t y)
{
    ptrdiff_t width = box->old_to - box->old_from;
    ptrdiff_t height = box->new_to - box->new_from;
    while (x < width && y < height &&
           (from_end ? same(diff, box->old_to - 1 - x, box->new_to - 1 - y)
                     : same(diff, box->old_from + x, box->new_from + y))) {
        x++;
        y++;
    }
    return x;
}

/* All diagonals from one corner with `d` edits. Returns the one on which the paths from the two
 * corners meet (`other` being `reach` edits far), or PTRDIFF_MAX. */
static ptrdiff_t advance(struct diff *diff, const struct box *box, bool from_end, ptrdiff_t d,
                         ptrdiff_t reach)
{
    ptrdiff_t *furthest = from_end ? diff->backward : diff->forward;
    const ptrdiff_t *other = from_end ? diff->forward : diff->backward;
    ptrdiff_t width = box->old_to - box->old_from;
    ptrdiff_t height = box->new_to - box->new_from;
    for (ptrdiff_t k = -d; k <= d; k += 2) {
        ptrdiff_t start = step(furthest, k, d, width, height);
        ptrdiff_t x = start < 0 ? start : slide(diff, box, from_end, start, start - k);
        furthest[k] = x;
        diff->work -= 1 + x - start;
        ptrdiff_t across = width - height - k; /* the same diagonal, seen from the other corner */
        bool reached = across >= -reach && across <= reach && (across + reach) % 2 == 0;
        if (x >= 0 && reached && other[across] >= 0 && x + other[across] >= width) {
            return k;
        }
    }
    return PTRDIFF_MAX;
}

/* The diagonal on which most lines of both texts lie behind after `d` edits. */
static ptrdiff_t furthest_diagonal(const ptrdiff_t *furthest, ptrdiff_t d)
{
    ptrdiff_t best = 0;
    ptrdiff_t most = -1;
    for (ptrdiff_t k = -d; k <= d; k += 2) {
        if (furthest[k] >= 0 && 2 * furthest[k] - k > most) {
            most = 2 * furthest[k] - k;
            best = k;
        }
    }
    return best;
}

/*
 * Finds a point in the middle of a shortest path through the box; where the path is long, a point
 * at the end of the most promising part of it.
 */
static void find_middle(struct diff *diff, const struct box *box, ptrdiff_t *ret_old,
                        ptrdiff_t *ret_new)
{
    ptrdiff_t k = PTRDIFF_MAX;
    for (ptrdiff_t d = 0; k == PTRDIFF_MAX; d++) {
        k = advance(diff, box, false, d, d - 1);
        if (k == PTRDIFF_MAX && d == DISTANCE_MAX) {
            k = furthest_diagonal(diff->forward, d);
        }
        if (k != PTRDIFF_MAX) {
            *ret_old = box->old_from + diff->forward[k];
            *ret_new = box->new_from + diff->forward[k] - k;
            return;
        }
        k = advance(diff, box, true, d, d);
    }
    *ret_old = box->old_to - diff->backward[k];
    *ret_new = box->new_to - (diff->backward[k] - k);
}

/*
 * A split always makes progress: with both sides of the trimmed box non-empty there are two edits
 * at least, and each part gets one. The first part has at most half the edits, or DISTANCE_MAX,
 * so that the depth is logarithmic.
 */
static void compare(struct diff *diff, struct box box)
{
    for (;;) {
        trim(diff, &box);
        if (box.old_from == box.old_to || box.new_from == box.new_to || diff->work <= 0) {
            replace(diff, &box);
            return;
        }
        ptrdiff_t old_middle;
        ptrdiff_t new_middle;
        find_middle(diff, &box, &old_middle, &new_middle);
        compare(diff, (struct box){box.old_from, old_middle, box.new_from, new_middle});
        box.old_from = old_middle;
        box.new_from = new_middle;
    }
}

static void compare_all(struct diff *diff)
{
    const size_t diagonals = 2 * (DISTANCE_MAX + 1) + 1;
    AUTO_FREE ptrdiff_t *forward = xcalloc(diagonals, sizeof(*forward));
    AUTO_FREE ptrdiff_t *backward = xcalloc(diagonals, sizeof(*backward));
    diff->forward = forward + DISTANCE_MAX + 1;
    diff->backward = backward + DISTANCE_MAX + 1;
    compare(diff, (struct box){0, diff->old.len, 0, diff->new.len});
    diff->forward = NULL;
    diff->backward = NULL;
}

/* --- output --- */

static bool changed_at(const struct side *side, ptrdiff_t index)
{
    return index < side->len && side->lines[index].changed;
}

/* Moves `hunk` behind the changes that start at its end. */
static void skip_changed(const struct diff *diff, struct box *hunk)
{
    while (changed_at(&diff->old, hunk->old_to)) {
        hunk->old_to++;
    }
    while (changed_at(&diff->new, hunk->new_to)) {
        hunk->new_to++;
    }
}

/* Equal lines from here to the next change or the end. */
static ptrdiff_t equal_run(const struct diff *diff, ptrdiff_t old_index, ptrdiff_t new_index)
{
    ptrdiff_t run = 0;
    while (old_index + run < diff->old.len && !changed_at(&diff->old, old_index + run) &&
           !changed_at(&diff->new, new_index + run)) {
        run++;
    }
    return run;
}

/* Grows the hunk from its first change over all that are near, and by the context behind. */
static void grow(const struct diff *diff, struct box *hunk)
{
    for (;;) {
        skip_changed(diff, hunk);
        ptrdiff_t run = equal_run(diff, hunk->old_to, hunk->new_to);
        bool last = hunk->old_to + run == diff->old.len && hunk->new_to + run == diff->new.len;
        if (last || run > 2 * CONTEXT) {
            ptrdiff_t context = run < CONTEXT ? run : CONTEXT;
            hunk->old_to += context;
            hunk->new_to += context;
            return;
        }
        hunk->old_to += run;
        hunk->new_to += run;
    }
}

static void put_line(struct buf *out, char mark, const struct line *line)
{
    buf_append(out, &mark, 1);
    buf_append(out, line->text, line->len);
    if (line->text[line->len - 1] != '\n') {
        buf_puts(out, "\n\\ No newline at end of file\n");
    }
}

/* "7", "7,3"; an empty range names the line before it. */
static void put_range(struct buf *out, char mark, ptrdiff_t from, ptrdiff_t to)
{
    buf_printf(out, " %c%td", mark, to > from ? from + 1 : from);
    if (to - from != 1) {
        buf_printf(out, ",%td", to - from);
    }
}

static void put_hunk(struct buf *out, const struct diff *diff, const struct box *hunk)
{
    buf_puts(out, "@@");
    put_range(out, '-', hunk->old_from, hunk->old_to);
    put_range(out, '+', hunk->new_from, hunk->new_to);
    buf_puts(out, " @@\n");
    ptrdiff_t i = hunk->old_from;
    ptrdiff_t j = hunk->new_from;
    while (i < hunk->old_to || j < hunk->new_to) {
        if (i < hunk->old_to && changed_at(&diff->old, i)) {
            put_line(out, '-', &diff->old.lines[i++]);
        } else if (j < hunk->new_to && changed_at(&diff->new, j)) {
            put_line(out, '+', &diff->new.lines[j++]);
        } else {
            put_line(out, ' ', &diff->old.lines[i++]);
            j++;
        }
    }
}

static void put_hunks(struct buf *out, const struct diff *diff)
{
    struct box hunk = {0};
    for (;;) {
        ptrdiff_t run = equal_run(diff, hunk.old_to, hunk.new_to);
        hunk.old_to += run;
        hunk.new_to += run;
        if (hunk.old_to == diff->old.len && hunk.new_to == diff->new.len) {
            return;
        }
        ptrdiff_t context = hunk.old_to < CONTEXT ? hunk.old_to : CONTEXT;
        hunk.old_from = hunk.old_to - context;
        hunk.new_from = hunk.new_to - context;
        grow(diff, &hunk);
        put_hunk(out, diff, &hunk);
    }
}

char *textdiff_unified(const char *old_text, const char *new_text, const char *old_name,
                       const char *new_name)
{
    if (strcmp(old_text, new_text) == 0) {
        return xstrdup("");
    }
    struct diff diff = {.work = WORK_MAX};
    split(&diff.old, old_text);
    split(&diff.new, new_text);
    compare_all(&diff);
    struct buf out = BUF_INIT(SIZE_MAX); /* bounded by the texts */
    buf_printf(&out, "--- %s\n+++ %s\n", old_name, new_name);
    put_hunks(&out, &diff);
    free(diff.old.lines);
    free(diff.new.lines);
    return buf_take(&out);
}
