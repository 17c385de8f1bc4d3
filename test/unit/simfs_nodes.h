/*
 * What simfs.c shares with simfs_calls.c. Nodes are numbers in simfs->nodes; -1: none.
 */
#ifndef TEST_UNIT_SIMFS_NODES_H
#define TEST_UNIT_SIMFS_NODES_H

#include "unit/simfs.h"

void simfs_data_copy(struct simfs_data *to, const struct simfs_data *from);
int simfs_new_node(struct simfs *sim, bool is_dir, mode_t mode);
struct simfs_entry *simfs_make_entry(struct simfs *sim, int dir, const char *name);
/* Frees the places of names that neither the directory nor the disk has any more. */
void simfs_forget_entries(struct simfs_node *node);
int simfs_lookup(struct simfs *sim, int dir, const char *name);
/* By absolute path; ret_dir and ret_name (may be NULL): the last part's place. */
int simfs_resolve(struct simfs *sim, const char *path, int *ret_dir, const char **ret_name);
void simfs_visit_names(const struct simfs_node *node, void (*visit)(void *arg, const char *name),
                       void *arg);

#endif
