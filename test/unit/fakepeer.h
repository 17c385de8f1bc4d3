/*
 * The scripted servers of test/fake/unitpeer.py, as a child process that is asked line by line.
 *
 * Start it before the test runner forks: all tests share it, each with servers of its own name.
 */
#ifndef TEST_UNIT_FAKEPEER_H
#define TEST_UNIT_FAKEPEER_H

/* `module`: "fake.unitpeer", or another of test/fake with the same manners. */
void fakepeer_start(const char *module);
void fakepeer_stop(void);
/* Sends one command and returns the answer's line; the caller frees. */
char *fakepeer_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As fakepeer_ask, for an answer that is a number. */
int fakepeer_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The text of ca.pem, other-ca.pem, client.pem or client.key; the caller frees. */
char *fakepeer_pem(const char *name);

#endif
