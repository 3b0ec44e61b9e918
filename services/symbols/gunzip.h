/*
 * Reading at any place of a file in gzip form, without unpacking it to anywhere: forward by
 * unpacking on, a little backward from what is still at hand, further back by beginning anew. For
 * readers that look at few places, such as that of ELF files; how often it begins anew is bounded.
 */
#ifndef PLIMSOLL_SYMBOLS_GUNZIP_H
#define PLIMSOLL_SYMBOLS_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum {
	GUNZIP_READ_MAX = 64 * 1024, /* bytes of one read */
	GUNZIP_PASSES_MAX = 4
};

struct gunzip;

/* len bytes of a descriptor, the caller's, from at on; content beyond max bytes is ERR_LIMIT. */
NODISCARD enum err gunzip_open(
    int fd, uint64_t at, uint64_t len, uint64_t max, struct gunzip **ret);
void gunzip_close(struct gunzip **g);

/*
 * Reads exactly len bytes at a place of the content; arg is the struct gunzip. ERR_INVALID: they
 * are not there, or the file is damaged; ERR_LIMIT: too many passes, or beyond max; ERR_IO.
 */
NODISCARD enum err gunzip_read(void *arg, uint64_t at, void *out, size_t len);

/* Goes on to the end: how large the content is. ERR_INVALID: there is something behind its end. */
NODISCARD enum err gunzip_size(struct gunzip *g, uint64_t *ret);

#endif
