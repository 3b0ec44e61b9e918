/*
 * A server's end and helpers' ends with a network between them that the test delivers, loses and
 * forges at will.
 */
#include "core/offload/offload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/offload/lend.h"
#include "core/rpc/fixture.h"

enum {
	SIDES = 2,
	QUEUE = 256,
	MESSAGE = 2048,
	CREDITS = 32,
	PLENTY = 100,
	SILENCE_MS = HELPER_SILENT_US / 1000 + 100
};

struct message {
	char subject[SUBJECT_BYTES], reply[SUBJECT_BYTES], payload[MESSAGE];
	size_t len;
};

/* A helper: its end, and one process of its compute role. */
struct side {
	struct lend *lend;
	struct rpc_pool *pool;
	struct rpc_server *server;
	struct holder holder;
	bool is_gone; /* nobody listens to its subject */
	bool is_deaf; /* what is sent to it does not arrive */
};

struct net {
	struct fixture f;
	struct job_rows rows;
	struct offload *offload;
	struct rpc_server *server; /* offload's, which web calls */
	struct rpc_pool *web;
	struct side side[SIDES];
	struct message queue[QUEUE];
	unsigned n, at;
	unsigned drained;
	struct slice job; /* the bytes of the last one to a helper, where their sender had them */
};

static const char *const names[SIDES] = { "a", "b" };

static enum err publish(void *arg, const char *subject, const char *reply, struct slice payload)
{
	struct net *n = arg;
	struct message *m = &n->queue[n->n++];

	assert_true(n->n < QUEUE && payload.len <= sizeof(m->payload));
	snprintf(m->subject, sizeof(m->subject), "%s", subject);
	snprintf(m->reply, sizeof(m->reply), "%s", reply == NULL ? "" : reply);
	memcpy(m->payload, payload.ptr, payload.len);
	m->len = payload.len;
	if (strncmp(subject, "t.job.", 6) == 0) {
		n->job = payload;
	}
	return ERR_OK;
}

static void deliver(struct net *n, const struct message *m)
{
	const struct slice payload = SLICE_OF(m->payload, m->len);

	if (strncmp(m->subject, "t.job.", 6) != 0) {
		offload_message(n->offload, slice_str(m->subject), payload, false);
		return;
	}
	struct side *s = &n->side[m->subject[6] - 'a'];
	if (s->is_gone) {
		offload_message(n->offload, slice_str(m->reply), SLICE_EMPTY, true);
	} else if (!s->is_deaf) {
		lend_message(s->lend, slice_str(m->reply), payload);
	}
}

/* Runs until nothing is under way any more. */
static void settle(struct net *n)
{
	do {
		while (n->at < n->n) {
			deliver(n, &n->queue[n->at++]);
		}
		n->n = n->at = 0;
		offload_tell(n->offload);
		fixture_run_ms(&n->f, 3);
	} while (n->n > 0);
}

static void side_open(struct net *n, unsigned i, unsigned jobs_per_process)
{
	struct side *s = &n->side[i];
	const struct rpc_executor ex = holder_executor(&s->holder);
	int fds[2];

	fixture_pair(fds);
	s->pool = fixture_pool(&n->f, CREDITS);
	s->server = fixture_server(&n->f, &ex, fds[1]);
	assert_int_equal(rpc_pool_add(s->pool, 0, fds[0]), ERR_OK);
	const struct lend_setup setup = { .loop = n->f.loop,
		.rows = &n->rows,
		.compute = s->pool,
		.prefix = "t",
		.name = names[i],
		.jobs_per_process = jobs_per_process,
		.publish = publish,
		.arg = n };
	assert_int_equal(lend_new(&setup, &s->lend), ERR_OK);
}

static void announce_all(struct net *n)
{
	for (unsigned i = 0; i < SIDES; i++) {
		lend_announce(n->side[i].lend);
	}
	settle(n);
}

static void net_open(struct net *n)
{
	int fds[2];

	*n = (struct net){ 0 };
	fixture_open(&n->f);
	job_rows_init(&n->rows, &fixture_registry, "1");
	const struct offload_setup setup = {
		.loop = n->f.loop, .rows = &n->rows, .prefix = "t", .publish = publish, .arg = n
	};
	assert_int_equal(offload_new(&setup, &n->offload), ERR_OK);
	const struct rpc_executor ex = offload_executor(n->offload);
	fixture_pair(fds);
	n->server = fixture_server(&n->f, &ex, fds[1]);
	offload_set_server(n->offload, n->server);
	n->web = fixture_pool(&n->f, CREDITS);
	assert_int_equal(rpc_pool_add(n->web, RPC_ELSEWHERE, fds[0]), ERR_OK);
	for (unsigned i = 0; i < SIDES; i++) {
		side_open(n, i, CREDITS);
	}
	offload_connected(n->offload, true);
}

