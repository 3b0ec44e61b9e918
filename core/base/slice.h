/*
 * A slice is a borrowed run of bytes: pointer and length, not NUL-terminated, never owned. It is
 * valid as long as the memory it points into; functions that keep one say so.
 */
#ifndef PLIMSOLL_BASE_SLICE_H
#define PLIMSOLL_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/err.h"

struct slice {
	const char *ptr;
	size_t len;
};

/* A slice over a string literal (SLICE) or over anything with a length (SLICE_OF). */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
#define SLICE_OF(p, n) ((struct slice){ (const char *)(p), (n) })
#define SLICE_EMPTY    ((struct slice){ "", 0 })
/* For printf: printf("%.*s", SLICE_ARG(s)). Cuts at INT_MAX. */
#define SLICE_ARG(s) (int)((s).len), (s).ptr

/* A slice over a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice slice_str(const char *s)
{
	return s == NULL ? SLICE_EMPTY : (struct slice){ s, strlen(s) };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytes [from, to) of s; both are cut to the length. */
static inline struct slice slice_sub(struct slice s, size_t from, size_t to)
{
	to = to > s.len ? s.len : to;
	from = from > to ? to : from;
	/* An empty slice may hold a null pointer, to which C allows adding nothing, not even 0. */
	return (struct slice){ from == 0 ? s.ptr : s.ptr + from, to - from };
}

static inline bool slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_sub(s, 0, prefix.len), prefix);
}

static inline bool slice_ends(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

/* Equality with ASCII letters compared without case; other bytes exactly. */
bool slice_eq_nocase(struct slice a, struct slice b);

/* Equality whose time depends only on the lengths: for secrets. */
bool slice_eq_secret(struct slice a, struct slice b);

/* Position of byte c at or after from, or s.len if there is none. */
size_t slice_find(struct slice s, char c, size_t from);

/* s without spaces and tabs at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Cuts the next piece off *rest, up to the separator (which is dropped). False when *rest is used
 * up; a trailing separator yields one last empty piece.
 *	for (struct slice piece, rest = text; slice_split(&rest, ',', &piece);) ...
 */
bool slice_split(struct slice *rest, char separator, struct slice *ret_piece);

/*
 * Decimal digits only (no sign, no space, no empty string) to a number.
 * ERR_SYNTAX: not digits; ERR_LIMIT: greater than max.
 */
NODISCARD enum err slice_to_u64(struct slice s, uint64_t max, uint64_t *ret);

/* Copies s with a NUL behind it into out. ERR_LIMIT if it does not fit or holds a NUL byte. */
NODISCARD enum err slice_to_cstr(struct slice s, char *out, size_t out_size);

#endif
