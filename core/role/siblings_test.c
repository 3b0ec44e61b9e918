/*
 * What services of two web processes tell each other: in order, and, whatever does not get through,
 * never without a word that something is missing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "core/role/siblings.h"

enum {
	MANY = 5000, /* more than a socket holds */
	MESSAGE_BYTES = 1000,
	ROUNDS_MAX = 10000,
};

struct heard {
	unsigned messages, losses;
	uint32_t last;
};

static void hear(struct svc_env *env, void *state, struct slice message)
{
	struct heard *h = state;
	uint32_t n = 0;

	(void)env;
	if (message.len == 0) {
		h->losses++;
		return;
	}
	assert_int_equal(message.len, MESSAGE_BYTES);
	memcpy(&n, message.ptr, sizeof(n));
	assert_true(h->messages == 0 || n > h->last);
	h->last = n;
	h->messages++;
}

static const struct service quiet = { .name = "quiet" };
static const struct service talks = { .name = "talks", .told = hear };
static const struct service *const services[] = { &quiet, &talks };

struct side {
	struct svc_env env;
	struct siblings *siblings;
	struct heard heard;
};

struct pair {
	struct loop *loop;
	struct side one, two;
};

static void side_init(struct side *s, struct loop *loop)
{
	*s = (struct side){ .env = { .loop = loop, .services = services, .n_services = 2 } };
	s->env.state[1] = &s->heard;
	assert_int_equal(siblings_new(&s->env, &s->siblings), ERR_OK);
}

static void connect_both(struct pair *p)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	siblings_add(p->one.siblings, 1, fds[0]);
	siblings_add(p->two.siblings, 0, fds[1]);
	p->one.heard = p->two.heard = (struct heard){ 0 };
}

static int start(void **state)
{
	static struct pair p;

	assert_int_equal(loop_open(16, &p.loop), ERR_OK);
	side_init(&p.one, p.loop);
	side_init(&p.two, p.loop);
	*state = &p;
	return 0;
}

static int stop(void **state)
{
	struct pair *p = *state;

	siblings_free(&p->one.siblings);
	siblings_free(&p->two.siblings);
	uv_run(loop_uv(p->loop), UV_RUN_NOWAIT);
	loop_close(&p->loop);
	return 0;
}

static void say(struct pair *p, uint32_t n)
{
	char text[MESSAGE_BYTES] = { 0 };

	memcpy(text, &n, sizeof(n));
	svc_tell(&p->one.env, &talks, SLICE_OF(text, sizeof(text)));
}

static void run(struct pair *p)
{
	uv_run(loop_uv(p->loop), UV_RUN_NOWAIT);
}

static void who_is_alone_tells_nobody(void **state)
{
	struct pair *p = *state;

	say(p, 1);
	run(p);
	assert_int_equal(p->two.heard.messages, 0);
}

static void the_same_service_hears_in_order(void **state)
{
	struct pair *p = *state;

	connect_both(p);
	for (uint32_t n = 1; n <= 100; n++) {
		say(p, n);
		run(p);
	}
	for (unsigned i = 0; i < ROUNDS_MAX && p->two.heard.messages < 100; i++) {
		run(p);
	}
	assert_int_equal(p->two.heard.messages, 100);
	assert_int_equal(p->two.heard.losses, 0);
	assert_int_equal(p->one.heard.messages, 0);
}

static void who_does_not_keep_up_hears_that_something_is_missing(void **state)
{
	struct pair *p = *state;

	connect_both(p);
	for (uint32_t n = 1; n <= MANY; n++) {
		say(p, n);
	}
	for (unsigned i = 0; i < ROUNDS_MAX && p->two.heard.losses == 0; i++) {
		run(p);
	}
	assert_true(p->two.heard.messages > 0 && p->two.heard.messages < MANY);
	assert_int_equal(p->two.heard.losses, 1);
	/* And then all is as before. */
	unsigned before = p->two.heard.messages;
	say(p, MANY + 1);
	for (unsigned i = 0; i < ROUNDS_MAX && p->two.heard.messages == before; i++) {
		run(p);
	}
	assert_int_equal(p->two.heard.last, MANY + 1);
	assert_int_equal(p->two.heard.losses, 1);
}

static void the_end_of_one_and_a_new_one_are_heard_as_a_loss(void **state)
{
	struct pair *p = *state;

	connect_both(p);
	siblings_free(&p->one.siblings);
	for (unsigned i = 0; i < ROUNDS_MAX && p->two.heard.losses == 0; i++) {
		run(p);
	}
	assert_int_equal(p->two.heard.losses, 1);
	assert_int_equal(siblings_new(&p->one.env, &p->one.siblings), ERR_OK);
	int fds[2];
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	siblings_add(p->two.siblings, 0, fds[0]);
	siblings_add(p->one.siblings, 1, fds[1]);
	assert_int_equal(p->two.heard.losses, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(who_is_alone_tells_nobody),
		TEST(the_same_service_hears_in_order),
		TEST(who_does_not_keep_up_hears_that_something_is_missing),
		TEST(the_end_of_one_and_a_new_one_are_heard_as_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
