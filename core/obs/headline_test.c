/*
 * Headline figures from counters that the test sets: rates, shares, quantiles, history, texts.
 */
#include "core/obs/headline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/obs/statsd.h"

enum {
	SLOTS = 4,
	SECOND = 1000000
};

/* The families that the figures are read from, as core/http and core/store name them. */
static const struct metric_def requests = { "http_requests_total", METRIC_COUNTER, "op", "R." },
			       refused = { "http_refused_total", METRIC_COUNTER, "op", "R." },
			       client = { "http_client_errors_total", METRIC_COUNTER, "op", "R." },
			       server = { "http_server_errors_total", METRIC_COUNTER, "op", "R." },
			       duration = { "http_request_seconds", METRIC_HIST, "op", "R." },
			       commit = { "store_commit_seconds", METRIC_HIST, NULL, "R." },
			       mail = { "mail_oldest_created_seconds", METRIC_GAUGE, NULL, "R." };

static const struct headline_op ops[] = { { "t.login", 0, 500000 }, { "t.page", 1, 1000000 },
	{ "t.list", 1, 1000000 } };
static const char *const classes[] = { "compute", "memory", NULL };
static const struct activity sign_in = { "t.sign_in", "S.", { "t.login", "t.list", NULL }, 100 },
			     look = { "t.look", "L.", { "t.page", NULL }, 0 };
static const struct activity *const activities[] = { &sign_in, &look };

struct fixture {
	struct metric_schema *schema;
	void *block;
	struct metrics *m[SLOTS]; /* web 0, web 1, compute, store */
	struct headline *h;
	int64_t now_us;
};

static int setup(void **state)
{
	static const int32_t roles[SLOTS] = { ROLE_WEB, ROLE_WEB, ROLE_COMPUTE, ROLE_STORE };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(metric_schema_new(&f->schema), ERR_OK);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		metric_schema_add(f->schema, &requests, ops[i].name);
		metric_schema_add(f->schema, &refused, ops[i].name);
		metric_schema_add(f->schema, &client, ops[i].name);
		metric_schema_add(f->schema, &server, ops[i].name);
		metric_schema_add(f->schema, &duration, ops[i].name);
	}
	metric_schema_add(f->schema, &commit, NULL);
	metric_schema_add(f->schema, &mail, NULL);
	size_t bytes = metrics_block_bytes(f->schema, SLOTS);
	f->block = metrics_block_new(f->schema, SLOTS);
	assert_non_null(f->block);
	for (int i = 0; i < SLOTS; i++) {
		assert_int_equal(
		    metrics_open(f->schema, f->block, bytes, SLOTS, i, &f->m[i]), ERR_OK);
		metrics_own_slot(f->m[i])->role = roles[i];
		metrics_own_slot(f->m[i])->state = SLOT_SERVING;
		metrics_own_slot(f->m[i])->pid = 100 + i;
	}
	const struct headline_source source = { f->m[3], ops, 3, classes, 3, activities, 2,
		.cores = 2 };
	assert_int_equal(headline_new(&source, &f->h), ERR_OK);
	f->now_us = 1000 * (int64_t)SECOND;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	headline_free(&f->h);
	for (int i = 0; i < SLOTS; i++) {
		metrics_close(&f->m[i]);
	}
	metric_schema_free(&f->schema);
	free(f->block);
	free(f);
	return 0;
}

static double value(const struct fixture *f, const char *name, const char *label)
{
	for (unsigned i = 0; i < headline_n(f->h); i++) {
		struct headline_row row = headline_row(f->h, i);
		if (strcmp(row.def->name, name) == 0 &&
		    (label == NULL
			    ? row.label_value == NULL
			    : row.label_value != NULL && strcmp(row.label_value, label) == 0)) {
			return headline_value(f->h, i);
		}
	}
	fail_msg("no figure %s", name);
	return 0;
}

#define assert_near(got, want) assert_true(fabs((got) - (want)) <= 1e-6 + fabs(want) * 1e-6)

static void alive(struct fixture *f)
{
	for (int i = 0; i < SLOTS; i++) {
		metrics_own_slot(f->m[i])->alive_us = f->now_us;
	}
}

/* A second passes; all processes turn their loops. */
static void second(struct fixture *f)
{
	f->now_us += SECOND;
	alive(f);
	headline_sample(f->h, f->now_us, f->now_us / 1000);
}

static void answer(
    struct fixture *f, int web, const char *op, const struct metric_def *as, int64_t us)
{
	metric_add(metric_cell(f->m[web], &requests, op), 1);
	if (as != NULL) {
		metric_add(metric_cell(f->m[web], as, op), 1);
	}
	hist_record(metric_hist(f->m[web], &duration, op), us);
}

