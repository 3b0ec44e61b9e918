/*
 * Mails that wait: more sign-ups than mails go out, against a model of the outbox in virtual time.
 */
#include "core/grace/admit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS ((int64_t)1000)
#define S  (1000 * MS)

/* An outbox from which a mail goes each RUN_US; looked at once a second, as web does. */
enum {
	RUN_US = 100000,
	TICK_US = 10000,
	USERS = 1000
};

struct course {
	struct grace grace;
	struct grace_load load;
	int64_t now_us, queued, sent_us, next_ask_us, next_look_us;
	int64_t asked, admitted, sent, longest_us, idle_us;
	unsigned user;
};

static bool ask(struct course *c, bool mails, enum shed_rank rank)
{
	unsigned retry_after_s = 0;
	const struct grace_ask a = { .cost = COST_WRITE,
		.rank = rank,
		.mails = mails,
		.budget_us = 3 * S,
		.user = ++c->user % USERS + 1 };

	bool is_in = grace_admit(&c->grace, &c->load, &a, c->now_us, &retry_after_s);
	assert_int_equal(is_in, retry_after_s == 0);
	return is_in;
}

static void send_due(struct course *c)
{
	if (c->queued == 0) {
		c->sent_us = c->now_us;
		c->idle_us += TICK_US;
	}
	while (c->queued > 0 && c->now_us - c->sent_us >= RUN_US) {
		c->queued--;
		c->sent++;
		c->sent_us += RUN_US;
	}
}

static void look(struct course *c)
{
	if (c->now_us >= c->next_look_us) {
		c->load.courier_run_us = RUN_US;
		c->load.courier_wait_us = c->queued * RUN_US;
		c->load.courier_done = c->sent;
		c->next_look_us += S;
	}
	grace_measure(&c->grace, &c->load, c->now_us);
}

/* Sign-ups for so long, one each each_us. */
static void run(struct course *c, int64_t for_us, int64_t each_us)
{
	int64_t begun_us = c->now_us;

	for (; c->now_us < begun_us + for_us; c->now_us += TICK_US) {
		look(c);
		send_due(c);
		for (; c->next_ask_us <= c->now_us; c->next_ask_us += each_us) {
			bool is_in = ask(c, true, SHED_EARLY);
			c->asked++;
			c->admitted += is_in;
			c->queued += is_in;
		}
		int64_t wait_us = c->queued * RUN_US;
		c->longest_us = wait_us > c->longest_us ? wait_us : c->longest_us;
	}
}

static void no_more_is_promised_than_goes_out(void **state)
{
	static struct course c;

	(void)state;
	grace_init(&c.grace, 7, 0);
	run(&c, 600 * S, RUN_US / 4);
	assert_in_range(c.longest_us, 30 * S, 60 * S);
	assert_in_range(c.sent, 5900, 6000); /* and nothing less */
	assert_in_range(c.admitted, 6000, 6600);
	assert_in_range(c.idle_us, 0, 2 * S);
	/* What causes no mail is not touched, nor is work begun. */
	assert_true(ask(&c, false, SHED_EARLY));
	assert_true(ask(&c, true, SHED_LAST));
}

static void below_the_line_nobody_is_refused(void **state)
{
	static struct course c;

	(void)state;
	grace_init(&c.grace, 7, 0);
	run(&c, 300 * S, RUN_US + RUN_US / 10);
	assert_int_equal(c.admitted, c.asked);
}

static void after_a_peak_all_are_let_in_again(void **state)
{
	static struct course c;

	(void)state;
	grace_init(&c.grace, 7, 0);
	run(&c, 120 * S, RUN_US / 4);
	run(&c, 120 * S, 2 * RUN_US);
	c.asked = c.admitted = 0;
	run(&c, 60 * S, 2 * RUN_US);
	assert_int_equal(c.admitted, c.asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_is_promised_than_goes_out),
		cmocka_unit_test(below_the_line_nobody_is_refused),
		cmocka_unit_test(after_a_peak_all_are_let_in_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