static void net_close(struct net *n)
{
	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &n->side[i];
		while (s->holder.n > 0) {
			holder_reply(&s->holder, 0, ERR_OK);
		}
	}
	settle(n);
	fixture_finish(&n->f);
	assert_int_equal(offload_out(n->offload), 0);
	rpc_pool_free(&n->web);
	rpc_server_free(&n->server);
	offload_free(&n->offload);
	for (unsigned i = 0; i < SIDES; i++) {
		assert_int_equal(lend_counts(n->side[i].lend).out, 0);
		lend_free(&n->side[i].lend);
		rpc_pool_free(&n->side[i].pool);
		rpc_server_free(&n->side[i].server);
	}
	fixture_run_ms(&n->f, 2);
	fixture_close(&n->f);
}

/* A helper's word that the test makes up. */
static void say(struct net *n, unsigned i, const struct announce *a)
{
	struct buf b = buf_new(ANNOUNCE_BYTES);
	struct announce whole = *a;
	char subject[SUBJECT_BYTES + 16], own[SUBJECT_BYTES];

	whole.kind = whole.kind == 0 ? n->rows.kind : whole.kind;
	/* "t.job.NAME.RUN" -> "t.helper.NAME.RUN" */
	lend_subject(n->side[i].lend, own);
	snprintf(subject, sizeof(subject), "t.helper.%s", own + strlen("t.job."));
	announce_put(&b, &whole);
	offload_message(n->offload, slice_str(subject), buf_slice(&b), false);
	buf_free(&b);
	settle(n);
}

static void start_row(struct net *n, struct fixture_call *c, enum fixture_row row)
{
	*c = (struct fixture_call){ .pool = n->web, .row = row, .req = SLICE("work") };
	fixture_start(&n->f, c);
	fixture_run_ms(&n->f, 3);
	settle(n);
}

static void ended_well(const struct fixture_call *c)
{
	assert_true(c->ended);
	assert_int_equal(c->e, ERR_OK);
	assert_true(slice_eq(c->reply, SLICE("work")));
}

static void free_call(struct fixture_call *c)
{
	arena_reset(&c->arena);
}

static void a_job_goes_to_a_helper_and_its_answer_comes_back(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;

	(void)state;
	net_open(n);
	/* Before anybody is heard nobody is sent anything, and callers know without asking. */
	assert_true(rpc_pool_expected_wait_us(n->web) == INT64_MAX);
	assert_int_equal(rpc_pool_connected(n->web), 0);
	announce_all(n);
	assert_int_equal(rpc_pool_connected(n->web), 1);
	assert_true(rpc_pool_expected_wait_us(n->web) < INT64_MAX);
	start_row(n, &c, ROW_ECHO);
	assert_int_equal(n->side[0].holder.n + n->side[1].holder.n, 1);
	struct side *s = &n->side[n->side[0].holder.n > 0 ? 0 : 1];
	assert_true(slice_eq(rpc_request_view(s->holder.held[0]).payload, SLICE("work")));
	holder_reply(&s->holder, 0, ERR_OK);
	settle(n);
	ended_well(&c);
	assert_int_equal(offload_counts(n->offload).sent, 1);
	assert_int_equal(offload_counts(n->offload).answered, 1);
	free_call(&c);
	net_close(n);
	free(n);
}

static void what_was_sent_is_not_kept(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;

	(void)state;
	net_open(n);
	announce_all(n);
	start_row(n, &c, ROW_ECHO);
	assert_true(n->job.len > strlen("work"));
	for (size_t i = 0; i < n->job.len; i++) {
		assert_int_equal(n->job.ptr[i], 0);
	}
	struct side *s = &n->side[n->side[0].holder.n > 0 ? 0 : 1];
	holder_reply(&s->holder, 0, ERR_OK);
	settle(n);
	ended_well(&c);
	free_call(&c);
	net_close(n);
	free(n);
}