static void nothing_is_nothing(void **state)
{
	struct fixture *f = *state;

	assert_true(isnan(value(f, "active_users", NULL)));
	for (int i = 0; i < 3; i++) {
		second(f);
	}
	assert_near(value(f, "active_users", NULL), 0.0);
	assert_near(value(f, "goodput_per_second", NULL), 0.0);
	assert_near(value(f, "line_share", NULL), 0.0);
	assert_near(value(f, "mail_delay_seconds", NULL), 0.0);
	assert_true(isnan(value(f, "latency_p99_seconds", "compute")));
	assert_true(isnan(value(f, "store_commit_p99_seconds", NULL)));
}

static void rates_are_of_the_window_and_of_all_processes(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++) {
		answer(f, 0, "t.page", NULL, 100); /* before the first sample */
	}
	second(f);
	for (int s = 0; s < 20; s++) {
		answer(f, 0, "t.login", NULL, 100000);
		answer(f, 1, "t.list", NULL, 1000);
		answer(f, 1, "t.login", &client, 90000);
		answer(f, 1, "t.login", &refused, 50);
		answer(f, 0, "t.page", &server, 70);
		answer(f, 0, "t.page", NULL, 200);
		second(f);
	}
	assert_near(value(f, "activities_per_second", "t.sign_in"), 2.0);
	assert_near(value(f, "activities_per_second", "t.look"), 1.0);
	assert_near(value(f, "active_users", NULL), 20000.0); /* 2/s at 100/s per million */
	assert_near(value(f, "goodput_per_second", NULL), 4.0);
	assert_near(value(f, "refused_per_second", NULL), 1.0);
	assert_near(value(f, "errors_per_second", NULL), 1.0);
	/* Ten seconds later nothing of it is left. */
	for (int s = 0; s < 10; s++) {
		second(f);
	}
	assert_near(value(f, "goodput_per_second", NULL), 0.0);
	assert_near(value(f, "active_users", NULL), 0.0);
}

static void an_answer_after_its_deadline_is_not_good(void **state)
{
	struct fixture *f = *state;

	second(f);
	for (int s = 0; s < 10; s++) {
		answer(f, 0, "t.login", NULL, 499000);
		answer(f, 0, "t.login", NULL, 700000);
		second(f);
	}
	assert_near(value(f, "goodput_per_second", NULL), 1.0);
}

static void quantiles_are_those_of_the_class_in_the_window(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++) {
		answer(f, 0, "t.login", NULL, 9000000);
	}
	second(f);
	for (int i = 0; i < 100; i++) {
		answer(f, i % 2, "t.login", NULL, i < 95 ? 8000 : 400000);
		hist_record(metric_hist(f->m[3], &commit, NULL), 2000);
	}
	second(f);
	assert_in_range((int64_t)(value(f, "latency_p50_seconds", "compute") * 1e6), 8000, 9000);
	assert_in_range(
	    (int64_t)(value(f, "latency_p99_seconds", "compute") * 1e6), 400000, 450000);
	assert_in_range((int64_t)(value(f, "store_commit_p99_seconds", NULL) * 1e6), 2000, 2250);
	assert_true(isnan(value(f, "latency_p99_seconds", "memory")));
}

static void the_fullest_resource_gives_the_share(void **state)
{
	struct fixture *f = *state;

	second(f);
	for (int s = 0; s < 10; s++) {
		metrics_own_slot(f->m[0])->busy_us += SECOND / 2;
		metrics_own_slot(f->m[1])->busy_us += SECOND / 10;
		metrics_own_slot(f->m[2])->busy_us += SECOND * 8 / 10;
		metrics_own_slot(f->m[2])->cpu_us += SECOND * 8 / 10;
		metrics_own_slot(f->m[0])->cpu_us += SECOND / 2;
		second(f);
	}
	assert_near(value(f, "line_share", NULL), 0.8);
	assert_string_equal(headline_fullest(f->h), "compute");
	assert_near(value(f, "cores_busy", NULL), 1.3);
	/* Two webs at 0.5 and 0.1 are 0.3; then both cores are used up by processes that wait. */
	for (int s = 0; s < 10; s++) {
		metrics_own_slot(f->m[0])->cpu_us += SECOND;
		metrics_own_slot(f->m[1])->cpu_us += SECOND * 9 / 10;
		second(f);
	}
	assert_near(value(f, "line_share", NULL), 0.95);
	assert_string_equal(headline_fullest(f->h), "processors");
}

