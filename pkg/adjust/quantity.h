/*
 * Kubernetes quantities, as far as they stand for CPU and memory: "100m", "0.5", "70Mi". Pure.
 *
 * The API server rewrites a quantity into its shortest form ("1000m" into "1"), so what was asked
 * for and what is there are compared by value.
 */
#ifndef ADJUST_QUANTITY_H
#define ADJUST_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

/*
 * Reads figures, a fraction if there is one, and a suffix m, k, M, G, T, Ki, Mi, Gi, Ti or none,
 * into thousandths. Returns 0, or -1 when it is something else, or too large or fine for that.
 */
int quantity_parse(const char *text, int64_t *ret_milli) MUST_CHECK;
/* By value where both can be read, else by their text. */
bool quantity_same(const char *a, const char *b);

#endif
