/*
 * Shared messages: one encoding for all, what may be dropped goes, what a socket has been offered
 * stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/http/ws_out.h"

static struct ws_out *text(const char *s)
{
	struct slice part = slice_str(s);
	struct ws_out *o = ws_out_new(WS_TEXT, &part, 1);

	assert_non_null(o);
	return o;
}

static void push(struct ws_queue *b, const char *s, bool droppable)
{
	struct ws_out *o = text(s);

	assert_int_equal(ws_queue_push(b, o, droppable), ERR_OK);
	ws_out_unref(&o);
}

static void one_encoding_for_all_receivers(void **state)
{
	struct ws_queue a = { .first = NULL }, b = { .first = NULL };
	const struct slice parts[] = { SLICE("42"), SLICE("[\"hug\"]") };
	struct ws_out *o = ws_out_new(WS_TEXT, parts, 2);
	struct iovec first, second;

	(void)state;
	assert_int_equal(ws_queue_push(&a, o, false), ERR_OK);
	assert_int_equal(ws_queue_push(&b, o, false), ERR_OK);
	assert_true(slice_eq(ws_out_payload(o), SLICE("42[\"hug\"]")));
	ws_out_unref(&o);
	assert_int_equal(ws_queue_parts(&a, &first, 1), 1);
	assert_int_equal(ws_queue_parts(&b, &second, 1), 1);
	assert_ptr_equal(first.iov_base, second.iov_base);
	assert_int_equal(first.iov_len, 2 + 9);
	ws_queue_clear(&a);
	ws_queue_wrote(&b, 11);
	assert_true(ws_queue_is_empty(&a) && ws_queue_is_empty(&b));
	assert_int_equal(a.bytes + b.bytes, 0);
}

static void what_may_be_lost_is_dropped_unless_it_has_been_offered(void **state)
{
	struct ws_queue b = { .first = NULL };
	struct iovec parts[2];

	(void)state;
	push(&b, "typing 1", true);
	push(&b, "message", false);
	assert_int_equal(ws_queue_parts(&b, parts, 1), 1);
	push(&b, "typing 2", true);
	push(&b, "typing 3", true);
	assert_int_equal(ws_queue_drop(&b), 2);
	assert_int_equal(b.n, 2);
	push(&b, "last", false);
	ws_queue_wrote(&b, 10); /* the first frame */
	assert_true(slice_eq(ws_out_payload(ws_queue_first(&b)), SLICE("message")));
	ws_queue_wrote(&b, 4);
	assert_int_equal(ws_queue_parts(&b, parts, 2), 2);
	assert_int_equal(parts[0].iov_len, 9 - 4);
	assert_int_equal(parts[1].iov_len, 6);
	ws_queue_forget(&b);
	assert_int_equal(b.n, 2); /* both are with the socket */
	ws_queue_clear(&b);
	assert_int_equal(b.bytes, 0);
}

static void moving_keeps_the_order(void **state)
{
	struct ws_queue from = { .first = NULL }, to = { .first = NULL };

	(void)state;
	push(&to, "a", false);
	ws_queue_move(&to, &from);
	push(&from, "b", false);
	push(&from, "c", false);
	ws_queue_move(&to, &from);
	assert_true(ws_queue_is_empty(&from));
	for (const char *want = "abc"; *want != '\0'; want++) {
		assert_int_equal(*ws_out_payload(ws_queue_first(&to)).ptr, *want);
		ws_queue_pop(&to);
	}
	push(&to, "d", false);
	assert_int_equal(to.n, 1);
	ws_queue_clear(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_encoding_for_all_receivers),
		cmocka_unit_test(what_may_be_lost_is_dropped_unless_it_has_been_offered),
		cmocka_unit_test(moving_keeps_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
