/*
 * Keeps a fault from filling the disk with its own warnings: of one kind (module and event) only
 * the first FLOOD_LINES per second are written; the first one of a later second says how many were
 * left out. Pure over a clock.
 */
#ifndef PLIMSOLL_OBS_LOG_FLOOD_H
#define PLIMSOLL_OBS_LOG_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	FLOOD_LINES = 10,
	FLOOD_KINDS = 16 /* more at once share the last place */
};

struct log_flood {
	struct {
		const char *module, *event; /* literals; told apart by address */
		int64_t second;
		uint64_t lines, left_out;
	} kinds[FLOOD_KINDS];
	unsigned n;
};

/* May this line be written? If so, *ret_left_out were not written before it. */
bool log_flood_admits(struct log_flood *f, const char *module, const char *event, int64_t second,
    uint64_t *ret_left_out);

#endif
