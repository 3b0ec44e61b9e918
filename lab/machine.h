/*
 * The machine that a figure was measured on, so that figures of different ones are not compared.
 */
#ifndef PLIMSOLL_LAB_MACHINE_H
#define PLIMSOLL_LAB_MACHINE_H

#include <stdint.h>

enum {
	MACHINE_TEXT_BYTES = 128
};

struct machine {
	char cpu[MACHINE_TEXT_BYTES], kernel[MACHINE_TEXT_BYTES]; /* what the kernel calls them */
	unsigned cores;
	uint64_t memory_bytes;
};

/* What cannot be read is empty or 0. No name of the host: reports are mailed. */
struct machine machine_read(void);

#endif
