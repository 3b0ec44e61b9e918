/*
 * Users who were told to stay away for a while, and how many errors in a row each had. What begins
 * for them in that time does not: real clients are silent then, and a schedule that went on would
 * ask for more than they do.
 */
#ifndef PLIMSOLL_LAB_AWAY_H
#define PLIMSOLL_LAB_AWAY_H

#include <stdint.h>

#include "core/base/err.h"
#include "lab/id_map.h"

/* Zeroed, but for users.max, nobody is away. */
struct away {
	struct id_map users;
};

/* Until then, unless it is longer already. ERR_MEMORY. */
NODISCARD enum err away_set(struct away *a, uint64_t user, int64_t until_us);

/* One more error in a row; how many there are now, 0: no memory to count. */
unsigned away_count_error(struct away *a, uint64_t user);

/* A good answer: errors are forgotten. */
void away_forget_errors(struct away *a, uint64_t user);

/* 0: not away. */
int64_t away_until_us(const struct away *a, uint64_t user);

void away_fini(struct away *a);

#endif
