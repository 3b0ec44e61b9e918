/*
 * Sockets that others have bound: which listener takes which.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/server.h"
#include "core/role/given.h"

static struct given *given_new(bool by_manager)
{
	struct given *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->by_manager = by_manager;
	return g;
}

static void given_free(struct given *g)
{
	given_close(g);
	free(g);
}

/* A listening socket on a port of the kernel's choice, and its address as a key would name it. */
static int bound(char address[32])
{
	struct sockaddr_in in = { 0 };
	socklen_t len = sizeof(in);
	int fd = -1;

	assert_int_equal(http_listen_socket("127.0.0.1:0", &fd, NULL), ERR_OK);
	assert_int_equal(getsockname(fd, (void *)&in, &len), 0);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(in.sin_port));
	return fd;
}

static void a_name_decides_whatever_the_address(void **state)
{
	struct given *g = given_new(true);
	char address[32], rest[256];
	int fd = bound(address);

	(void)state;
	assert_true(given_add(g, fd, SLICE("admin"), SLICE_EMPTY));
	assert_int_equal(given_take(g, "web", address), -1);
	assert_int_equal(given_take(g, "admin", "127.0.0.1:1"), fd);
	assert_int_equal(given_take(g, "admin", "127.0.0.1:1"), -1);
	assert_false(given_rest(g, rest, sizeof(rest)));
	close(fd);
	given_free(g);
}

static void other_names_are_told_apart_by_address(void **state)
{
	struct given *g = given_new(true);
	char one[32], two[32], rest[256];
	int first = bound(one), second = bound(two);

	(void)state;
	assert_true(given_add(g, first, SLICE("plimsoll.socket"), SLICE_EMPTY));
	assert_true(given_add(g, second, SLICE_EMPTY, SLICE_EMPTY));
	assert_int_equal(given_take(g, "web", two), second);
	assert_int_equal(given_take(g, "admin", "[::1]:1"), -1);
	assert_true(given_rest(g, rest, sizeof(rest)));
	assert_non_null(strstr(rest, "\"plimsoll.socket\" (number 1)"));
	/* Also as the port alone. */
	assert_int_equal(given_take(g, "admin", strchr(one, ':') + 1), first);
	close(first);
	close(second);
	given_free(g);
}

static void of_a_predecessor_name_and_address_must_fit(void **state)
{
	struct given *g = given_new(false);
	char address[32];
	int fd = bound(address);

	(void)state;
	assert_true(given_add(g, fd, SLICE("web"), SLICE("127.0.0.1:0")));
	assert_int_equal(given_take(g, "admin", address), -1);
	assert_int_equal(given_take(g, "web", "127.0.0.1:1"), -1);
	/* Nobody knows the port but the kernel; the same text is the same wish. */
	assert_int_equal(given_take(g, "web", "127.0.0.1:0"), fd);
	assert_true(given_add(g, fd, SLICE("web"), SLICE("127.0.0.1:0")));
	assert_int_equal(given_take(g, "web", address), fd);
	close(fd);
	given_free(g);
}

static void a_full_collection_takes_no_more(void **state)
{
	struct given *g = given_new(true);

	(void)state;
	for (int i = 0; i < GIVEN_MAX; i++) {
		assert_true(given_add(g, dup(STDERR_FILENO), SLICE("x"), SLICE_EMPTY));
	}
	int fd = dup(STDERR_FILENO);
	assert_false(given_add(g, fd, SLICE("x"), SLICE_EMPTY));
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
	given_free(g);
}

static void what_the_environment_announces_must_be_ours_and_listen(void **state)
{
	struct given *g = given_new(false);
	struct err_note note = { 0 };
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	assert_int_equal(given_by_manager(g, &note), ERR_OK);
	assert_int_equal(g->n, 0); /* meant for another process */
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "17", 1);
	assert_int_equal(given_by_manager(g, &note), ERR_CONFIG);
	setenv("LISTEN_FDS", "1", 1);
	/* Descriptor 3 is a file, if anything. */
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	note = (struct err_note){ 0 };
	assert_int_equal(given_by_manager(g, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "descriptor 3"));
	close(fd);
	unsetenv("LISTEN_FDS");
	given_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_decides_whatever_the_address),
		cmocka_unit_test(other_names_are_told_apart_by_address),
		cmocka_unit_test(of_a_predecessor_name_and_address_must_fit),
		cmocka_unit_test(a_full_collection_takes_no_more),
		cmocka_unit_test(what_the_environment_announces_must_be_ours_and_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
