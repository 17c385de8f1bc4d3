#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/status.h"
#include "base/alloc.h"
#include "base/timefmt.h"

enum {
    COLUMNS_MAX = 6
};

struct table {
    size_t columns;
    size_t widths[COLUMNS_MAX];
    struct json_object *rows; /* arrays of strings */
};

static void add_row(struct table *table, const char *const cells[])
{
    struct json_object *row = json_new_array();
    for (size_t i = 0; i < table->columns; i++) {
        size_t width = strlen(cells[i]);
        table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        json_append_take(row, json_new_str(cells[i]));
    }
    json_append_take(table->rows, row);
}

/* The last column is not padded. */
static void print_take(FILE *out, struct table *table)
{
    for (size_t i = 0; i < json_array_len(table->rows); i++) {
        const struct json_object *row = json_array_at(table->rows, i);
        for (size_t k = 0; k < table->columns; k++) {
            bool last = k + 1 == table->columns;
            fprintf(out, "%-*s%s", last ? 0 : (int)table->widths[k],
                    json_str(json_array_at(row, k)), last ? "\n" : "   ");
        }
    }
    json_unref(table->rows);
}

/* How long ago, in its largest unit: "3m". */
static void print_age(const struct json_object *row, const char *name, int64_t wall_ms,
                      char out[TIMEFMT_SIZE])
{
    static const struct {
        int64_t ms;
        char unit;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
    int64_t when;
    const char *text = json_get_str(row, name);
    if (text == NULL || timefmt_parse(text, &when) < 0) {
        snprintf(out, TIMEFMT_SIZE, "-");
        return;
    }
    int64_t age = wall_ms > when ? wall_ms - when : 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (age >= units[i].ms || i + 1 == ARRAY_LEN(units)) {
            snprintf(out, TIMEFMT_SIZE, "%" PRId64 "%c", age / units[i].ms, units[i].unit);
            return;
        }
    }
}

static char *message_of(const struct json_object *row, int64_t wall_ms)
{
    char ago[TIMEFMT_SIZE];
    const char *held = json_get_str(row, "heldBy");
    const char *undone = json_get_str(row, "undoneBy");
    const char *message = json_get_str_or(row, "message", "");
    if (held != NULL) {
        return xasprintf("%s: %s", held, message);
    }
    if (undone != NULL) {
        print_age(row, "undoneAt", wall_ms, ago);
        return xasprintf("last undone %s ago by %s%s%s", ago, undone, *message != '\0' ? "; " : "",
                         message);
    }
    return xstrdup(message);
}

static void adjustments_table(FILE *out, const struct json_object *rows, int64_t wall_ms)
{
    struct table table = {.columns = 5, .rows = json_new_array()};
    add_row(&table, (const char *const[]){"ADJUSTMENT", "MODE", "STATE", "SINCE", "MESSAGE"});
    for (size_t i = 0; i < json_array_len(rows); i++) {
        const struct json_object *row = json_array_at(rows, i);
        char since[TIMEFMT_SIZE];
        AUTO_FREE char *message = message_of(row, wall_ms);
        print_age(row, "since", wall_ms, since);
        add_row(&table, (const char *const[]){json_get_str_or(row, "adjustment", ""),
                                              json_get_str_or(row, "mode", ""),
                                              json_get_str_or(row, "state", ""), since, message});
    }
    print_take(out, &table);
}

static char *count_of(const struct json_object *row, const char *name)
{
    return xasprintf("%" PRId64, json_get_int(row, name, 0));
}

static void pools_table(FILE *out, const struct json_object *rows)
{
    struct table table = {.columns = 5, .rows = json_new_array()};
    add_row(&table, (const char *const[]){"POOL", "NODES", "LIVE", "DAEMONSET", "DEPLOYMENT"});
    for (size_t i = 0; i < json_array_len(rows); i++) {
        const struct json_object *row = json_array_at(rows, i);
        const char *pool = json_get_str_or(row, "pool", "");
        AUTO_FREE char *nodes = count_of(row, "nodes");
        AUTO_FREE char *live = count_of(row, "live");
        AUTO_FREE char *daemonset = count_of(row, "daemonSetPods");
        AUTO_FREE char *deployment = count_of(row, "deploymentPods");
        add_row(&table, (const char *const[]){*pool != '\0' ? pool : "(in no pool)", nodes, live,
                                              daemonset, deployment});
    }
    print_take(out, &table);
}

static void nodes_table(FILE *out, const struct json_object *rows, int64_t wall_ms)
{
    struct table table = {.columns = 6, .rows = json_new_array()};
    add_row(&table, (const char *const[]){"CONTROL PLANE NODE", "MANIFEST", "MODE", "STATE",
                                          "SINCE", "MESSAGE"});
    for (size_t i = 0; i < json_array_len(rows); i++) {
        const struct json_object *row = json_array_at(rows, i);
        char since[TIMEFMT_SIZE];
        print_age(row, "since", wall_ms, since);
        add_row(&table, (const char *const[]){
                            json_get_str_or(row, "node", ""), json_get_str_or(row, "manifest", "-"),
                            json_get_str_or(row, "mode", "-"), json_get_str_or(row, "state", "-"),
                            since, json_get_str_or(row, "message", "")});
    }
    print_take(out, &table);
}

void status_table(FILE *out, const struct json_object *status, int64_t wall_ms)
{
    adjustments_table(out, json_member(status, "adjustments"), wall_ms);
    fputs("\nReady DNS pods on live nodes:\n\n", out);
    pools_table(out, json_member(status, "pools"));
    const struct json_object *nodes = json_member(status, "controlPlaneNodes");
    if (json_array_len(nodes) > 0) {
        fputs("\n", out);
        nodes_table(out, nodes, wall_ms);
    }
}
