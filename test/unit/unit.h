/*
 * What every unit test file shares: one suite, run as a program of its own.
 */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <check.h>

/* ck_assert for loops of many thousands: check writes down where a test is at each of its own. */
#define unit_holds(condition) ((condition) ? (void)0 : ck_abort_msg("%s", #condition))

/* Runs the suite; for main(). Exit status 0 when all passed. */
int unit_main(Suite *suite);
/* The file's text, from test/fixtures or test/golden; ends the test when it can't be read. */
char *unit_read_file(const char *path, size_t *ret_len);
/* Compares with a golden file; with UPDATE_GOLDEN=1 in the environment it is written anew. */
void unit_golden(const char *path, const char *got);

#endif
