/*
 * Numbers as most file formats have them: the lowest byte first.
 */
#ifndef PLIMSOLL_SYMBOLS_LITTLE_H
#define PLIMSOLL_SYMBOLS_LITTLE_H

#include <stdint.h>

/* Of up to eight bytes. */
static inline uint64_t little_number(const unsigned char *p, unsigned bytes)
{
	uint64_t n = 0;

	for (unsigned i = bytes; i > 0; i--) {
		n = n << 8 | p[i - 1];
	}
	return n;
}

#endif
