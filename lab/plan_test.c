/*
 * Plans against figures worked out by hand: those of the seeds, and of the rules for headroom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "lab/plan.h"
#include "lab/plan_field.h"
#include "lab/plan_report.h"

static const struct plan_shapes shapes = {
	.shapes = { { .name = "four",
			.cores = 4,
			.speed = 1,
			.memory = 16e9,
			.network = 1e9,
			.price = 50 },
	    { .name = "webhead", .cores = 24, .speed = 1 } },
	.n = 2,
	.currency = "EUR",
	.egress_price = 10,
};

static void expect(double got, double want, double within)
{
	if (!(fabs(got - want) <= within)) {
		fail_msg("%.6f is not %.6f", got, want);
	}
}

/* One role, one activity: so many users keep so many cores busy. */
static struct plan_input simple(double users, double cores)
{
	struct plan_input in = { .users = users,
		.n_roles = 1,
		.n_activities = 1,
		.n_groups = 1,
		.roles = { { .name = "web" } },
		.groups = { { .name = "machine", .machines_each = 1 } },
		.activities = { { .name = "visit", .per_second = 100 } } };

	in.activities[0].cpu_s[0] = cores / 100;
	return in;
}

static struct plan make(const struct plan_input *in, struct plan_options o)
{
	static struct plan p; /* large */
	struct err_note note = { 0 };

