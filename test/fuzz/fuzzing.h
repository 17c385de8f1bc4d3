/* What fuzzers share. */
#ifndef FUZZ_FUZZING_H
#define FUZZ_FUZZING_H

#include <stddef.h>
#include <stdint.h>

/* Ends the process where a property does not hold. */
void fuzz_require(int condition);
/* The input behind a head, without a NUL, so that AddressSanitizer sees overruns; caller frees. */
char *fuzz_join(const char *head, const uint8_t *data, size_t size, size_t *ret_len);

#endif