static void errors_come_back_with_their_words(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;

	(void)state;
	net_open(n);
	announce_all(n);
	start_row(n, &c, ROW_ONCE);
	struct side *s = &n->side[n->side[0].holder.n > 0 ? 0 : 1];
	const struct err_note note = { .text = "not that one" };
	rpc_reply(s->holder.held[0], ERR_CONFLICT, SLICE_EMPTY, &note);
	s->holder.n = 0;
	settle(n);
	assert_true(c.ended);
	assert_int_equal(c.e, ERR_CONFLICT);
	assert_non_null(strstr(c.note.text, "not that one"));
	free_call(&c);
	net_close(n);
	free(n);
}

static void the_least_loaded_helper_gets_the_job(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c[3];

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 900000 });
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 10 });
	start_row(n, &c[0], ROW_ECHO);
	assert_int_equal(n->side[1].holder.n, 1);
	/* Its words now say that it is the fuller one. */
	say(n, 0, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 10 });
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 900000 });
	start_row(n, &c[1], ROW_ECHO);
	assert_int_equal(n->side[0].holder.n, 1);
	/* What we have just sent counts before it is said: two processes, one of them free. */
	say(n, 0, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 0 });
	say(n, 1, &(struct announce){ .processes = 2, .jobs_max = PLENTY, .wait_us = 0 });
	start_row(n, &c[2], ROW_ECHO);
	assert_int_equal(n->side[1].holder.n, 2);
	net_close(n);
	for (unsigned i = 0; i < 3; i++) {
		ended_well(&c[i]);
		free_call(&c[i]);
	}
	free(n);
}

static void a_full_helper_says_so_and_another_does_it(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c[3];

	(void)state;
	net_open(n);
	lend_free(&n->side[0].lend);
	rpc_pool_free(&n->side[0].pool);
	rpc_server_free(&n->side[0].server);
	side_open(n, 0, 1);
	const struct announce free_one = { .processes = 4, .jobs_max = PLENTY };
	const struct announce late_one = { .processes = 4, .jobs_max = PLENTY, .wait_us = 1000000 };
	say(n, 0, &free_one);
	say(n, 1, &late_one);
	start_row(n, &c[0], ROW_ONCE);
	assert_int_equal(n->side[0].holder.n, 1);
	/* It has one, may have one, and says otherwise. */
	say(n, 0, &free_one);
	say(n, 1, &late_one);
	start_row(n, &c[1], ROW_ONCE);
	assert_int_equal(lend_counts(n->side[0].lend).refused, 1);
	assert_int_equal(n->side[1].holder.n, 1);
	assert_int_equal(offload_counts(n->offload).again, 1);
	/* With no other one the caller hears it, at once. */
	say(n, 0, &free_one);
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = 1, .jobs = 1 });
	start_row(n, &c[2], ROW_ONCE);
	assert_true(c[2].ended);
	assert_int_equal(c[2].e, ERR_TOO_BUSY);
	assert_int_equal(offload_counts(n->offload).busy, 1);
	net_close(n);
	ended_well(&c[0]);
	ended_well(&c[1]);
	for (unsigned i = 0; i < 3; i++) {
		free_call(&c[i]);
	}
	free(n);
}

static void what_could_not_be_done_in_time_is_refused_at_once(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c = { .row = ROW_ECHO, .req = SLICE("work") };

	(void)state;
	net_open(n);
	say(n, 0,
	    &(struct announce){ .processes = 1, .jobs = 9, .jobs_max = 99, .wait_us = 4000000 });
	c.pool = n->web;
	c.deadline_us = clock_mono_us() + 3000000;
	fixture_start(&n->f, &c);
	fixture_run_ms(&n->f, 3);
	settle(n);
	assert_true(c.ended);
	assert_int_equal(c.e, ERR_TOO_BUSY);
	assert_int_equal(offload_counts(n->offload).sent, 0);
	free_call(&c);
	net_close(n);
	free(n);
}

