#include "unit/simfs_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "unit/unit.h"

/* --- nodes --- */

static void data_finish(struct simfs_data *data)
{
    free(data->bytes);
    free(data->label);
    *data = (struct simfs_data){0};
}

void simfs_data_copy(struct simfs_data *to, const struct simfs_data *from)
{
    struct simfs_data copy = *from;
    copy.bytes = xcalloc(from->len + 1, 1);
    if (from->len != 0) {
        memcpy(copy.bytes, from->bytes, from->len);
    }
    copy.label = xstrdup(from->label);
    data_finish(to);
    *to = copy;
}

static bool is_needed(const struct simfs *sim, int number)
{
    bool needed = number == 0;
    for (int i = 0; i < SIMFS_FDS; i++) {
        needed |= sim->fds[i].used && sim->fds[i].node == number;
    }
    for (int i = 0; i < SIMFS_NODES; i++) {
        for (int j = 0; j < SIMFS_ENTRIES && sim->nodes[i].is_dir; j++) {
            const struct simfs_entry *entry = &sim->nodes[i].entries[j];
            needed |= entry->name[0] != '\0' && (entry->now == number || entry->disk == number);
        }
    }
    return needed;
}

int simfs_new_node(struct simfs *sim, bool is_dir, mode_t mode)
{
    for (int i = 0; i < SIMFS_NODES; i++) {
        struct simfs_node *node = &sim->nodes[i];
        if (!node->used || !is_needed(sim, i)) {
            data_finish(&node->now);
            data_finish(&node->disk);
            *node = (struct simfs_node){.used = true};
            node->is_dir = is_dir;
            node->now.mode = mode;
            node->now.bytes = xcalloc(1, 1);
            node->disk.mode = 0600;
            node->disk.bytes = xcalloc(1, 1);
            node->ctime = ++sim->clock;
            return i;
        }
    }
    ck_abort_msg("out of nodes");
    return -1;
}

struct simfs *simfs_create(void)
{
    struct simfs *sim = xcalloc(1, sizeof(*sim));
    simfs_new_node(sim, true, 0755);
    return sim;
}

void simfs_destroy(struct simfs *sim)
{
    for (int i = 0; i < SIMFS_NODES; i++) {
        data_finish(&sim->nodes[i].now);
        data_finish(&sim->nodes[i].disk);
    }
    free(sim);
}

static struct simfs_entry *find_entry(struct simfs *sim, int dir, const char *name)
{
    struct simfs_node *node = &sim->nodes[dir];
    for (int i = 0; i < SIMFS_ENTRIES; i++) {
        if (strcmp(node->entries[i].name, name) == 0) {
            return &node->entries[i];
        }
    }
    return NULL;
}

struct simfs_entry *simfs_make_entry(struct simfs *sim, int dir, const char *name)
{
    struct simfs_entry *entry = find_entry(sim, dir, name);
    if (entry == NULL) {
        entry = find_entry(sim, dir, "");
        unit_holds(entry != NULL);
        unit_holds(strlen(name) < sizeof(entry->name));
        memcpy(entry->name, name, strlen(name) + 1);
        entry->now = -1;
        entry->disk = -1;
    }
    return entry;
}

/* A place of which neither knows any more. */
void simfs_forget_entries(struct simfs_node *node)
{
    for (int i = 0; i < SIMFS_ENTRIES; i++) {
        if (node->entries[i].now < 0 && node->entries[i].disk < 0) {
            node->entries[i].name[0] = '\0';
        }
    }
}

int simfs_lookup(struct simfs *sim, int dir, const char *name)
{
    const struct simfs_entry *entry = find_entry(sim, dir, name);
    return entry != NULL ? entry->now : -1;
}

/* The node at an absolute path, or -1; ret_dir and ret_name (may be NULL): its place. */
int simfs_resolve(struct simfs *sim, const char *path, int *ret_dir, const char **ret_name)
{
    int node = 0;
    for (const char *at = path; node >= 0;) {
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (len == 0) {
            return node;
        }
        AUTO_FREE char *name = xstrndup(at, len);
        if (ret_dir != NULL) {
            *ret_dir = node;
            *ret_name = at;
        }
        node = simfs_lookup(sim, node, name);
        at += len;
    }
    return -1;
}

