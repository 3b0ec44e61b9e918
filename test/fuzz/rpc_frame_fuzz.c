/*
 * Frames between roles. The first byte says which kinds the reader takes; the rest is the stream.
 * What decodes must lie inside the input and its row's limits, and encode to the same bytes; a
 * verdict must not depend on how much of the stream has arrived yet.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/rpc/frame.h"

static const struct rpc_def rows[] = {
	{ .name = "a", .to = ROLE_STORE, .max_req = 100, .max_rep = 20, .flags = RPC_TXN },
	{ .name = "b", .to = ROLE_SIGNER, .max_req = 0, .max_rep = 5000, .flags = RPC_IDEMPOTENT },
	{ .name = "c", .to = ROLE_COMPUTE, .max_req = 3000, .max_rep = 0 },
};
static const struct rpc_def *const list[] = { &rows[0], &rows[1], &rows[2] };
static const struct rpc_registry registry = { list, 3 };

static size_t limit_of(const struct rpc_frame *f)
{
	if (f->kind == RPC_FRAME_REQUEST) {
		return rows[f->type].max_req;
	}
	if (f->kind == RPC_FRAME_CANCEL || f->kind == RPC_FRAME_REPORT) {
		return 0;
	}
	return f->status == ERR_OK ? rows[f->type].max_rep : RPC_NOTE_BYTES;
}

static void check_frame(const struct rpc_frame *f, unsigned kinds, struct slice in, size_t bytes)
{
	struct buf again = buf_new(RPC_HEADER_BYTES + 5000);

	CHECK(bytes >= RPC_HEADER_BYTES && bytes <= in.len && bytes == rpc_frame_bytes(f));
	CHECK(bytes <= rpc_frame_max_bytes(&registry, kinds));
	CHECK((kinds & RPC_FRAME_BIT(f->kind)) != 0 && f->type < registry.n);
	CHECK((f->id == 0) == (f->kind == RPC_FRAME_REPORT));
	CHECK(f->payload.ptr == in.ptr + RPC_HEADER_BYTES && f->payload.len <= limit_of(f));
	CHECK(f->status < ERR_COUNT && f->wait_us >= 0 && f->deadline_us >= 0);
	rpc_frame_encode(&again, f);
	CHECK(slice_eq(buf_slice(&again), slice_sub(in, 0, bytes)));
	buf_free(&again);
}

/* With less of the stream, the same frame is awaited or was refused for the same reason. */
static void check_prefix(unsigned kinds, struct slice in, size_t len, enum err whole)
{
	struct rpc_frame f;
	size_t bytes = 0;
	enum err e = rpc_frame_decode(&registry, kinds, slice_sub(in, 0, len), &f, &bytes);

	CHECK(e == whole || e == ERR_AGAIN);
	CHECK(e != ERR_AGAIN || bytes > len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	const unsigned kinds = data[0];
	struct slice in = SLICE_OF(data + 1, size - 1);
	struct rpc_frame f;
	size_t bytes = 0;
	enum err e;

	do {
		e = rpc_frame_decode(&registry, kinds, in, &f, &bytes);
		check_prefix(kinds, in, in.len / 2, e);
		check_prefix(kinds, in, in.len < RPC_HEADER_BYTES ? in.len : RPC_HEADER_BYTES, e);
		if (e == ERR_OK) {
			check_frame(&f, kinds, in, bytes);
			in = slice_sub(in, bytes, in.len);
		}
	} while (e == ERR_OK);
	CHECK(e == ERR_AGAIN || e == ERR_SYNTAX || e == ERR_LIMIT);
	CHECK(e != ERR_AGAIN || bytes > in.len);
	return 0;
}
