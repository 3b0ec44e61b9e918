/*
 * The frame codec: what is encoded comes back, every cut and every damage is noticed.
 */
#include "core/rpc/frame.h"

#include <string.h>

#include "core/rpc/fixture.h"

enum {
	ANY = RPC_FRAME_BIT(RPC_FRAME_REQUEST) | RPC_FRAME_BIT(RPC_FRAME_REPLY) |
	      RPC_FRAME_BIT(RPC_FRAME_CANCEL) | RPC_FRAME_BIT(RPC_FRAME_REPORT)
};

static const struct rpc_frame samples[] = {
	{ .kind = RPC_FRAME_REQUEST,
	    .type = ROW_ECHO,
	    .flags = RPC_IDEMPOTENT,
	    .id = 1ull << 40 | 7,
	    .trace = UINT64_MAX,
	    .deadline_us = INT64_MAX,
	    .payload = { "hello", 5 } },
	{ .kind = RPC_FRAME_REQUEST,
	    .type = ROW_ONCE,
	    .id = 1,
	    .deadline_us = 1,
	    .payload = { "", 0 } },
	{ .kind = RPC_FRAME_REPLY,
	    .type = ROW_ECHO,
	    .id = 9,
	    .trace = 3,
	    .waiting = 12,
	    .wait_us = 345678,
	    .seen = UINT32_MAX,
	    .run_us = 99,
	    .cpu_permille = 1000,
	    .payload = { "world", 5 } },
	{ .kind = RPC_FRAME_REPLY,
	    .type = ROW_COURIER,
	    .status = ERR_TOO_BUSY,
	    .id = 9,
	    .payload = { "full", 4 } },
	{ .kind = RPC_FRAME_CANCEL,
	    .type = ROW_COURIER,
	    .id = 77,
	    .trace = 5,
	    .payload = { "", 0 } },
	{ .kind = RPC_FRAME_REPORT,
	    .waiting = 3,
	    .wait_us = RPC_WAIT_CLOSED,
	    .seen = 8,
	    .payload = { "", 0 } },
};
enum {
	N_SAMPLES = sizeof(samples) / sizeof(samples[0])
};

static void assert_same(const struct rpc_frame *a, const struct rpc_frame *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->status, b->status);
	assert_true(a->id == b->id && a->trace == b->trace);
	assert_true(a->deadline_us == b->deadline_us && a->wait_us == b->wait_us);
	assert_int_equal(a->waiting, b->waiting);
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->run_us, b->run_us);
	assert_int_equal(a->cpu_permille, b->cpu_permille);
	assert_true(slice_eq(a->payload, b->payload));
}

static void every_kind_comes_back_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < N_SAMPLES; i++) {
		struct buf out = buf_new(1000);
		struct rpc_frame got;
		size_t bytes = 0;
		rpc_frame_encode(&out, &samples[i]);
		assert_int_equal(out.len, rpc_frame_bytes(&samples[i]));
		buf_append_str(&out, "the next frame");
		assert_int_equal(
		    rpc_frame_decode(&fixture_registry, ANY, buf_slice(&out), &got, &bytes),
		    ERR_OK);
		assert_int_equal(bytes, rpc_frame_bytes(&samples[i]));
		assert_same(&got, &samples[i]);
		buf_free(&out);
	}
}

static void a_cut_frame_asks_for_the_rest(void **state)
{
	struct buf out = buf_new(1000);
	struct rpc_frame got;

	(void)state;
	rpc_frame_encode(&out, &samples[0]);
	for (size_t len = 0; len < out.len; len++) {
		size_t bytes = 0;
		struct slice cut = slice_sub(buf_slice(&out), 0, len);
		assert_int_equal(
		    rpc_frame_decode(&fixture_registry, ANY, cut, &got, &bytes), ERR_AGAIN);
		assert_int_equal(
		    bytes, len < RPC_HEADER_BYTES ? (size_t)RPC_HEADER_BYTES : out.len);
	}
	buf_free(&out);
}

/* Overwrites len bytes at offset at of sample i and says what the decoder makes of it. */
static enum err damaged(int i, size_t at, uint64_t value, size_t len)
{
	struct buf out = buf_new(5000);
	struct rpc_frame got;
	size_t bytes = 0;

	rpc_frame_encode(&out, &samples[i]);
	memcpy(out.data + at, &value, len);
	enum err e = rpc_frame_decode(&fixture_registry, ANY, buf_slice(&out), &got, &bytes);
	buf_free(&out);
	return e;
}