static void a_lost_helper_costs_only_its_jobs(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call again, once, other;

	(void)state;
	net_open(n);
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = PLENTY });
	start_row(n, &other, ROW_ONCE);
	assert_int_equal(n->side[1].holder.n, 1);
	say(n, 0, &(struct announce){ .processes = 4, .jobs_max = PLENTY });
	start_row(n, &again, ROW_ECHO);
	start_row(n, &once, ROW_ONCE);
	assert_int_equal(n->side[0].holder.n, 2);
	/* It is silent; the other one is not. */
	n->side[0].is_deaf = true;
	fixture_run_ms(&n->f, SILENCE_MS);
	say(n, 1, &(struct announce){ .processes = 4, .jobs = 1, .jobs_max = PLENTY });
	offload_tick(n->offload);
	settle(n);
	assert_int_equal(offload_counts(n->offload).helpers_lost, 1);
	assert_int_equal(offload_counts(n->offload).lost, 2);
	assert_true(once.ended);
	assert_int_equal(once.e, ERR_OUTCOME_UNKNOWN);
	assert_false(again.ended);
	assert_int_equal(n->side[1].holder.n, 2);
	/* What the lost one answers after all is nobody's answer any more. */
	holder_reply(&n->side[0].holder, 0, ERR_OK);
	settle(n);
	assert_false(again.ended);
	net_close(n);
	ended_well(&again);
	ended_well(&other);
	free_call(&again);
	free_call(&once);
	free_call(&other);
	free(n);
}

static void a_job_that_nobody_heard_goes_elsewhere_whatever_it_is(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 2, .jobs_max = PLENTY });
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = PLENTY });
	n->side[0].is_gone = true;
	start_row(n, &c, ROW_ONCE);
	assert_int_equal(n->side[1].holder.n, 1);
	assert_int_equal(offload_helpers(n->offload).usable, 1);
	net_close(n);
	ended_well(&c);
	free_call(&c);
	free(n);
}

static void without_a_helper_another_peer_does_it(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct holder local = { .n = 0 };
	const struct rpc_executor ex = holder_executor(&local);
	struct fixture_call c;
	int fds[2];

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 2, .jobs_max = PLENTY });
	start_row(n, &c, ROW_ECHO);
	assert_int_equal(n->side[0].holder.n, 1);
	/* Its own process comes; then the connection to all helpers goes, with the job. */
	fixture_pair(fds);
	struct rpc_server *s = fixture_server(&n->f, &ex, fds[1]);
	assert_int_equal(rpc_pool_add(n->web, 0, fds[0]), ERR_OK);
	offload_connected(n->offload, false);
	settle(n);
	assert_int_equal(local.n, 1);
	assert_int_equal(rpc_pool_connected(n->web), 1);
	holder_reply(&local, 0, ERR_OK);
	settle(n);
	ended_well(&c);
	free_call(&c);
	rpc_server_free(&s);
	net_close(n);
	free(n);
}

static void who_gives_up_is_heard_by_the_helper(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 1, .jobs_max = PLENTY });
	start_row(n, &c, ROW_ONCE);
	assert_int_equal(n->side[0].holder.n, 1);
	task_cancel(c.task);
	settle(n);
	assert_true(c.ended);
	assert_int_equal(c.e, ERR_CANCELLED);
	assert_int_equal(n->side[0].holder.cancelled, 1);
	assert_int_equal(offload_counts(n->offload).cancelled, 1);
	free_call(&c);
	net_close(n);
	free(n);
}

static void on_drained(void *arg)
{
	((struct net *)arg)->drained++;
}

static void one_that_leaves_ends_its_work_and_gets_no_more(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c[2];

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 4, .jobs_max = PLENTY });
	start_row(n, &c[0], ROW_ONCE);
	assert_int_equal(n->side[0].holder.n, 1);
	say(n, 1, &(struct announce){ .processes = 1, .jobs_max = PLENTY, .wait_us = 10000 });
	lend_drain(n->side[0].lend, on_drained, n);
	/* Sent before its word arrives: it refuses, and the other one does it. */
	start_row(n, &c[1], ROW_ONCE);
	assert_int_equal(n->side[1].holder.n, 1);
	assert_int_equal(offload_helpers(n->offload).usable, 1);
	fixture_run_ms(&n->f, 500);
	lend_announce(n->side[0].lend);
	assert_int_equal(n->drained, 0); /* a job is out */
	holder_reply(&n->side[0].holder, 0, ERR_OK);
	settle(n);
	ended_well(&c[0]);
	lend_announce(n->side[0].lend);
	assert_int_equal(n->drained, 1);
	assert_int_equal(offload_counts(n->offload).helpers_lost, 0);
	net_close(n);
	ended_well(&c[1]);
	free_call(&c[0]);
	free_call(&c[1]);
	free(n);
}