static void a_stopped_process_does_not_thin_the_share(void **state)
{
	struct fixture *f = *state;

	second(f);
	for (int s = 0; s < 16; s++) {
		metrics_own_slot(f->m[0])->busy_us += SECOND * 9 / 10;
		f->now_us += SECOND;
		metrics_own_slot(f->m[0])->alive_us = f->now_us;
		headline_sample(f->h, f->now_us, f->now_us / 1000);
	}
	assert_near(value(f, "line_share", NULL), 0.9);
}

static void a_restarted_process_counts_on(void **state)
{
	struct fixture *f = *state;
	struct metric_slot *slot = metrics_own_slot(f->m[2]);

	slot->busy_us = 500 * (int64_t)SECOND;
	second(f);
	for (int s = 0; s < 10; s++) {
		if (s == 5) {
			slot->pid = 7777;
			slot->busy_us = 0;
		}
		slot->busy_us += SECOND * 6 / 10;
		second(f);
	}
	assert_near(value(f, "line_share", NULL), 0.6);
}

static void waits_and_mails(void **state)
{
	struct fixture *f = *state;

	metrics_own_slot(f->m[2])->queue_wait_us = 400000;
	metric_set(metric_cell(f->m[3], &mail, NULL), f->now_us / SECOND - 90);
	second(f);
	metrics_own_slot(f->m[2])->queue_wait_us = 0;
	second(f);
	assert_near(value(f, "queue_wait_seconds", NULL), 0.4); /* the longest of the window */
	assert_near(value(f, "mail_delay_seconds", NULL), 92.0);
	/* The clock was set back behind the mail: it waits not at all rather than a negative time.
	 */
	headline_sample(f->h, f->now_us + SECOND, 5);
	assert_near(value(f, "mail_delay_seconds", NULL), 0.0);
}

static unsigned count(struct slice text, const char *piece)
{
	unsigned n = 0;

	for (const char *p = text.ptr; (p = strstr(p, piece)) != NULL; p++) {
		n++;
	}
	return n;
}

static void history_is_bounded_and_continues(void **state)
{
	struct fixture *f = *state;
	struct buf b = buf_new(1 << 20);
	struct json_writer w = json_writer_new(&b);
	struct arena arena = arena_new(8 << 20);
	struct err_note note;
	const struct json *v = NULL, *points = NULL;
	int64_t seq = 0;

	for (int s = 0; s < 2 * (HEADLINE_POINTS + 10); s++) {
		metrics_own_slot(f->m[0])->cpu_us += SECOND;
		second(f);
	}
	headline_put_history(f->h, 0, &w);
	assert_int_equal(json_parse(&arena, buf_slice(&b), &v, &note), ERR_OK);
	points = json_member(v, "points");
	assert_int_equal(json_count(points), headline_n(f->h));
	assert_int_equal(json_count(json_member(points, "cores_busy")), HEADLINE_POINTS);
	assert_int_equal(
	    json_count(json_member(points, "activities_per_second.t.look")), HEADLINE_POINTS);
	assert_true(json_get_i64(json_member(v, "seq"), &seq));
	assert_int_equal(seq, HEADLINE_POINTS + 10);
	for (int s = 0; s < 4; s++) {
		second(f);
	}
	buf_clear(&b);
	w = json_writer_new(&b);
	headline_put_history(f->h, (uint64_t)seq, &w);
	assert_int_equal(json_parse(&arena, buf_slice(&b), &v, &note), ERR_OK);
	assert_int_equal(json_count(json_member(json_member(v, "points"), "cores_busy")), 2);
	arena_reset(&arena);
	buf_free(&b);
}

static void json_has_every_figure_by_its_name(void **state)
{
	struct fixture *f = *state;
	struct buf b = buf_new(1 << 16);
	struct json_writer w = json_writer_new(&b);
	struct arena arena = arena_new(1 << 20);
	struct err_note note;
	const struct json *v = NULL;

	second(f);
	answer(f, 0, "t.login", NULL, 1000);
	second(f);
	headline_put_json(f->h, &w);
	assert_int_equal(json_parse(&arena, buf_slice(&b), &v, &note), ERR_OK);
	assert_int_equal(json_count(v), HEADLINE_COUNT);
	for (unsigned i = 0; i < HEADLINE_COUNT; i++) {
		assert_non_null(json_member(v, headline_defs[i].name));
	}
	const struct json *p99 = json_member(v, "latency_p99_seconds");
	assert_int_equal(json_count(p99), 2);
	assert_int_equal(json_kind(json_member(p99, "memory")), JSON_KIND_NULL);
	assert_int_equal(json_kind(json_member(p99, "compute")), JSON_KIND_REAL);
	arena_reset(&arena);
	buf_free(&b);
}

