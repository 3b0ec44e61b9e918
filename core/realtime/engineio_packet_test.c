/*
 * Packets of Engine.IO and bodies of long polling.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/realtime/engineio_packet.h"

static void packets(void **state)
{
	static const char *const wrong[] = { "", "7", "abc", "x1", "\x1e" };
	struct engineio_packet p;

	(void)state;
	assert_int_equal(engineio_parse(SLICE("4hello"), &p), ERR_OK);
	assert_true(p.type == ENGINEIO_MESSAGE && !p.binary && slice_eq(p.data, SLICE("hello")));
	assert_int_equal(engineio_parse(SLICE("2probe"), &p), ERR_OK);
	assert_true(p.type == ENGINEIO_PING && slice_eq(p.data, SLICE("probe")));
	assert_int_equal(engineio_parse(SLICE("bAQIDBA=="), &p), ERR_OK);
	assert_true(p.type == ENGINEIO_MESSAGE && p.binary);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(engineio_parse(slice_str(wrong[i]), &p), ERR_SYNTAX);
	}
}

static void bodies(void **state)
{
	struct buf body = buf_new(100), bytes = buf_new(100);

	(void)state;
	engineio_join(&body, false, SLICE("4a"));
	engineio_join(&body, true, SLICE_OF("\x01\x02\x03\x04", 4));
	engineio_join(&body, false, SLICE("2"));
	assert_true(slice_eq(buf_slice(&body), SLICE("4a\x1e"
						     "bAQIDBA==\x1e"
						     "2")));
	assert_int_equal(engineio_decode(SLICE("AQIDBA=="), &bytes), ERR_OK);
	assert_true(slice_eq(buf_slice(&bytes), SLICE_OF("\x01\x02\x03\x04", 4)));
	assert_int_equal(engineio_decode(SLICE("AQIDBA"), &bytes), ERR_SYNTAX);
	assert_int_equal(engineio_decode(SLICE("AQ*DBA=="), &bytes), ERR_SYNTAX);
	buf_free(&body);
	buf_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets),
		cmocka_unit_test(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
