/*
 * The thread on a real socket: answers, clients that do not ask, more of them than there is room
 * for, and its end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/role/health_rig.h"
#include "core/role/health_thread.h"

enum {
	TEXT_BYTES = 1024,
	PATIENCE_US = 20 * 1000000,
	PAUSE_US = 10000,
};

static const char ask_ready[] = "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n";

struct fixture {
	struct health_rig *rig;
	struct health_thread *thread;
	struct sockaddr_in address;
};

static struct fixture fixture_new(void)
{
	struct fixture f = { .rig = health_rig_new(clock_mono_us()),
		.address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(f.address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&f.address, len), 0);
	assert_int_equal(listen(fd, 256), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&f.address, &len), 0);
	assert_int_equal(health_thread_start(fd, f.rig->m, NULL, 2, &f.thread), ERR_OK);
	return f;
}

static void fixture_free(struct fixture *f)
{
	health_thread_stop(&f->thread);
	assert_null(f->thread);
	health_rig_free(f->rig);
}

static int dial(const struct fixture *f, const char *text)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = PATIENCE_US / 1000000 };

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	return fd;
}

/* What comes until the other side has closed. */
static void hear(int fd, char text[TEXT_BYTES])
{
	size_t n = 0;
	ssize_t got = 0;

	while ((got = recv(fd, text + n, TEXT_BYTES - 1 - n, 0)) > 0) {
		n += (size_t)got;
	}
	assert_int_equal(got, 0);
	text[n] = '\0';
	close(fd);
}

static void ask(const struct fixture *f, const char *request, char text[TEXT_BYTES])
{
	health_rig_turn(f->rig, -1, clock_mono_us());
	hear(dial(f, request), text);
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void it_answers(void **state)
{
	struct fixture f = fixture_new();
	char text[TEXT_BYTES];

	(void)state;
	ask(&f, ask_ready, text);
	assert_true(begins(text, "HTTP/1.1 200 "));
	assert_non_null(strstr(text, "\r\nX-Load: 0.00\r\n"));
	ask(&f, "GET /live HTTP/1.1\r\n\r\n", text);
	assert_true(begins(text, "HTTP/1.1 200 "));
	ask(&f, "load\n", text);
	assert_string_equal(text, "100%\n");
	for (int64_t end_us = clock_mono_us() + PATIENCE_US;
	     metric_get(&health_thread_report(f.thread)->answers) < 3;) {
		assert_true(clock_mono_us() < end_us); /* counted behind the answer */
		usleep(PAUSE_US);
	}
	assert_int_equal(metric_get(&health_thread_report(f.thread)->answers), 3);
	fixture_free(&f);
}

static void a_drain_is_told_at_once(void **state)
{
	struct fixture f = fixture_new();
	char text[TEXT_BYTES];

	(void)state;
	ask(&f, ask_ready, text);
	assert_true(begins(text, "HTTP/1.1 200 "));
	metrics_set_leaving(f.rig->m);
	for (int64_t end_us = clock_mono_us() + PATIENCE_US; begins(text, "HTTP/1.1 200 ");) {
		assert_true(clock_mono_us() < end_us);
		usleep(PAUSE_US);
		ask(&f, ask_ready, text);
	}
	assert_non_null(strstr(text, "draining"));
	fixture_free(&f);
}

static void those_who_do_not_ask_keep_nobody_out(void **state)
{
	struct fixture f = fixture_new();
	char text[TEXT_BYTES];
	int idle[HEALTH_CONNECTIONS + 20];

	(void)state;
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		idle[i] = dial(&f, "GET /ready HT");
		if (i % 10 == 0) {
			ask(&f, ask_ready, text);
			assert_true(begins(text, "HTTP/1.1 200 "));
		}
	}
	ask(&f, ask_ready, text);
	assert_true(begins(text, "HTTP/1.1 200 "));
	/* They are let go, each after its time. */
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		char byte = 0;
		assert_true(recv(idle[i], &byte, 1, 0) <= 0);
		close(idle[i]);
	}
	fixture_free(&f);
}

static void a_request_in_pieces(void **state)
{
	struct fixture f = fixture_new();
	char text[TEXT_BYTES];
	int fd = dial(&f, "GET /re");

	(void)state;
	usleep(PAUSE_US);
	assert_int_equal(send(fd, "ady HTTP/1.1\r\n", 14, MSG_NOSIGNAL), 14);
	usleep(PAUSE_US);
	assert_int_equal(send(fd, "Host: x\r\n\r\nmore", 15, MSG_NOSIGNAL), 15);
	health_rig_turn(f.rig, -1, clock_mono_us());
	hear(fd, text);
	assert_true(begins(text, "HTTP/1.1 200 "));
	fixture_free(&f);
}

static void one_that_is_not_ready_says_so_in_the_end(void **state)
{
	struct fixture f = fixture_new();
	char text[TEXT_BYTES];

	(void)state;
	health_thread_stop(&f.thread);
	health_rig_set(f.rig, RIG_WEB_0, SLOT_STARTING);
	health_rig_set(f.rig, RIG_WEB_1, SLOT_STARTING);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(f.address);
	f.address.sin_port = 0;
	assert_int_equal(bind(fd, (const struct sockaddr *)&f.address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&f.address, &len), 0);
	assert_int_equal(health_thread_start(fd, f.rig->m, NULL, 2, &f.thread), ERR_OK);
	ask(&f, ask_ready, text);
	assert_true(begins(text, "HTTP/1.1 503 "));
	assert_non_null(strstr(text, "starting"));
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_answers),
		cmocka_unit_test(a_drain_is_told_at_once),
		cmocka_unit_test(those_who_do_not_ask_keep_nobody_out),
		cmocka_unit_test(a_request_in_pieces),
		cmocka_unit_test(one_that_is_not_ready_says_so_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
