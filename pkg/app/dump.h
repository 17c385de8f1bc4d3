/*
 * Objects from files: what `kubectl get -o yaml` writes, Lists and several documents included.
 */
#ifndef APP_DUMP_H
#define APP_DUMP_H

#include "app/world.h"
#include "base/err.h"

/*
 * Fills the world from a file, a directory (its *.yaml, *.yml and *.json, sorted), or "-" for
 * standard input. Every store counts as listed afterwards. Errors name the file.
 */
int dump_load(struct world *world, const char *path, struct err *err) MUST_CHECK;

#endif