	if (plan_make(in, &shapes, &o, &p, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	return p;
}

static struct plan_options bare(void)
{
	return (struct plan_options){ .peak = 1, .use = 1, .sites = 1, .shape = "four" };
}

/* rho_plan <= 0.8 * (N-1)/N: 2 machines 40 %, 3: 53 %, 4: 60 %, 6: 67 %. */
static void one_may_fail(void **state)
{
	static const double machines[] = { 2, 3, 4, 6 };
	struct plan_options o = bare();

	(void)state;
	o.use = 0.8;
	o.spare = 1;
	for (size_t i = 0; i < 4; i++) {
		/* Just as much as that many bear. */
		double cores = 0.8 * (machines[i] - 1) / machines[i] * 4 * machines[i];
		struct plan_input in = simple(1000, cores);
		struct plan p = make(&in, o);
		expect(p.months[0].units[0], machines[i], 0);
		expect(p.line_users, 1000, 1e-6);
		in = simple(1000, cores * 1.001);
		p = make(&in, o);
		expect(p.months[0].units[0], machines[i] + 1, 0);
	}
}

/* A quarter more lasts 1.2 months at 20 %, twice as much 3.8, ten times 12.6; a year is 8.9 times.
 */
static void growth_and_dates(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(1000, 4 / 1.25);

	(void)state;
	o.growth = 0.2;
	o.months = 12;
	o.start = 2026 * 12 + 10;
	o.headroom = 0.25;
	struct plan p = make(&in, o);
	expect(p.months[0].units[0], 1, 0);
	expect(p.line_months, 1.224, 0.001);
	expect(p.months[12].users, 8916.1, 0.1);
	expect(p.months[12].month, 2027 * 12 + 10, 0);
	/* 3.2 cores * 8.916 * 1.25 / 4. */
	expect(p.months[12].units[0], 9, 0);
	in = simple(1000, 2);
	p = make(&in, o);
	expect(p.full_months, 3.802, 0.001);
	in = simple(1000, 0.4);
	p = make(&in, o);
	expect(p.full_months, 12.63, 0.01);
	/* Machines that take two months must bear what is there then. */
	o.lead = 2;
	in = simple(1000, 4);
	p = make(&in, o);
	expect(p.months[0].units[0], ceil(1.25 * 1.44), 0);
	o.growth = 0;
	o.headroom = 0;
	in = simple(1000, 2);
	p = make(&in, o);
	assert_true(isinf(p.line_months));
}

/* Seed 004: 30,000 users are too many for a pair, 80 % of that are taken as good. */
static void pairs_of_databases(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(30000, 0.001);

	(void)state;
	in.roles[0].users = 24000;
	in.groups[0].machines_each = 2;
	o.users = 1000000;
	struct plan p = make(&in, o);
	expect(p.months[0].units[0], 42, 0);
	expect(p.months[0].machines, 84, 0);
	o.headroom = 0.25;
	p = make(&in, o);
	expect(p.months[0].units[0], 53, 0);
	assert_int_equal(p.limits[p.first].kind, PLAN_USERS);
}

/* Seed 000, 3M users: browserid 1.00 core, router 0.75, dbwriter elsewhere 0.70. */
static struct plan_input webhead(void)
{
	struct plan_input in = {
		.users = 3e6,
		.n_roles = 4,
		.n_activities = 1,
		.n_groups = 1,
		.roles = { { .name = "browserid", .cores = 1 }, { .name = "router", .cores = 1 },
		    { .name = "verifier", .cores = 1 }, { .name = "compute" } },
		.groups = { { .name = "webhead", .shape = "webhead", .machines_each = 1 } },
		.activities = { { .name = "visit",
		    .per_second = 1388.89,
		    .cpu_s = { 1.00 / 1388.89, 0.75 / 1388.89, 0.37 / 1388.89, 2.29 / 1388.89 } } }
	};

	return in;
}

static void the_first_to_be_full_and_the_next(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = webhead();
	struct err_note note = { 0 };
	char text[PLAN_TEXT_BYTES];

	(void)state;
	o.shape[0] = '\0';
	o.have[0] = 1;
	struct plan p = make(&in, o);
	expect(p.full_users, 3e6, 1);
	plan_limit_text(&p, &p.limits[p.first], text);
	assert_string_equal(text, "browserid: 1 cores of each webhead");
	plan_limit_text(&p, &p.limits[p.next], text);
	assert_string_equal(text, "router: 1 cores of each webhead");
	expect(p.next_users, 4e6, 1);
	expect(plan_use(&p, &p.limits[0], 3e6, 1), 4.41 / 24, 1e-4);
	/* As many processes as there are cores: 24 / 4.41. */
	for (unsigned i = 0; i < 3; i++) {
		in.roles[i].cores = 0;
	}
	p = make(&in, o);
	expect(p.full_users, 3e6 * 24 / 4.41, 10);
	assert_int_equal(p.limits[p.first].kind, PLAN_CORES);
	/* Without what computes: 24 / 2.12. */
	assert_int_equal(plan_change(&in, &o, "compute.cpu*0", &note), ERR_OK);
	p = make(&in, o);
	expect(p.full_users, 3e6 * 24 / 2.12, 10);
}

static void one_site_may_be_lost(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(1000, 4 * 3 * 0.8);

	(void)state;
	o.use = 0.8;
	o.sites = 2;
	struct plan p = make(&in, o);
	expect(p.months[0].units[0], 6, 0); /* three at each */
	expect(p.line_users, 1000, 1e-6);
	o.spare = 1; /* covered by the other site */
	p = make(&in, o);
	expect(p.months[0].units[0], 6, 0);
	o.sites = 3;
	p = make(&in, o);
	expect(p.months[0].units[0], 6, 0); /* two at each: four of six are left */
	in = simple(1000, 1);
	o.sites = 2;
	p = make(&in, o);
	expect(p.months[0].units[0], 2, 0);
}

static void what_cannot_be_spread_ends_the_plan(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(1000, 3);

	(void)state;
	in.roles[0].machines = 1;
	o.growth = 0.2;
	o.months = 3;
	struct plan p = make(&in, o);
	assert_true(p.months[1].possible[0]);
	assert_false(p.months[2].possible[0]); /* 3 * 1.44 of 4 cores */
	expect(p.line_months, log(4.0 / 3) / log(1.2), 1e-9);
	double units = 0;
	assert_false(plan_units(&p, 0, 2000, &units));
}

/* Seed 001: 18 MB/s of include.js; and money. */
static void traffic_disk_and_money(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(1e6, 1);

	(void)state;
	in.roles[0].edge = true;
	in.roles[0].disk_per_user = 1000;
	in.activities[0].per_second = 450;
	in.activities[0].cpu_s[0] = 1.0 / 450;
	in.activities[0].bytes_out = 40000;
	in.activities[0].mails = 0.01;
	in.activities[0].disk = 10;
	o.peak = 3;
	o.months = 1;
	struct plan p = make(&in, o);
	expect(p.flow.bytes_out, 18e6, 1e-3);
	expect(p.flow.mails, 4.5, 1e-9);
	/* 432 Mbit/s at the peak, of 1000: the network of one is not full; its 3 cores of 4 are
	 * first. */
	expect(p.months[0].units[0], 1, 0);
	expect(p.line_users, 1e6 * 4 / 3, 1);
	char text[PLAN_TEXT_BYTES];
	plan_limit_text(&p, &p.limits[p.next], text);
	assert_string_equal(text, "network of machine");
	expect(p.next_users, 1e6 / 0.432, 10);
	double egress = 18e6 * 86400 * 365.25 / 12;
	expect(p.months[0].egress, egress, 1);
	expect(p.months[0].price, 50 + egress / 1e12 * 10, 1e-6);
	expect(p.months[0].disk, 1e9, 1e-3);
	expect(p.months[1].disk, 1e9 + 4500.0 * 86400 * 365.25 / 12, 1);
}

static void counted_things_bound_a_role(void **state)
{
	struct plan_options o = bare();
	struct plan_input in = simple(30000, 0.01);

	(void)state;
	in.n_counts = 1;
	memcpy(in.counts[0], "statements", 11);
	in.activities[0].per_second = 19;
	in.activities[0].counts[0] = 18.8;
	in.roles[0].most[0] = 357.2;
	o.users = 60000;
	struct plan p = make(&in, o);
	expect(p.months[0].units[0], 2, 0);
	expect(p.flow.counts[0], 714.4, 1e-6);
}

static void numbers_and_changes(void **state)
{
	static const struct {
		const char *text;
		enum plan_unit unit;
		double value;
	} good[] = { { "170ms", PLAN_UNIT_TIME, 0.17 }, { "0.2 / 28", PLAN_UNIT_NUMBER, 0.2 / 28 },
		{ "1M", PLAN_UNIT_NUMBER, 1e6 }, { "20%", PLAN_UNIT_SHARE, 0.2 },
		{ "4 * 10 k", PLAN_UNIT_BYTES, 40000 }, { "0", PLAN_UNIT_TIME, 0 },
		{ "1e-3 s", PLAN_UNIT_TIME, 1e-3 }, { "10G", PLAN_UNIT_BITS, 1e10 } };
	static const char *const bad[] = { "", "ms", "5", "5 days", "-1ms", "1/0 s", "x ms" };
	static const char *const changes[] = { "nothing", "=3", "web.speed=3", "nobody.cpu*2",
		"web.cpu=3ms", "visit.cpu.nobody=3ms", "growth=fast", "visit.cpu.web=3" };
	struct plan_options o = bare();
	struct plan_input in = simple(1000, 4);
	double value = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err_note note = { 0 };
		if (plan_number(slice_str(good[i].text), good[i].unit, &value, &note) != ERR_OK) {
			fail_msg("%s", note.text);
		}
		expect(value, good[i].value, 1e-9 * good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err_note note = { 0 };
		assert_int_equal(
		    plan_number(slice_str(bad[i]), PLAN_UNIT_TIME, &value, &note), ERR_SYNTAX);
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct err_note note = { 0 };
		assert_int_not_equal(plan_change(&in, &o, changes[i], &note), ERR_OK);
		assert_true(note.text[0] != '\0');
	}
	struct err_note note = { 0 };
	assert_int_equal(plan_change(&in, &o, "web.cpu*2", &note), ERR_OK);
	expect(in.activities[0].cpu_s[0], 0.08, 1e-12);
	assert_int_equal(plan_change(&in, &o, "visit.cpu.web = 50ms", &note), ERR_OK);
	expect(in.activities[0].cpu_s[0], 0.05, 1e-12);
	assert_int_equal(plan_change(&in, &o, "visit.per_second*0.5", &note), ERR_OK);
	expect(in.activities[0].per_second, 50, 1e-12);
	assert_int_equal(plan_change(&in, &o, "users*3", &note), ERR_OK);
	expect(o.users, 3000, 1e-9);
	assert_int_equal(plan_change(&in, &o, "web.machine=other, growth=10%", &note), ERR_OK);
	assert_true(in.n_groups == 2 && in.roles[0].group == 1);
	expect(o.growth, 0.1, 1e-12);
	/* Machines that nothing runs on are not needed. */
	struct plan p = make(&in, o);
	assert_true(p.months[0].units[0] == 0 && p.months[0].units[1] >= 1);
}

static void what_is_no_plan(void **state)
{
	struct plan_input in = simple(1000, 4);
	struct plan_options o = bare();
	static struct plan p;
	struct err_note note = { 0 };

	(void)state;
	memcpy(o.shape, "huge", 5);
	assert_int_equal(plan_make(&in, &shapes, &o, &p, &note), ERR_NOT_FOUND);
	assert_string_equal(note.text, "there is no machine \"huge\" but four, webhead");
	o = bare();
	o.use = 0;
	note = (struct err_note){ 0 };
	assert_int_equal(plan_make(&in, &shapes, &o, &p, &note), ERR_INVALID);
	o = bare();
	in.roles[0].idle_cores = 4;
	note = (struct err_note){ 0 };
	assert_int_equal(plan_make(&in, &shapes, &o, &p, &note), ERR_INVALID);
	assert_string_equal(
	    note.text, "cores of machine: a machine of that shape is full without any user");
}

static void dates_that_exist(void **state)
{
	static const struct {
		const char *start;
		double months;
		const char *date;
	} rows[] = {
		{ "2027-02", 0.999, "28 Feb 2027" },
		{ "2028-02", 0.999, "29 Feb 2028" },
		{ "2026-11-16", 0, "16 Nov 2026" },
		{ "2026-11-16", 1, "16 Dec 2026" },
		{ "2026-04", 0.999, "30 Apr 2026" },
		{ "2026-12", 1.5, "16 Jan 2027" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = { .options = bare() };
		struct buf text = buf_new(64);
		assert_true(plan_read_month(rows[i].start, &p.options.start));
		plan_put_date(&p, rows[i].months, &text);
		buf_append_char(&text, '\0');
		assert_string_equal((const char *)buf_slice(&text).ptr, rows[i].date);
		buf_free(&text);
	}
	double month = 0;
	assert_false(plan_read_month("2027-02-29", &month));
	assert_true(plan_read_month("2028-02-29", &month));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_may_fail),
		cmocka_unit_test(growth_and_dates),
		cmocka_unit_test(dates_that_exist),
		cmocka_unit_test(pairs_of_databases),
		cmocka_unit_test(the_first_to_be_full_and_the_next),
		cmocka_unit_test(one_site_may_be_lost),
		cmocka_unit_test(what_cannot_be_spread_ends_the_plan),
		cmocka_unit_test(traffic_disk_and_money),
		cmocka_unit_test(counted_things_bound_a_role),
		cmocka_unit_test(numbers_and_changes),
		cmocka_unit_test(what_is_no_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
