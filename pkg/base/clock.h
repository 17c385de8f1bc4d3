/*
 * The two clocks. Only drivers read them; pure code is given the time as a parameter.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds that never step back; no fixed origin. For deadlines and intervals. */
int64_t clock_mono_ms(void);
/* Milliseconds since 1970 UTC. For what others read; may step. */
int64_t clock_wall_ms(void);

#endif
