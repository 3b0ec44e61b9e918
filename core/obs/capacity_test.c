/*
 * Headroom and warnings over days that the test makes up.
 */
#include "core/obs/capacity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
	SECOND = 1000000,
	WINDOW_S = 10,
	HOUR_S = 3600,
};

/* A server with one compute process, and its clock. */
struct day {
	struct capacity *c;
	struct role_use_look look;
	int64_t s;
};

#define assert_near(got, want) assert_true(fabs((got) - (want)) <= 1e-6 + fabs(want) * 1e-6)

static struct day day_new(double warn_at, double growth)
{
	struct day d = { .s = 500000L * HOUR_S };

	assert_int_equal(
	    capacity_new(
		&(struct capacity_options){
		    .cores = 2, .window_s = WINDOW_S, .warn_at = warn_at, .growth = growth },
		&d.c),
	    ERR_OK);
	return d;
}

static void pass(struct day *d, int seconds, double use, double users)
{
	for (int i = 0; i < seconds; i++) {
		d->s++;
		d->look.at_us += SECOND;
		d->look.live_us[ROLE_COMPUTE] += SECOND;
		d->look.busy_us[ROLE_COMPUTE] += (int64_t)(use * SECOND);
		d->look.live_us[ROLE_WEB] += SECOND;
		d->look.busy_us[ROLE_WEB] += (int64_t)(use * SECOND / 2);
		capacity_add(d->c, &d->look, users, d->s * 1000);
	}
}

static void nothing_is_said_before_a_window_has_passed(void **state)
{
	struct day d = day_new(0.7, 0.2);

	(void)state;
	pass(&d, WINDOW_S, 1, 1000);
	assert_false(capacity_figures(d.c)->near);
	assert_true(isnan(capacity_figures(d.c)->peak_share));
	assert_true(isnan(capacity_figures(d.c)->line_users));
	pass(&d, 1, 1, 1000);
	assert_true(capacity_figures(d.c)->near);
	assert_near(capacity_figures(d.c)->peak_share, 1.0);
	capacity_free(&d.c);
}

static void users_at_the_line_and_months_to_it(void **state)
{
	struct day d = day_new(0.7, 0.2);
	const struct capacity_figures *f = capacity_figures(d.c);

	(void)state;
	pass(&d, 3 * WINDOW_S, 0.4, 80000);
	assert_near(f->share, 0.4);
	assert_string_equal(f->fullest, "compute");
	assert_near(f->role[ROLE_COMPUTE], 0.4);
	assert_near(f->role[ROLE_WEB], 0.2);
	assert_true(isnan(f->role[ROLE_STORE]));
	assert_near(f->line_users, 200000.0);
	assert_near(f->months, log(2.5) / log(1.2)); /* 5.03: 80,000 x 1.2^5.03 is the line */
	assert_near(80000 * pow(1.2, f->months), f->line_users);
	/* The peak is what counts, also when it is quiet again. */
	pass(&d, 3 * WINDOW_S, 0.68, 136000);
	pass(&d, 3 * WINDOW_S, 0.1, 20000);
	assert_near(f->peak_share, 0.68);
	assert_near(f->peak_users, 136000.0);
	assert_near(f->line_users, 200000.0);
	assert_near(f->months, log(1 / 0.68) / log(1.2));
	/* At the line there is no time left. */
	pass(&d, 3 * WINDOW_S, 1, 200000);
	assert_true(f->months == 0 && !signbit(f->months));
	capacity_free(&d.c);
}

static void a_peak_is_forgotten_after_a_day(void **state)
{
	struct day d = day_new(0.7, 0.2);
	const struct capacity_figures *f = capacity_figures(d.c);

	(void)state;
	pass(&d, 3 * WINDOW_S, 0.6, 60000);
	int64_t at_ms = f->peak_ms;
	pass(&d, 23 * HOUR_S, 0.2, 20000);
	assert_near(f->peak_share, 0.6);
	assert_int_equal(f->peak_ms, at_ms);
	pass(&d, HOUR_S, 0.2, 20000);
	assert_near(f->peak_share, 0.2);
	/* Days without a sample (a machine that slept) leave nothing of the days before either. */
	pass(&d, 3 * WINDOW_S, 0.6, 60000);
	pass(&d, 3 * WINDOW_S, 0.1, 10000);
	d.s += 100L * HOUR_S;
	pass(&d, 3 * WINDOW_S, 0.3, 30000);
	assert_near(f->peak_share, 0.3);
	/* A calendar that is put back is no reason to forget or to fail. */
	d.s -= 50L * HOUR_S;
	pass(&d, 3 * WINDOW_S, 0.35, 30000);
	assert_near(f->peak_share, 0.35);
	capacity_free(&d.c);
}