static int make(struct simfs *sim, const char *path, bool is_dir, mode_t mode)
{
    int dir = 0;
    const char *name = NULL;
    unit_holds(simfs_resolve(sim, path, &dir, &name) < 0);
    int node = simfs_new_node(sim, is_dir, mode);
    struct simfs_entry *entry = simfs_make_entry(sim, dir, name);
    entry->now = node;
    entry->disk = node;
    return node;
}

void simfs_make_dir(struct simfs *sim, const char *path)
{
    struct simfs_node *node = &sim->nodes[make(sim, path, true, 0755)];
    simfs_data_copy(&node->disk, &node->now);
}

void simfs_make_file(struct simfs *sim, const char *path, const char *text, mode_t mode, uid_t uid,
                     gid_t gid, const char *label)
{
    struct simfs_node *node = &sim->nodes[make(sim, path, false, mode)];
    free(node->now.bytes);
    node->now.bytes = xstrdup(text);
    node->now.len = strlen(text);
    node->now.uid = uid;
    node->now.gid = gid;
    node->now.label = xstrdup(label);
    simfs_data_copy(&node->disk, &node->now);
}

const struct simfs_data *simfs_peek(struct simfs *sim, const char *path)
{
    int node = simfs_resolve(sim, path, NULL, NULL);
    return node >= 0 ? &sim->nodes[node].now : NULL;
}

void simfs_visit_names(const struct simfs_node *node, void (*visit)(void *arg, const char *name),
                       void *arg)
{
    for (int i = 0; i < SIMFS_ENTRIES; i++) {
        if (node->entries[i].name[0] != '\0' && node->entries[i].now >= 0) {
            visit(arg, node->entries[i].name);
        }
    }
}

void simfs_names(struct simfs *sim, const char *path, void (*visit)(void *arg, const char *name),
                 void *arg)
{
    int node = simfs_resolve(sim, path, NULL, NULL);
    unit_holds(node >= 0);
    simfs_visit_names(&sim->nodes[node], visit, arg);
}

/* --- ends of processes, and of power --- */

void simfs_restart(struct simfs *sim)
{
    memset(sim->fds, 0, sizeof(sim->fds));
    for (int i = 0; i < SIMFS_NODES; i++) {
        sim->nodes[i].locked = false;
    }
    sim->calls = 0;
    sim->fail_at = 0;
    sim->end_at = 0;
    sim->ended = false;
}

static unsigned coin(unsigned *state, unsigned sides)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 16) % sides;
}

/* Whether something that was not synced is kept; 2: in part. */
static unsigned kept(unsigned way, unsigned *state, bool is_name)
{
    switch (way) {
    case SIMFS_LOSE_ALL:
        return 0;
    case SIMFS_KEEP_ALL:
        return 1;
    case SIMFS_KEEP_NAMES:
        return is_name ? 1 : 0;
    default:
        return coin(state, is_name ? 2 : 3);
    }
}

static void cut_file(struct simfs_node *node, unsigned keep)
{
    if (keep == 2) { /* new length, and zeros where the rest of the data would be */
        memset(node->now.bytes + node->now.len / 2, 0, node->now.len - node->now.len / 2);
    }
    if (keep == 0) {
        simfs_data_copy(&node->now, &node->disk);
    }
    simfs_data_copy(&node->disk, &node->now);
}

void simfs_power_cut(struct simfs *sim, unsigned way)
{
    unsigned state = way;
    for (int i = 0; i < SIMFS_NODES; i++) {
        struct simfs_node *node = &sim->nodes[i];
        bool same =
            node->now.len == node->disk.len && node->now.mode == node->disk.mode &&
            node->now.uid == node->disk.uid && node->now.gid == node->disk.gid &&
            (node->now.len == 0 || memcmp(node->now.bytes, node->disk.bytes, node->now.len) == 0);
        if (node->used && !node->is_dir && !same) {
            cut_file(node, kept(way, &state, false));
        }
        for (int j = 0; j < SIMFS_ENTRIES; j++) {
            struct simfs_entry *entry = &node->entries[j];
            if (entry->now != entry->disk && kept(way, &state, true) == 0) {
                entry->now = entry->disk;
            }
            entry->disk = entry->now;
        }
        simfs_forget_entries(node);
    }
    simfs_restart(sim);
}
