/*
 * Files for one test, in a directory of its own that goes when the test has passed.
 */
#ifndef TEST_TEMPDIR_H
#define TEST_TEMPDIR_H

#include <stddef.h>

/* The path, owned by the caller until tempdir_destroy(). */
char *tempdir_create(void);
/* Removes it with all that is in it, and frees the path. */
void tempdir_destroy(char *dir);
/* DIR/NAME. Caller frees. */
char *tempdir_path(const char *dir, const char *name);
/* Writes a file below it; directories in the name are made. */
void tempdir_write(const char *dir, const char *name, const char *text);
/* The same with the mode 0755. */
void tempdir_write_script(const char *dir, const char *name, const char *text);
/* Copies a file from `from` (relative to the project's root). */
void tempdir_copy(const char *dir, const char *name, const char *from);

#endif