static void each_damaged_field_is_refused(void **state)
{
	(void)state;
	assert_int_equal(damaged(0, 4, 0x5050, 2), ERR_SYNTAX); /* magic */
	assert_int_equal(damaged(0, 6, 2, 1), ERR_SYNTAX);	/* version */
	assert_int_equal(damaged(0, 7, 0, 1), ERR_SYNTAX);	/* kind */
	assert_int_equal(damaged(0, 7, 5, 1), ERR_SYNTAX);
	assert_int_equal(damaged(0, 7, 255, 1), ERR_SYNTAX);
	assert_int_equal(damaged(0, 8, ROW_COUNT, 2), ERR_SYNTAX); /* type */
	assert_int_equal(damaged(0, 10, 0, 1), ERR_SYNTAX);	   /* flags of another table */
	assert_int_equal(damaged(0, 11, 1, 1), ERR_SYNTAX);	   /* status in a request */
	assert_int_equal(damaged(0, 12, 1, 4), ERR_SYNTAX);	   /* queue state in a request */
	assert_int_equal(damaged(0, 40, 1, 4), ERR_SYNTAX);
	assert_int_equal(damaged(0, 44, 1, 4), ERR_SYNTAX);
	assert_int_equal(damaged(0, 16, 0, 8), ERR_SYNTAX); /* id */
	assert_int_equal(damaged(0, 24, 0, 8), ERR_SYNTAX); /* deadline */
	assert_int_equal(damaged(0, 24, UINT64_MAX, 8), ERR_SYNTAX);
	assert_int_equal(damaged(2, 10, 1, 1), ERR_SYNTAX); /* flags in a reply */
	assert_int_equal(damaged(2, 11, ERR_COUNT, 1), ERR_SYNTAX);
	assert_int_equal(damaged(2, 24, UINT64_MAX, 8), ERR_SYNTAX); /* negative wait */
	assert_int_equal(damaged(4, 24, 1, 8), ERR_SYNTAX); /* deadline in a cancellation */
	assert_int_equal(damaged(4, 0, 1, 4), ERR_LIMIT);   /* content in a cancellation */
	assert_int_equal(damaged(5, 16, 1, 8), ERR_SYNTAX); /* a report answers nothing */
	assert_int_equal(damaged(5, 8, 1, 2), ERR_SYNTAX);
	assert_int_equal(damaged(5, 24, UINT64_MAX, 8), ERR_SYNTAX);
	assert_int_equal(damaged(5, 44, 1, 4), ERR_SYNTAX);
	assert_int_equal(damaged(5, 0, 1, 4), ERR_LIMIT);
}

static void lengths_beyond_the_row_are_refused_at_the_header(void **state)
{
	(void)state;
	assert_int_equal(damaged(0, 0, FIXTURE_MAX, 4), ERR_AGAIN);
	assert_int_equal(damaged(0, 0, FIXTURE_MAX + 1, 4), ERR_LIMIT);
	assert_int_equal(damaged(2, 0, FIXTURE_MAX, 4), ERR_AGAIN);
	assert_int_equal(damaged(2, 0, UINT32_MAX, 4), ERR_LIMIT);
	assert_int_equal(damaged(3, 0, RPC_NOTE_BYTES, 4), ERR_AGAIN); /* an error's text */
	assert_int_equal(damaged(3, 0, RPC_NOTE_BYTES + 1, 4), ERR_LIMIT);
}

static void kinds_that_may_not_come_are_refused(void **state)
{
	struct buf out = buf_new(1000);
	struct rpc_frame got;
	size_t bytes = 0;

	(void)state;
	rpc_frame_encode(&out, &samples[0]);
	assert_int_equal(rpc_frame_decode(&fixture_registry, RPC_FRAME_BIT(RPC_FRAME_REPLY),
			     buf_slice(&out), &got, &bytes),
	    ERR_SYNTAX);
	buf_free(&out);
}

static void the_largest_frame_is_the_largest_row(void **state)
{
	static const struct rpc_registry none = { NULL, 0 };

	(void)state;
	assert_int_equal(rpc_frame_max_bytes(&fixture_registry, RPC_FRAME_BIT(RPC_FRAME_REQUEST)),
	    RPC_HEADER_BYTES + (1 << 20));
	assert_int_equal(rpc_frame_max_bytes(&none, RPC_FRAME_BIT(RPC_FRAME_REPLY)),
	    RPC_HEADER_BYTES + RPC_NOTE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_was),
		cmocka_unit_test(a_cut_frame_asks_for_the_rest),
		cmocka_unit_test(each_damaged_field_is_refused),
		cmocka_unit_test(lengths_beyond_the_row_are_refused_at_the_header),
		cmocka_unit_test(kinds_that_may_not_come_are_refused),
		cmocka_unit_test(the_largest_frame_is_the_largest_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
