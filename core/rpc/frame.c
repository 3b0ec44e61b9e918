/*
 * Encoding and decoding of frames. No state, no I/O; fuzzed by test/fuzz/rpc_frame_fuzz.c.
 */
#include "core/rpc/frame.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/check.h"

enum {
	MAGIC = 0x4c50,
	VERSION = 1
};

/* The header as it travels. All fields lie at their natural alignment, there are no gaps. */
struct header {
	uint32_t payload_bytes;
	uint16_t magic;
	uint8_t version, kind;
	uint16_t type;
	uint8_t flags, status;
	uint16_t waiting, cpu_permille;
	uint64_t id;
	int64_t time_us; /* REQUEST: deadline; REPLY, REPORT: expected wait */
	uint64_t trace;
	uint32_t seen, run_us;
};

_Static_assert(sizeof(struct header) == RPC_HEADER_BYTES, "the header has a gap");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire format is little-endian");
_Static_assert((int)ERR_COUNT <= UINT8_MAX, "the status has one byte");
_Static_assert(sizeof(((struct err_note *)NULL)->text) == RPC_NOTE_BYTES + 1, "a note fits");

static bool tells_queue(enum rpc_frame_kind kind)
{
	return kind == RPC_FRAME_REPLY || kind == RPC_FRAME_REPORT;
}

void rpc_frame_encode(struct buf *out, const struct rpc_frame *f)
{
	CHECK(f->payload.len <= UINT32_MAX && f->type <= UINT16_MAX && f->flags <= UINT8_MAX);
	const struct header h = {
		.payload_bytes = (uint32_t)f->payload.len,
		.magic = MAGIC,
		.version = VERSION,
		.kind = (uint8_t)f->kind,
		.type = (uint16_t)f->type,
		.flags = (uint8_t)f->flags,
		.status = (uint8_t)f->status,
		.waiting = f->waiting > UINT16_MAX ? UINT16_MAX : (uint16_t)f->waiting,
		.cpu_permille = f->cpu_permille,
		.id = f->id,
		.time_us = tells_queue(f->kind) ? f->wait_us : f->deadline_us,
		.trace = f->trace,
		.seen = f->seen,
		.run_us = f->run_us,
	};
	char *room = buf_room(out, rpc_frame_bytes(f));

	if (room != NULL) {
		memcpy(room, &h, sizeof(h));
		if (f->payload.len > 0) {
			memcpy(room + sizeof(h), f->payload.ptr, f->payload.len);
		}
		buf_grew(out, rpc_frame_bytes(f));
	}
}

static bool fields_are_valid(const struct header *h, const struct rpc_def *def)
{
	const bool no_queue =
	    h->waiting == 0 && h->cpu_permille == 0 && h->seen == 0 && h->run_us == 0;

	switch ((enum rpc_frame_kind)h->kind) {
	case RPC_FRAME_REQUEST:
		return h->flags == def->flags && h->status == ERR_OK && h->time_us > 0 && no_queue;
	case RPC_FRAME_REPLY:
		return h->flags == 0 && h->status < ERR_COUNT && h->time_us >= 0 &&
		       h->cpu_permille <= 1000;
	case RPC_FRAME_CANCEL:
		return h->flags == 0 && h->status == ERR_OK && h->time_us == 0 && no_queue;
	case RPC_FRAME_REPORT:
		return h->flags == 0 && h->status == ERR_OK && h->time_us >= 0 && h->type == 0 &&
		       h->trace == 0 && h->run_us == 0 && h->cpu_permille == 0;
	default:
		return false;
	}
}

static size_t payload_limit(const struct header *h, const struct rpc_def *def)
{
	switch ((enum rpc_frame_kind)h->kind) {
	case RPC_FRAME_REQUEST:
		return def->max_req;
	case RPC_FRAME_REPLY:
		return h->status == ERR_OK ? def->max_rep : RPC_NOTE_BYTES;
	case RPC_FRAME_CANCEL:
	case RPC_FRAME_REPORT:
	default:
		return 0;
	}
}

static enum err check_header(const struct rpc_registry *reg, unsigned kinds, const struct header *h)
{
	if (h->magic != MAGIC || h->version != VERSION || h->type >= reg->n ||
	    (h->id == 0) != (h->kind == RPC_FRAME_REPORT) || h->kind > RPC_FRAME_REPORT ||
	    (kinds & RPC_FRAME_BIT(h->kind)) == 0) {
		return ERR_SYNTAX;
	}
	const struct rpc_def *def = reg->defs[h->type];
	if (!fields_are_valid(h, def)) {
		return ERR_SYNTAX;
	}
	return h->payload_bytes > payload_limit(h, def) ? ERR_LIMIT : ERR_OK;
}

enum err rpc_frame_decode(const struct rpc_registry *reg, unsigned kinds, struct slice in,
    struct rpc_frame *ret, size_t *ret_bytes)
{
	struct header h;

	if (in.len < sizeof(h)) {
		*ret_bytes = sizeof(h);
		return ERR_AGAIN;
	}
	memcpy(&h, in.ptr, sizeof(h));
	enum err e = check_header(reg, kinds, &h);
	if (e != ERR_OK) {
		return e;
	}
	*ret_bytes = sizeof(h) + h.payload_bytes;
	if (in.len < *ret_bytes) {
		return ERR_AGAIN;
	}
	*ret = (struct rpc_frame){
		.kind = (enum rpc_frame_kind)h.kind,
		.type = h.type,
		.flags = h.flags,
		.status = (enum err)h.status,
		.id = h.id,
		.trace = h.trace,
		.deadline_us = tells_queue((enum rpc_frame_kind)h.kind) ? 0 : h.time_us,
		.waiting = h.waiting,
		.cpu_permille = h.cpu_permille,
		.wait_us = tells_queue((enum rpc_frame_kind)h.kind) ? h.time_us : 0,
		.seen = h.seen,
		.run_us = h.run_us,
		.payload = slice_sub(in, sizeof(h), *ret_bytes),
	};
	return ERR_OK;
}

size_t rpc_frame_max_bytes(const struct rpc_registry *reg, unsigned kinds)
{
	size_t max = (kinds & RPC_FRAME_BIT(RPC_FRAME_REPLY)) != 0 ? RPC_NOTE_BYTES : 0;

	for (unsigned i = 0; i < reg->n; i++) {
		const struct rpc_def *def = reg->defs[i];
		if ((kinds & RPC_FRAME_BIT(RPC_FRAME_REQUEST)) != 0 && def->max_req > max) {
			max = def->max_req;
		}
		if ((kinds & RPC_FRAME_BIT(RPC_FRAME_REPLY)) != 0 && def->max_rep > max) {
			max = def->max_rep;
		}
	}
	return RPC_HEADER_BYTES + max;
}