static void too_little_to_tell_from(void **state)
{
	struct day d = day_new(0.7, 0);
	const struct capacity_figures *f = capacity_figures(d.c);

	(void)state;
	pass(&d, 3 * WINDOW_S, 0.05, 10);
	assert_true(isnan(f->line_users));
	pass(&d, 3 * WINDOW_S, 0.5, 0); /* no activity that users are counted by */
	assert_true(isnan(f->line_users));
	assert_true(isnan(f->months)); /* no growth is expected */
	capacity_reload(d.c, 0.7, 0.1);
	pass(&d, 1, 0.5, 0);
	assert_near(f->months, log(2) / log(1.1));
	capacity_free(&d.c);
}

static void the_warning_comes_once_and_ends_well_below(void **state)
{
	struct day d = day_new(0.7, 0.2);
	const struct capacity_figures *f = capacity_figures(d.c);

	(void)state;
	pass(&d, 30, 0.69, 1);
	assert_false(f->near);
	/* One busy second is not a full window. */
	pass(&d, 1, 0.75, 1);
	assert_false(f->near);
	pass(&d, WINDOW_S, 0.71, 1);
	assert_true(f->near);
	for (int i = 0; i < 20; i++) { /* to and fro around the threshold */
		pass(&d, WINDOW_S, i % 2 == 0 ? 0.66 : 0.74, 1);
		assert_true(f->near);
	}
	pass(&d, WINDOW_S, 0.59, 1);
	assert_false(f->near);
	capacity_free(&d.c);
}

/* A slow ramp of one percent a minute: the warning comes in time, with the window's lag. */
static void a_slow_ramp_is_warned_of_in_time(void **state)
{
	struct day d = day_new(0.7, 0.2);
	double use = 0.3;

	(void)state;
	while (!capacity_figures(d.c)->near) {
		use += 0.01 / 60;
		pass(&d, 1, use, 1);
		assert_true(use < 0.8);
	}
	assert_true(use > 0.69 && use < 0.72);
	capacity_free(&d.c);
}

static void texts_leave_out_what_is_not_known(void **state)
{
	struct day d = day_new(0.7, 0.2);
	struct buf out = buf_new(16384);

	(void)state;
	capacity_write_prometheus(d.c, &out);
	buf_append_char(&out, '\0');
	assert_null(strstr(out.data, "\nplimsoll_line_users "));
	assert_null(strstr(out.data, "nan"));
	assert_non_null(strstr(out.data, "\nplimsoll_line_near 0\n"));
	pass(&d, 3 * WINDOW_S, 0.8, 80000);
	buf_clear(&out);
	capacity_write_prometheus(d.c, &out);
	buf_append_char(&out, '\0');
	assert_non_null(strstr(out.data, "\nplimsoll_line_users 100000\n"));
	assert_non_null(strstr(out.data, "\nplimsoll_line_near 1\n"));
	assert_non_null(strstr(out.data, "\nplimsoll_role_use{role=\"compute\"} 0.8\n"));
	buf_free(&out);
	capacity_free(&d.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_said_before_a_window_has_passed),
		cmocka_unit_test(users_at_the_line_and_months_to_it),
		cmocka_unit_test(a_peak_is_forgotten_after_a_day),
		cmocka_unit_test(too_little_to_tell_from),
		cmocka_unit_test(the_warning_comes_once_and_ends_well_below),
		cmocka_unit_test(a_slow_ramp_is_warned_of_in_time),
		cmocka_unit_test(texts_leave_out_what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
