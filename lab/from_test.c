/*
 * Lists and ranges of source addresses.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab/from.h"

static void lists_and_ranges(void **state)
{
	struct from f = { 0 };
	struct err_note note = { 0 };
	struct sockaddr_in bound;
	socklen_t len = sizeof(bound);

	(void)state;
	assert_int_equal(
	    from_parse("127.0.0.2, 127.0.1.254-127.0.2.1", AF_INET, &f, &note), ERR_OK);
	assert_int_equal(f.n, 5);
	/* They take turns. */
	for (unsigned i = 0; i < 6; i++) {
		static const uint32_t wanted[] = { 0x7f000002, 0x7f0001fe, 0x7f0001ff, 0x7f000200,
			0x7f000201, 0x7f000002 };
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(from_bind(&f, fd), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
		assert_int_equal(ntohl(bound.sin_addr.s_addr), wanted[i]);
		close(fd);
	}
	from_fini(&f);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "\"\" is no address" },
		{ "127.0.0", "\"127.0.0\" is no address" },
		{ "127.0.0.9-127.0.0.2", "is no address and no range" },
		{ "::1-::2", "is no address and no range" },
		{ "::1", "another family" },
		{ "127.0.0.2,192.0.2.77", "192.0.2.77 cannot be used" },
		{ "127.0.0.1-127.1.0.1", "more than 4096" },
	};
	struct from f = { 0 };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err_note note = { 0 };
		assert_int_not_equal(from_parse(rows[i].text, AF_INET, &f, &note), ERR_OK);
		assert_non_null(strstr(note.text, rows[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_ranges),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