static void a_helper_of_another_version_gets_nothing(void **state)
{
	struct net *n = calloc(1, sizeof(*n));
	struct job_rows other;

	(void)state;
	net_open(n);
	job_rows_init(&other, &fixture_registry, "2");
	assert_true(other.kind != n->rows.kind);
	say(n, 0, &(struct announce){ .kind = other.kind, .processes = 4, .jobs_max = PLENTY });
	assert_int_equal(offload_helpers(n->offload).strangers, 1);
	assert_int_equal(offload_helpers(n->offload).usable, 0);
	assert_int_equal(rpc_pool_connected(n->web), 0);
	/* Only web's calls to compute travel. */
	assert_int_equal(n->rows.registry.n, ROW_COUNT - 1);
	net_close(n);
	free(n);
}

static void what_is_not_ours_changes_nothing(void **state)
{
	static const char *const subjects[] = { "", ".", "t", "t.helper", "t.helper.a",
		"t.helper..", "t.helper.a.0123456789abcdef.x", "t.answer.x.y",
		"x.helper.a.0123456789abcdef" };
	struct net *n = calloc(1, sizeof(*n));
	struct fixture_call c;
	char junk[MESSAGE];
	char job[SUBJECT_BYTES];

	(void)state;
	net_open(n);
	say(n, 0, &(struct announce){ .processes = 1, .jobs_max = PLENTY });
	start_row(n, &c, ROW_ONCE);
	for (size_t len = 0; len < 300; len++) {
		for (size_t i = 0; i < len; i++) {
			junk[i] = (char)(len * 7 + i * 31);
		}
		const struct slice payload = SLICE_OF(junk, len);
		offload_message(n->offload, slice_str(subjects[len % 9]), payload, len % 3 == 0);
		lend_message(n->side[0].lend, SLICE("t.answer.0.0"), payload);
		lend_message(n->side[0].lend, SLICE("elsewhere"), payload);
	}
	lend_subject(n->side[0].lend, job);
	assert_int_equal(lend_counts(n->side[0].lend).jobs, 1);
	assert_int_equal(lend_counts(n->side[0].lend).bad, 600);
	assert_true(offload_counts(n->offload).bad > 100);
	assert_int_equal(offload_helpers(n->offload).usable, 1);
	assert_false(c.ended);
	net_close(n);
	ended_well(&c);
	free_call(&c);
	free(n);
}

static void there_are_never_more_than_we_keep(void **state)
{
	struct helpers *h = calloc(1, sizeof(*h));
	const struct announce a = { .kind = 1, .processes = 1, .jobs_max = 1 };
	char name[32];
	unsigned at = 0;

	(void)state;
	helpers_init(h, 1);
	for (unsigned i = 0; i < HELPERS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(
		    helpers_heard(h, name, "0123456789abcdef", &a, 5, &at), HELPER_JOINED);
	}
	assert_int_equal(helpers_heard(h, "more", "0123456789abcdef", &a, 5, &at), HELPER_TOO_MANY);
	assert_int_equal(helpers_heard(h, "n7", "0123456789abcdef", &a, 6, &at), HELPER_AS_BEFORE);
	assert_int_equal(at, 7);
	assert_int_equal(helpers_silent(h, 5 + HELPER_SILENT_US), -1);
	assert_int_equal(helpers_silent(h, 6 + HELPER_SILENT_US), 0);
	helpers_forget(h, 0);
	assert_int_equal(helpers_heard(h, "more", "0123456789abcdef", &a, 7, &at), HELPER_JOINED);
	assert_int_equal(helpers_count(h).usable, HELPERS_MAX);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_goes_to_a_helper_and_its_answer_comes_back),
		cmocka_unit_test(what_was_sent_is_not_kept),
		cmocka_unit_test(errors_come_back_with_their_words),
		cmocka_unit_test(the_least_loaded_helper_gets_the_job),
		cmocka_unit_test(a_full_helper_says_so_and_another_does_it),
		cmocka_unit_test(what_could_not_be_done_in_time_is_refused_at_once),
		cmocka_unit_test(a_lost_helper_costs_only_its_jobs),
		cmocka_unit_test(a_job_that_nobody_heard_goes_elsewhere_whatever_it_is),
		cmocka_unit_test(without_a_helper_another_peer_does_it),
		cmocka_unit_test(who_gives_up_is_heard_by_the_helper),
		cmocka_unit_test(one_that_leaves_ends_its_work_and_gets_no_more),
		cmocka_unit_test(a_helper_of_another_version_gets_nothing),
		cmocka_unit_test(what_is_not_ours_changes_nothing),
		cmocka_unit_test(there_are_never_more_than_we_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
