/*
 * Listening sockets, balancing and the kernel's counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/http/listen.h"

static void counters_of_netstat(void **state)
{
	const struct slice text = SLICE("TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
					"TcpExt: 1 22 333\n"
					"IpExt: InNoRoutes ListenDrops\n"
					"IpExt: 4 5\n");
	int64_t n = -1;
	(void)state;

	assert_true(listen_netstat_find(text, SLICE("ListenOverflows"), &n));
	assert_int_equal(n, 22);
	assert_true(listen_netstat_find(text, SLICE("ListenDrops"), &n));
	assert_int_equal(n, 333);
	assert_false(listen_netstat_find(text, SLICE("InNoRoutes"), &n));
	assert_false(listen_netstat_find(SLICE(""), SLICE("ListenDrops"), &n));
	assert_false(listen_netstat_find(SLICE("TcpExt: ListenDrops\n"), SLICE("ListenDrops"), &n));
	assert_false(listen_netstat_find(
	    SLICE("TcpExt: A ListenDrops\nTcpExt: 1\n"), SLICE("ListenDrops"), &n));
	assert_int_equal(n, 333);
}

enum {
	SLOTS = 5
};

struct fixture {
	struct metric_schema *schema;
	void *block;
	struct metrics *metrics;
};

static struct fixture open_fixture(void)
{
	struct fixture f = { .schema = NULL };

	assert_int_equal(metric_schema_new(&f.schema), ERR_OK);
	size_t bytes = metrics_block_bytes(f.schema, SLOTS);
	f.block = metrics_block_new(f.schema, SLOTS);
	assert_non_null(f.block);
	assert_int_equal(metrics_open(f.schema, f.block, bytes, SLOTS, 0, &f.metrics), ERR_OK);
	return f;
}

static void close_fixture(struct fixture *f)
{
	metrics_close(&f->metrics);
	metric_schema_free(&f->schema);
	free(f->block);
}

static void fill_slot(struct fixture *f, unsigned i, enum role_id role, enum metric_state state,
    int64_t alive_us, int64_t connections)
{
	struct metric_slot *slot = metrics_slot(f->metrics, i);

	slot->role = (int32_t)role;
	slot->state = (int32_t)state;
	slot->alive_us = alive_us;
	slot->connections = connections;
}

static void only_living_serving_siblings_count(void **state)
{
	const int64_t now = 10000000;
	struct fixture f = open_fixture();
	(void)state;

	fill_slot(&f, 0, ROLE_WEB, SLOT_SERVING, now, 1);
	fill_slot(&f, 1, ROLE_ADMIN, SLOT_SERVING, now, 0);
	fill_slot(&f, 2, ROLE_WEB, SLOT_DRAINING, now, 0);
	fill_slot(&f, 3, ROLE_WEB, SLOT_SERVING, now - 300000, 0);
	assert_true(listen_least_sibling(f.metrics, now) == INT64_MAX);
	fill_slot(&f, 4, ROLE_WEB, SLOT_SERVING, now - 100000, 9);
	assert_int_equal(listen_least_sibling(f.metrics, now), 9);
	fill_slot(&f, 3, ROLE_WEB, SLOT_SERVING, now, 4);
	assert_int_equal(listen_least_sibling(f.metrics, now), 4);
	close_fixture(&f);
}

static void listening_sockets(void **state)
{
	struct err_note note = { .code = ERR_OK };
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	char address[32];
	int fd = -1, second = -1, on = 0;
	(void)state;

	assert_int_equal(http_listen_socket("0", &fd, &note), ERR_OK);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(ntohl(in.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	len = sizeof(on);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
	assert_int_equal(on, 1);

	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(in.sin_port));
	assert_int_equal(http_listen_socket(address, &second, &note), ERR_EXISTS);
	assert_non_null(strstr(note.text, address));
	assert_int_equal(second, -1);
	close(fd);
}

static void addresses_that_cannot_be_listened_on(void **state)
{
	static const char *const wrong[] = { "", "x", "127.0.0.1:", "127.0.0.1:x", "[::1:5",
		"203.0.113.77:0", "127.0.0.1:123456789" };
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err_note note = { .code = ERR_OK };
		int fd = -1;
		assert_int_not_equal(http_listen_socket(wrong[i], &fd, &note), ERR_OK);
		assert_int_equal(fd, -1);
		assert_true(note.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_of_netstat),
		cmocka_unit_test(only_living_serving_siblings_count),
		cmocka_unit_test(listening_sockets),
		cmocka_unit_test(addresses_that_cannot_be_listened_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
