#include "control/workqueue.h"

#include <limits.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/strmap.h"

/* A key that is ready, waiting, worked on or failing; forgotten when it is none of these. */
struct item {
    char *key;
    bool dirty;         /* has to be worked on; in the FIFO unless `processing` */
    bool processing;    /* given out and not done */
    unsigned failures;  /* since it was last forgotten */
    size_t place;       /* 1 + index in the heap; 0: does not wait */
    int64_t ready_ms;   /* while it waits */
    uint64_t order;     /* among equal times, the one that asked first */
    struct item *after; /* in the FIFO */
};

struct workqueue {
    struct strmap items; /* struct item by key */
    struct item *first;  /* the FIFO */
    struct item *last;
    struct item **heap; /* what waits, the earliest on top */
    size_t heap_len;
    size_t heap_capacity;
    uint64_t order;
    int64_t bucket_full_ms; /* when the token bucket of retries will be full again */
    bool shutting_down;
    size_t depth;
    size_t processing;
    uint64_t adds;
    uint64_t retries;
};

static void item_destroy(void *value)
{
    struct item *item = value;
    free(item->key);
    free(item);
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* --- the heap of waiting keys --- */

static bool earlier(const struct item *a, const struct item *b)
{
    return a->ready_ms != b->ready_ms ? a->ready_ms < b->ready_ms : a->order < b->order;
}

static void heap_put(struct workqueue *queue, size_t index, struct item *item)
{
    queue->heap[index] = item;
    item->place = index + 1;
}

static void heap_up(struct workqueue *queue, struct item *item)
{
    size_t index = item->place - 1;
    while (index > 0 && earlier(item, queue->heap[(index - 1) / 2])) {
        heap_put(queue, index, queue->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    heap_put(queue, index, item);
}

static void heap_down(struct workqueue *queue, struct item *item)
{
    size_t index = item->place - 1;
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < queue->heap_len && earlier(queue->heap[child + 1], queue->heap[child])) {
            child++;
        }
        if (child >= queue->heap_len || !earlier(queue->heap[child], item)) {
            break;
        }
        heap_put(queue, index, queue->heap[child]);
        index = child;
    }
    heap_put(queue, index, item);
}

static void heap_add(struct workqueue *queue, struct item *item)
{
    if (queue->heap_len == queue->heap_capacity) {
        queue->heap_capacity = queue->heap_capacity != 0 ? queue->heap_capacity * 2 : 16;
        queue->heap = xreallocarray(queue->heap, queue->heap_capacity, sizeof(*queue->heap));
    }
    item->order = queue->order++;
    heap_put(queue, queue->heap_len++, item);
    heap_up(queue, item);
}

static struct item *heap_pop(struct workqueue *queue)
{
    struct item *top = queue->heap[0];
    struct item *moved = queue->heap[--queue->heap_len];
    top->place = 0;
    if (moved != top) {
        heap_put(queue, 0, moved);
        heap_down(queue, moved);
    }
    return top;
}

/* --- keys --- */

static struct item *find(const struct workqueue *queue, const char *key)
{
    return strmap_get(&queue->items, key);
}

static struct item *find_or_add(struct workqueue *queue, const char *key)
{
    struct item *item = find(queue, key);
    if (item == NULL && queue->items.len < WORKQUEUE_KEYS_MAX) {
        item = xcalloc(1, sizeof(*item));
        item->key = xstrdup(key);
        strmap_set(&queue->items, key, item);
    }
    return item;
}

static void drop_if_idle(struct workqueue *queue, struct item *item)
{
    if (!item->dirty && !item->processing && item->place == 0 && item->failures == 0) {
        strmap_remove(&queue->items, item->key);
    }
}

static void fifo_append(struct workqueue *queue, struct item *item)
{
    item->after = NULL;
    if (queue->last != NULL) {
        queue->last->after = item;
    } else {
        queue->first = item;
    }
    queue->last = item;
    queue->depth++;
}

static void make_ready(struct workqueue *queue, struct item *item)
{
    if (item->dirty) {
        return;
    }
    queue->adds++;
    item->dirty = true;
    if (!item->processing) {
        fifo_append(queue, item);
    }
}

/* What came due before now goes before what happens now. */
static void promote_due(struct workqueue *queue, int64_t now_ms)
{
    while (queue->heap_len > 0 && queue->heap[0]->ready_ms <= now_ms) {
        make_ready(queue, heap_pop(queue));
    }
}

/* --- the rate limits --- */

static int64_t item_delay_ms(unsigned failures)
{
    int64_t delay_ms = WORKQUEUE_BACKOFF_FIRST_MS;
    for (unsigned i = 0; i < failures && delay_ms < WORKQUEUE_BACKOFF_CAP_MS; i++) {
        delay_ms *= 2;
    }
    return delay_ms < WORKQUEUE_BACKOFF_CAP_MS ? delay_ms : WORKQUEUE_BACKOFF_CAP_MS;
}

/* Takes a token, or one that is yet to come: then it says how long that takes. */
static int64_t bucket_delay_ms(struct workqueue *queue, int64_t now_ms)
{
    const int64_t burst_ms = (int64_t)WORKQUEUE_RETRY_BURST * WORKQUEUE_RETRY_INTERVAL_MS;
    int64_t full_ms = queue->bucket_full_ms > now_ms ? queue->bucket_full_ms : now_ms;
    queue->bucket_full_ms = add_saturating(full_ms, WORKQUEUE_RETRY_INTERVAL_MS);
    int64_t ahead_ms = queue->bucket_full_ms - now_ms;
    return ahead_ms > burst_ms ? ahead_ms - burst_ms : 0;
}

/* --- public --- */

struct workqueue *workqueue_create(void)
{
    struct workqueue *queue = xcalloc(1, sizeof(*queue));
    strmap_init(&queue->items, item_destroy);
    return queue;
}

void workqueue_destroy(struct workqueue *queue)
{
    if (queue != NULL) {
        strmap_finish(&queue->items);
        free(queue->heap);
        free(queue);
    }
}

bool workqueue_add(struct workqueue *queue, const char *key, int64_t now_ms)
{
    struct item *item = queue->shutting_down ? NULL : find_or_add(queue, key);
    if (item == NULL) {
        return false;
    }
    promote_due(queue, now_ms);
    make_ready(queue, item);
    return true;
}

bool workqueue_add_after(struct workqueue *queue, const char *key, int64_t delay_ms, int64_t now_ms)
{
    if (delay_ms <= 0) {
        return workqueue_add(queue, key, now_ms);
    }
    struct item *item = queue->shutting_down ? NULL : find_or_add(queue, key);
    if (item == NULL) {
        return false;
    }
    int64_t ready_ms = add_saturating(now_ms, delay_ms);
    if (item->place == 0) {
        item->ready_ms = ready_ms;
        heap_add(queue, item);
    } else if (ready_ms < item->ready_ms) {
        item->ready_ms = ready_ms;
        heap_up(queue, item);
    }
    return true;
}

bool workqueue_add_rate_limited(struct workqueue *queue, const char *key, int64_t now_ms)
{
    struct item *item = queue->shutting_down ? NULL : find_or_add(queue, key);
    if (item == NULL) {
        return false;
    }
    int64_t own_ms = item_delay_ms(item->failures);
    int64_t shared_ms = bucket_delay_ms(queue, now_ms);
    if (item->failures < UINT_MAX) {
        item->failures++;
    }
    queue->retries++;
    return workqueue_add_after(queue, key, own_ms > shared_ms ? own_ms : shared_ms, now_ms);
}

void workqueue_forget(struct workqueue *queue, const char *key)
{
    struct item *item = find(queue, key);
    if (item != NULL) {
        item->failures = 0;
        drop_if_idle(queue, item);
    }
}

unsigned workqueue_failures(const struct workqueue *queue, const char *key)
{
    const struct item *item = find(queue, key);
    return item != NULL ? item->failures : 0;
}

const char *workqueue_get(struct workqueue *queue, int64_t now_ms)
{
    promote_due(queue, now_ms);
    struct item *item = queue->first;
    if (item == NULL) {
        return NULL;
    }
    queue->first = item->after;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->depth--;
    queue->processing++;
    item->dirty = false;
    item->processing = true;
    return item->key;
}

void workqueue_done(struct workqueue *queue, const char *key, int64_t now_ms)
{
    struct item *item = find(queue, key);
    if (item == NULL || !item->processing) {
        return;
    }
    promote_due(queue, now_ms);
    item->processing = false;
    queue->processing--;
    if (item->dirty) {
        fifo_append(queue, item);
    }
    drop_if_idle(queue, item);
}

int64_t workqueue_next_ms(const struct workqueue *queue)
{
    if (queue->first != NULL) {
        return 0;
    }
    return queue->heap_len > 0 ? queue->heap[0]->ready_ms : -1;
}

void workqueue_shut_down(struct workqueue *queue)
{
    queue->shutting_down = true;
    while (queue->heap_len > 0) {
        drop_if_idle(queue, heap_pop(queue));
    }
}

bool workqueue_drained(const struct workqueue *queue)
{
    return queue->shutting_down && queue->first == NULL && queue->processing == 0;
}

void workqueue_stats(const struct workqueue *queue, struct workqueue_stats *ret_stats)
{
    *ret_stats = (struct workqueue_stats){
        .depth = queue->depth,
        .waiting = queue->heap_len,
        .processing = queue->processing,
        .adds = queue->adds,
        .retries = queue->retries,
    };
}