static void table_says_all_of_twelve(void **state)
{
	(void)state;

	assert_true(HEADLINE_COUNT <= 12);
	for (unsigned i = 0; i < HEADLINE_COUNT; i++) {
		const struct headline_def *d = &headline_defs[i];
		assert_true(d->name != NULL && d->title != NULL && d->unit != NULL);
		assert_true(
		    strlen(d->help) > 20 && strlen(d->computed) > 20 && strlen(d->act) > 10);
		assert_null(strpbrk(d->help, "|\n\\"));
		for (unsigned k = 0; k < i; k++) {
			assert_string_not_equal(d->name, headline_defs[k].name);
		}
	}
}

/* ---- statsd ---- */

struct sent {
	struct buf text; /* NUL after each datagram, for strstr() */
	unsigned datagrams;
};

static void on_datagram(void *arg, struct slice bytes)
{
	struct sent *s = arg;

	assert_in_range(bytes.len, 1, STATSD_DATAGRAM_BYTES);
	assert_int_not_equal(bytes.ptr[bytes.len - 1], '\n');
	buf_append_slice(&s->text, bytes);
	buf_append_char(&s->text, '\n');
	s->datagrams++;
}

static void statsd_sends_gauges_and_differences(void **state)
{
	struct fixture *f = *state;
	struct sent s = { .text = buf_new(1 << 16) };
	struct statsd_text *t = NULL;

	answer(f, 0, "t.page", NULL, 100);
	second(f);
	assert_int_equal(statsd_text_new("pre fix:1|", f->h, &t), ERR_OK);
	for (int i = 0; i < 7; i++) {
		answer(f, 0, "t.page", NULL, 100);
	}
	second(f);
	statsd_text_write(t, f->h, on_datagram, &s);
	buf_append_char(&s.text, '\0');
	assert_non_null(strstr(s.text.data, "pre_fix_1_.activities_per_second.t_look:7|g\n"));
	assert_non_null(strstr(s.text.data, "pre_fix_1_.activities_per_second.t_look.count:7|c\n"));
	assert_non_null(strstr(s.text.data, "pre_fix_1_.goodput_per_second.count:7|c\n"));
	assert_non_null(strstr(s.text.data, "pre_fix_1_.active_users:0|g\n"));
	assert_null(strstr(s.text.data, "latency_p99_seconds.compute")); /* there is none */
	assert_int_equal(count(slice_str(s.text.data), "latency_p99_seconds.memory:"), 1);
	buf_clear(&s.text);
	second(f);
	statsd_text_write(t, f->h, on_datagram, &s);
	buf_append_char(&s.text, '\0');
	assert_non_null(strstr(s.text.data, "pre_fix_1_.goodput_per_second.count:0|c\n"));
	statsd_text_free(&t);
	buf_free(&s.text);
}

static void statsd_fills_datagrams_with_whole_lines(void **state)
{
	struct fixture *f = *state;
	struct sent s = { .text = buf_new(1 << 16) };
	struct statsd_text *t = NULL;
	char prefix[STATSD_PREFIX_BYTES + 1];

	memset(prefix, 'p', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	second(f);
	answer(f, 0, "t.page", NULL, 100);
	answer(f, 0, "t.login", NULL, 100);
	second(f);
	assert_int_equal(statsd_text_new(prefix, f->h, &t), ERR_OK);
	statsd_text_write(t, f->h, on_datagram, &s);
	assert_true(s.datagrams > 1);
	buf_append_char(&s.text, '\0');
	assert_int_equal(
	    count(slice_str(s.text.data), prefix), count(slice_str(s.text.data), "\n"));
	statsd_text_free(&t);
	buf_free(&s.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_nothing),
		TEST(rates_are_of_the_window_and_of_all_processes),
		TEST(an_answer_after_its_deadline_is_not_good),
		TEST(quantiles_are_those_of_the_class_in_the_window),
		TEST(the_fullest_resource_gives_the_share),
		TEST(a_stopped_process_does_not_thin_the_share),
		TEST(a_restarted_process_counts_on),
		TEST(waits_and_mails),
		TEST(history_is_bounded_and_continues),
		TEST(json_has_every_figure_by_its_name),
		TEST(statsd_sends_gauges_and_differences),
		TEST(statsd_fills_datagrams_with_whole_lines),
		cmocka_unit_test(table_says_all_of_twelve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
