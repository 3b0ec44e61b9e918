/*
 * Arena: chunks of 4 KiB (larger for larger requests), newest first, bumped from the front.
 */
#include "core/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EMULATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EMULATE 1
#endif
#endif

enum {
	CHUNK_BYTES = 4096
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, cap; /* of bytes[] */
	alignas(max_align_t) char bytes[];
};

struct arena_cleanup {
	struct arena_cleanup *next;
	void (*fn)(void *arg);
	void *arg;
};

void arena_reset(struct arena *a)
{
	while (a->cleanups != NULL) {
		struct arena_cleanup *c = a->cleanups;
		a->cleanups = c->next;
		c->fn(c->arg);
	}
	while (a->chunks != NULL) {
		struct arena_chunk *c = a->chunks;
		a->chunks = c->next;
		free(c);
	}
	a->used = 0;
}

static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
	size_t cap = need;
	size_t left = a->max > a->used ? a->max - a->used : 0;

	if (left < sizeof(struct arena_chunk) || need > left - sizeof(struct arena_chunk)) {
		return NULL;
	}
#ifndef ARENA_EMULATE
	/* A whole chunk; what is left of the maximum, if that is less. */
	size_t whole = left < CHUNK_BYTES ? left : CHUNK_BYTES;
	if (cap < whole - sizeof(struct arena_chunk)) {
		cap = whole - sizeof(struct arena_chunk);
	}
#endif
	size_t total = cap + sizeof(struct arena_chunk);
	struct arena_chunk *c = calloc(1, total);
	if (c == NULL) {
		return NULL;
	}
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	a->used += total;
	return c;
}

/* A chunk with need bytes left; in sanitizer builds always a new one. */
static struct arena_chunk *chunk_with_room(struct arena *a, size_t need)
{
#ifndef ARENA_EMULATE
	struct arena_chunk *newest = a->chunks;

	if (newest != NULL && newest->cap - newest->used >= need) {
		return newest;
	}
#endif
	return add_chunk(a, need);
}

void *arena_alloc(struct arena *a, size_t len)
{
	const size_t align = alignof(max_align_t);

	if (len > SIZE_MAX / 2) {
		return NULL;
	}
	size_t need = len == 0 ? align : len;
#ifndef ARENA_EMULATE
	need = (need + align - 1) & ~(align - 1);
#endif
	struct arena_chunk *c = chunk_with_room(a, need);
	if (c == NULL) {
		return NULL;
	}
	void *p = c->bytes + c->used;
	c->used += need;
	return p;
}

enum err arena_copy(struct arena *a, struct slice s, struct slice *ret)
{
	char *p = arena_alloc(a, s.len + 1);

	if (p == NULL) {
		return ERR_MEMORY;
	}
	if (s.len > 0) {
		memcpy(p, s.ptr, s.len);
	}
	*ret = (struct slice){ p, s.len };
	return ERR_OK;
}

const char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(len >= 0);
	char *p = arena_alloc(a, (size_t)len + 1);
	if (p != NULL) {
		vsnprintf(p, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	return p;
}

enum err arena_defer(struct arena *a, void (*fn)(void *arg), void *arg)
{
	struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	*c = (struct arena_cleanup){ .next = a->cleanups, .fn = fn, .arg = arg };
	a->cleanups = c;
	return ERR_OK;
}

static void free_buf(void *arg)
{
	buf_free(arg);
}

struct buf *arena_buf(struct arena *a, size_t max)
{
	struct buf *b = arena_alloc(a, sizeof(*b));

	if (b == NULL) {
		return NULL;
	}
	*b = buf_new(max);
	return arena_defer(a, free_buf, b) == ERR_OK ? b : NULL;
}
