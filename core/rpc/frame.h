/*
 * Frames between roles: a fixed header of 48 bytes, then the payload. The layout is that of a
 * struct of naturally aligned little-endian fields, so that reading one is a copy. Every field that
 * a kind of frame does not use is zero, and the decoder insists on it: sibling roles are the same
 * program, and whatever deviates is damage. Decoding is a pure function over bytes; whoever reads
 * from a sibling CHECKs its result.
 */
#ifndef PLIMSOLL_RPC_FRAME_H
#define PLIMSOLL_RPC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

enum {
	RPC_HEADER_BYTES = 48,
	RPC_NOTE_BYTES = 199, /* longest text of an error reply */
};

enum rpc_frame_kind {
	RPC_FRAME_REQUEST = 1,
	RPC_FRAME_REPLY = 2,
	RPC_FRAME_CANCEL = 3, /* the caller has given up on the request with this id */
	RPC_FRAME_REPORT = 4, /* the callee's queue state has changed; answers nothing */
};

/* Bit of a kind in masks such as "what this end may receive". */
#define RPC_FRAME_BIT(kind) (1u << (kind))

struct rpc_frame {
	enum rpc_frame_kind kind;
	unsigned type;	 /* index of the row in the registry */
	uint32_t flags;	 /* REQUEST: the row's flags, so that two different tables are noticed */
	enum err status; /* REPLY: the outcome; payload is the note's text if it is an error */
	uint64_t id;	 /* the caller's name for the call; 0 in a REPORT, and only there */
	uint64_t trace;
	int64_t deadline_us; /* REQUEST: monotonic, more than 0 */
	/* REPLY and REPORT: the callee's queue when it was sent. */
	uint32_t waiting; /* requests; 65535: so many or more */
	int64_t wait_us;  /* expected wait of a new request */
	uint32_t seen;	  /* requests that it had received on this channel so far, modulo 2^32 */
	uint32_t run_us;  /* REPLY: what this request took to serve; 0: not known */
	uint16_t cpu_permille; /* of that, in which it had a processor; 0: not known */
	struct slice payload;  /* decoded: borrowed from the input */
};

/* Appends the frame to out, which remembers if it did not fit. */
void rpc_frame_encode(struct buf *out, const struct rpc_frame *f);

/* Bytes that the frame takes on the wire. */
static inline size_t rpc_frame_bytes(const struct rpc_frame *f)
{
	return RPC_HEADER_BYTES + f->payload.len;
}

/*
 * Decodes the frame at the start of in. kinds is a mask of what may come from this peer. On success
 * *ret_bytes is its size. ERR_AGAIN: correct so far but not all there, *ret_bytes is how many bytes
 * in must have to get further (a header, or the frame). ERR_SYNTAX: not a frame, of another
 * version, of a kind that may not come, with a field out of bounds. ERR_LIMIT: payload beyond the
 * row's.
 */
NODISCARD enum err rpc_frame_decode(const struct rpc_registry *reg, unsigned kinds, struct slice in,
    struct rpc_frame *ret, size_t *ret_bytes);

/* The largest frame of one of these kinds that the registry's rows allow. */
size_t rpc_frame_max_bytes(const struct rpc_registry *reg, unsigned kinds);

#endif
