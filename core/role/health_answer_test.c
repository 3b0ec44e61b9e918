/*
 * What the health listener says, byte by byte and all at once.
 */
#include "core/role/health_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct health_state well = { .alive = true, .ready = true, .load = 0.456 };

/* The answer to a whole request, valid until the next call; NULL: it waits for more. */
static const char *ask(const char *request, const struct health_state *s)
{
	static char text[HEALTH_ANSWER_MAX + 1];
	struct buf out = buf_new(HEALTH_ANSWER_MAX);
	bool done = health_answer(slice_str(request), s, &out);

	assert_int_equal(slice_to_cstr(buf_slice(&out), text, sizeof(text)), ERR_OK);
	assert_true(done == (out.len > 0));
	buf_free(&out);
	return done ? text : NULL;
}

static void assert_begins(const char *text, const char *with)
{
	assert_non_null(text);
	if (strncmp(text, with, strlen(with)) != 0) {
		fail_msg("%s does not begin with %s", text, with);
	}
}

static void it_says_ok_with_the_load(void **state)
{
	static const char *const paths[] = { "/live", "/ready", "/__lbheartbeat__",
		"/__heartbeat__", "/ready?from=balancer" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char request[128];
		(void)snprintf(
		    request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
		assert_string_equal(ask(request, &well),
		    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n"
		    "X-Load: 0.46\r\nCache-Control: no-store\r\nConnection: close\r\n\r\nok");
	}
	assert_string_equal(strstr(ask("HEAD /live HTTP/1.0\n\n", &well), "\r\n\r\n"), "\r\n\r\n");
	assert_non_null(strstr(ask("HEAD /live HTTP/1.0\n\n", &well), "Content-Length: 2\r\n"));
}

static void what_is_wrong_is_said(void **state)
{
	const struct health_state drains = { .alive = true, .trouble = HEALTH_DRAINING },
				  stuck = { .ready = true, .silent_role = ROLE_STORE };

	(void)state;
	assert_begins(ask("GET /ready HTTP/1.1\r\n\r\n", &drains), "HTTP/1.1 503 ");
	assert_non_null(strstr(ask("GET /ready HTTP/1.1\r\n\r\n", &drains), "\r\n\r\ndraining"));
	assert_begins(ask("GET /live HTTP/1.1\r\n\r\n", &drains), "HTTP/1.1 200 ");
	assert_begins(ask("GET /live HTTP/1.1\r\n\r\n", &stuck), "HTTP/1.1 503 ");
	assert_non_null(strstr(ask("GET /live HTTP/1.1\r\n\r\n", &stuck), "store"));
	assert_begins(ask("GET /ready HTTP/1.1\r\n\r\n", &stuck), "HTTP/1.1 200 ");
}

static void a_line_asks_for_the_weight(void **state)
{
	(void)state;
	assert_string_equal(ask("load\n", &well), "82%\n");
	assert_string_equal(ask("load\r\n", &(struct health_state){ .load = 1.2 }), "52%\n");
	assert_null(ask("load", &well));
	assert_begins(ask("loads\n", &well), "HTTP/1.1 400 ");
}

static void all_else_is_told_so(void **state)
{
	(void)state;
	assert_begins(ask("GET /metrics HTTP/1.1\r\n\r\n", &well), "HTTP/1.1 404 ");
	assert_begins(ask("POST /live HTTP/1.1\r\n\r\n", &well), "HTTP/1.1 405 ");
	assert_begins(ask("GET /live\r\n", &well), "HTTP/1.1 400 ");
	assert_begins(ask("GET /live HTTP/2.0\r\n", &well), "HTTP/1.1 400 ");
	assert_begins(ask("GET /live HTTP/1.12\r\n", &well), "HTTP/1.1 400 ");
	assert_begins(ask("\r\n", &well), "HTTP/1.1 400 ");
	assert_begins(ask("\x16\x03\x01\n", &well), "HTTP/1.1 400 ");
}

static void a_request_is_waited_for_but_not_for_ever(void **state)
{
	static const char whole[] = "GET /ready HTTP/1.1\r\nHost: somewhere\r\nA: b\r\n\r\n";
	char long_head[HEALTH_REQUEST_MAX + 1];

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char part[sizeof(whole)];
		memcpy(part, whole, n);
		part[n] = '\0';
		assert_null(ask(part, &well));
	}
	assert_begins(ask(whole, &well), "HTTP/1.1 200 ");
	memset(long_head, 'a', sizeof(long_head) - 1);
	long_head[sizeof(long_head) - 1] = '\0';
	assert_begins(ask(long_head, &well), "HTTP/1.1 431 ");
	memcpy(long_head, "GET /live HTTP/1.1\r\n", 20);
	assert_begins(ask(long_head, &well), "HTTP/1.1 431 ");
	long_head[HEALTH_REQUEST_MAX - 1] = '\0';
	assert_null(ask(long_head, &well));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_ok_with_the_load),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(a_line_asks_for_the_weight),
		cmocka_unit_test(all_else_is_told_so),
		cmocka_unit_test(a_request_is_waited_for_but_not_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
