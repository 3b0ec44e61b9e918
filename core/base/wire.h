/*
 * Typed append and take for messages between our own roles: little-endian fixed-width integers and
 * length-prefixed bytes. Writing goes to a struct buf (which remembers overflow). Reading past the
 * end marks the reader bad and yields zeros; check wire_done() once at the end. A bad message from
 * a sibling role is a broken invariant; a bad one from a file or the network is an error.
 */
#ifndef PLIMSOLL_BASE_WIRE_H
#define PLIMSOLL_BASE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"

void wire_put_u8(struct buf *b, uint8_t n);
void wire_put_u32(struct buf *b, uint32_t n);
void wire_put_u64(struct buf *b, uint64_t n);
void wire_put_i64(struct buf *b, int64_t n);
void wire_put_bytes(struct buf *b, struct slice s); /* u32 length, then the bytes */

struct wire_reader {
	struct slice rest;
	bool bad;
};

static inline struct wire_reader wire_reader_new(struct slice message)
{
	return (struct wire_reader){ .rest = message };
}

uint8_t wire_take_u8(struct wire_reader *r);
uint32_t wire_take_u32(struct wire_reader *r);
uint64_t wire_take_u64(struct wire_reader *r);
int64_t wire_take_i64(struct wire_reader *r);
/* Borrowed from the message. */
struct slice wire_take_bytes(struct wire_reader *r);

/* True when nothing was read past the end and nothing is left over. */
bool wire_done(const struct wire_reader *r);

#endif
