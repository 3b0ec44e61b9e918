/*
 * The other resolver, for tests: reads the whole text of a .sym by the C library's means, keeps
 * every record, and answers by going through all of them. It shares no code with the parser and the
 * index.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_SLOW_H
#define PLIMSOLL_SYMBOLS_SYM_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SLOW_CALLS_MAX = 65
};

struct slow_sym;

/* A copy of the text is kept. Never NULL. */
struct slow_sym *slow_sym_new(const char *text, size_t len);
void slow_sym_free(struct slow_sym *s);

struct slow_call {
	const char *function, *file; /* NULL: not known */
	uint32_t line;
};

struct slow_found {
	uint64_t start, size;
	struct slow_call calls[SLOW_CALLS_MAX]; /* the outermost first */
	size_t n_calls;				/* 0: nothing is known */
};

void slow_sym_find(const struct slow_sym *s, uint64_t offset, struct slow_found *ret);

/* Addresses that are worth asking for: where something begins or ends. */
size_t slow_sym_edges(const struct slow_sym *s, uint64_t *out, size_t max);

#endif
