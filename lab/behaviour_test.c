/*
 * What clients do about refusals and failures, by kind.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/behaviour.h"

enum {
	N = 20000
};

static struct behaviour with(enum behaviour_retry retry)
{
	struct behaviour b = BEHAVIOUR_DEFAULT;

	b.retry = retry;
	return b;
}

static void who_tries_again_at_what(void **state)
{
	/* Refused, overload, no answer, wrong. */
	static const bool expected[][4] = {
		[RETRY_NONE] = { false, false, false, false },
		[RETRY_BLIND] = { true, true, true, false },
		[RETRY_BACKOFF] = { true, true, true, false },
		[RETRY_AFTER] = { true, false, false, false },
		[RETRY_WEAVE] = { false, false, false, false },
	};
	struct chance c = chance_new(1, 1);
	double wait_s = 0;

	(void)state;
	for (int r = RETRY_NONE; r <= RETRY_WEAVE; r++) {
		struct behaviour b = with((enum behaviour_retry)r);
		for (int t = TROUBLE_REFUSED; t <= TROUBLE_WRONG; t++) {
			enum behaviour_trouble trouble = (enum behaviour_trouble)t;
			assert_int_equal(
			    behaviour_tries_again(&b, trouble, 2, -1, &c, &wait_s), expected[r][t]);
			assert_false(behaviour_tries_again(&b, trouble, 3, -1, &c, &wait_s));
		}
	}
	const struct behaviour half = with(RETRY_HALF);
	assert_int_equal(behaviour_of_user(&half, 4).retry, RETRY_BLIND);
	assert_int_equal(behaviour_of_user(&half, 5).retry, RETRY_AFTER);
	assert_int_equal(behaviour_of_user(&half, 5).retries, half.retries);
	assert_int_equal(behaviour_trouble_of(503), TROUBLE_REFUSED);
	assert_int_equal(behaviour_trouble_of(429), TROUBLE_OVERLOAD);
	assert_int_equal(behaviour_trouble_of(404), TROUBLE_WRONG);
}

/* The mean and the largest of many waits after so many tries. */
static double mean_wait(const struct behaviour *b, unsigned tries, double asked_s, double *ret_max)
{
	struct chance c = chance_new(2, tries);
	double sum = 0, wait_s = 0;

	*ret_max = 0;
	for (int i = 0; i < N; i++) {
		assert_true(behaviour_tries_again(b, TROUBLE_REFUSED, tries, asked_s, &c, &wait_s));
		assert_true(wait_s >= 0);
		*ret_max = wait_s > *ret_max ? wait_s : *ret_max;
		sum += wait_s;
	}
	return sum / N;
}

static void waits(void **state)
{
	struct behaviour b = with(RETRY_BACKOFF);
	double max = 0;

	(void)state;
	b.retries = 20;
	for (unsigned tries = 0; tries < 6; tries++) {
		double most = exp2(tries);
		assert_true(fabs(mean_wait(&b, tries, -1, &max) / most - 0.5) < 0.02);
		assert_true(max <= most && max > 0.99 * most);
	}
	(void)mean_wait(&b, 15, -1, &max);
	assert_true(max <= 60 && max > 59);
	b = with(RETRY_BLIND);
	assert_true(mean_wait(&b, 1, 30, &max) == 0);
	b = with(RETRY_AFTER);
	assert_true(fabs(mean_wait(&b, 1, 7, &max) - 7) < 1e-9);
	assert_true(fabs(mean_wait(&b, 1, -1, &max) - 1) < 0.03);
}

static void firefox_stays_away(void **state)
{
	struct chance c = chance_new(3, 1);

	(void)state;
	for (int i = 0; i < N; i++) {
		double asked = behaviour_away_s(100, 5, &c), third = behaviour_away_s(-1, 3, &c);
		assert_true(asked >= 100 && asked <= 125);
		assert_true(third >= 2700 && third <= 5400);
		assert_true(behaviour_away_s(-1, 1000, &c) <= 28800);
	}
}

static void patience(void **state)
{
	struct behaviour b = with(RETRY_NONE);
	struct chance c = chance_new(4, 1);
	double sum = 0;
	int longer = 0;

	(void)state;
	assert_true(isinf(behaviour_patience_s(&b, &c)));
	b.patience_s = 3;
	assert_true(behaviour_patience_s(&b, &c) == 3);
	b.patience_random = true;
	for (int i = 0; i < N; i++) {
		double s = behaviour_patience_s(&b, &c);
		sum += s;
		longer += s > 3;
	}
	assert_true(fabs(sum / N - 3) < 0.1);
	assert_true(fabs(longer / (double)N - exp(-1)) < 0.02);
}

static void names(void **state)
{
	enum behaviour_retry r = RETRY_NONE;
	enum behaviour_connection c = CONNECTION_ACTIVITY;

	(void)state;
	assert_int_equal(behaviour_retry_parse(SLICE("weave"), &r), ERR_OK);
	assert_int_equal(r, RETRY_WEAVE);
	assert_int_equal(behaviour_retry_parse(SLICE("often"), &r), ERR_INVALID);
	assert_int_equal(behaviour_connection_parse(SLICE("session"), &c), ERR_OK);
	assert_int_equal(c, CONNECTION_SESSION);
	assert_int_equal(behaviour_connection_parse(SLICE(""), &c), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_tries_again_at_what),
		cmocka_unit_test(waits),
		cmocka_unit_test(firefox_stays_away),
		cmocka_unit_test(patience),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
