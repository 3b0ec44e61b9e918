/*
 * The machine that a figure was measured on, so that figures of different ones are not compared.
 */
#ifndef PLIMSOLL_LAB_MACHINE_H
#define PLIMSOLL_LAB_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"

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

/* As one object; reading takes what is there. */
void machine_put_json(const struct machine *m, struct json_writer *w);
struct machine machine_of_json(const struct json *v);

/* Whether figures of the two may be compared: the same processors, as many, as much memory. */
bool machine_is_like(const struct machine *a, const struct machine *b);

#endif
