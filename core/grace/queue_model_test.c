/*
 * The event model of load-and-overload.md 4.4: two workers of 100 ms a job, Poisson arrivals,
 * clients who give up after 3 s and try again up to three times, half of the capacity offered, then
 * several times it for two minutes, then half of it again. Which policies keep the goodput, and
 * which of them find back. The admission under test is the real one (admit.h); the others are small
 * functions here: none at all, an expected wait of at most 10 s (the reference) or 1 s, a CoDel
 * that drops at the head of the queue, and last come first served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/grace/admit.h"

enum {
	MS = 1000,
	S = 1000000,
	WORKERS = 2,
	JOB_US = 100 * MS,
	PATIENCE_US = 3 * S,
	RETRIES = 3,
	RETRY_US = 500 * MS, /* where nobody says when */
	CALM_S = 30,
	PEAK_S = 120,
	AFTER_S = 120,
	SETTLE_S = 10,
	ATTEMPTS = 400000,
	EVENTS = 2 * ATTEMPTS,
	GOOD_S = 5, /* so many good seconds in a row are a recovery */
	NEVER = -1
};

enum policy {
	NO_BOUND,
	BOUND_10_S,
	BOUND_1_S,
	CODEL,
	LIFO,
	GRACE,
	POLICIES
};

enum event_kind {
	ARRIVES,
	GIVES_UP,
	DONE
};

struct event {
	int64_t at_us;
	enum event_kind kind;
	int who; /* attempt, or worker */
};

struct attempt {
	int64_t at_us, done_us; /* done_us: 0 if it was not */
	int first;		/* attempt of the same client */
	unsigned char tries;
	bool refused, ended, served; /* served: its client was, in the end */
	uint32_t user;
};

struct model {
	enum policy policy;
	double times;
	int peak_s;
	uint64_t random;
	struct event heap[EVENTS];
	int n_heap;
	struct attempt attempts[ATTEMPTS];
	int n;
	int queue[ATTEMPTS]; /* [first, last) */
	int first, last;
	int running[WORKERS]; /* attempt, or -1 */
	int64_t until_us[WORKERS];
	struct delay_meter codel;
	struct grace g;
};

struct outcome {
	double goodput; /* of the capacity, in the peak */
	double served;	/* of the peak's clients, in the end */
	int64_t p50_us, p99_us;
	int recovery_s; /* NEVER: not in the two minutes after it */
};

/* ---- chance and time ---- */

static double chance(struct model *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (double)(m->random >> 11) / 9007199254740992.0;
}

/* -ln(x) for 0 < x <= 1, so that no library is needed: x = f * 2^-k, series of atanh. */
static double minus_ln(double x)
{
	double k = 0;

	while (x < 0.5) {
		x *= 2;
		k += 0.69314718055994531;
	}
	double y = (x - 1) / (x + 1), square = y * y, term = y, sum = 0;
	for (int i = 1; i < 40; i += 2) {
		sum += term / i;
		term *= square;
	}
	return k - 2 * sum;
}

static void push(struct model *m, int64_t at_us, enum event_kind kind, int who)
{
	int i = m->n_heap++;

	assert_true(i < EVENTS);
	while (i > 0 && m->heap[(i - 1) / 2].at_us > at_us) {
		m->heap[i] = m->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	m->heap[i] = (struct event){ at_us, kind, who };
}

static struct event pop(struct model *m)
{
	struct event top = m->heap[0], moved = m->heap[--m->n_heap];
	int i = 0;

	for (int child; (child = 2 * i + 1) < m->n_heap; i = child) {
		if (child + 1 < m->n_heap && m->heap[child + 1].at_us < m->heap[child].at_us) {
			child++;
		}
		if (m->heap[child].at_us >= moved.at_us) {
			break;
		}
		m->heap[i] = m->heap[child];
	}
	m->heap[i] = moved;
	return top;
}

/* ---- clients ---- */

static int end_s(const struct model *m)
{
	return CALM_S + m->peak_s + AFTER_S;
}

static double rate_at(const struct model *m, int64_t at_us)
{
	bool is_peak = at_us >= CALM_S * (int64_t)S && at_us < (CALM_S + m->peak_s) * (int64_t)S;

	return (is_peak ? m->times : 0.5) * WORKERS * S / JOB_US;
}

static void begin(struct model *m, const struct attempt *a)
{
	assert_true(m->n < ATTEMPTS);
	m->attempts[m->n] = *a;
	push(m, a->at_us, ARRIVES, m->n++);
}

static void next_client(struct model *m, int64_t now_us)
{
	int64_t at_us = now_us + (int64_t)(minus_ln(1 - chance(m)) * S / rate_at(m, now_us));

	if (at_us < end_s(m) * (int64_t)S) {
		uint32_t user = (uint32_t)(chance(m) * 100000);
		begin(m, &(struct attempt){ .at_us = at_us, .first = m->n, .user = user });
	}
}

static void try_again(struct model *m, const struct attempt *a, int64_t at_us)
{
	if (a->tries < RETRIES && at_us < end_s(m) * (int64_t)S) {
		begin(m, &(struct attempt){ .at_us = at_us,
			     .first = a->first,
			     .tries = (unsigned char)(a->tries + 1),
			     .user = a->user });
	}
}

/* ---- the server ---- */

static int64_t expected_wait_us(const struct model *m, int64_t now_us)
{
	int64_t us = (int64_t)(m->last - m->first) * JOB_US;
	bool is_free = false;

	for (int i = 0; i < WORKERS; i++) {
		is_free = is_free || m->running[i] < 0;
		us += m->running[i] < 0 ? 0 : m->until_us[i] - now_us;
	}
	return is_free ? 0 : us / WORKERS;
}

static bool admits(struct model *m, const struct attempt *a, int64_t now_us, int64_t *ret_retry_us)
{
	int64_t wait_us = expected_wait_us(m, now_us);
	const struct grace_load load = {
		.compute_wait_us = wait_us, .compute_run_us = JOB_US, .compute_lanes = WORKERS
	};
	const struct grace_ask ask = {
		.cost = COST_COMPUTE, .rank = SHED_MIDDLE, .budget_us = PATIENCE_US, .user = a->user
	};
	unsigned retry_after_s = 0;

	*ret_retry_us = RETRY_US;
	switch (m->policy) {
	case BOUND_10_S:
		return wait_us <= 10 * S;
	case BOUND_1_S:
		return wait_us <= 1 * S;
	case GRACE:
		if (grace_admit(&m->g, &load, &ask, now_us, &retry_after_s)) {
			return true;
		}
		*ret_retry_us = (int64_t)(((double)retry_after_s + chance(m) / 4) * S);
		return false;
	case NO_BOUND:
	case CODEL:
	case LIFO:
	case POLICIES:
		break;
	}
	return true;
}

/* CoDel as folly has it: while a queue stands, what has waited for twice the target is dropped. */
static bool is_dropped(struct model *m, const struct attempt *a, int64_t now_us)
{
	int64_t waited_us = now_us - a->at_us;

	if (m->policy == LIFO) {
		return waited_us > PATIENCE_US;
	}
	if (m->policy != CODEL) {
		return false;
	}
	delay_meter_record(&m->codel, waited_us, now_us);
	return waited_us > PATIENCE_US ||
	       (delay_meter_is_over(&m->codel, now_us) && waited_us > 2 * JOB_US);
}

static int take(struct model *m)
{
	return m->policy == LIFO ? m->queue[--m->last] : m->queue[m->first++];
}

static void refuse(struct model *m, struct attempt *a, int64_t now_us, int64_t retry_us)
{
	if (!a->ended) {
		a->ended = a->refused = true;
		try_again(m, a, now_us + retry_us);
	}
}

static void work(struct model *m, int64_t now_us)
{
	for (int i = 0; i < WORKERS; i++) {
		while (m->running[i] < 0 && m->first < m->last) {
			int who = take(m);
			if (is_dropped(m, &m->attempts[who], now_us)) {
				refuse(m, &m->attempts[who], now_us, RETRY_US);
				continue;
			}
			m->running[i] = who;
			m->until_us[i] = now_us + JOB_US;
			push(m, now_us + JOB_US, DONE, i);
		}
	}
}

static void arrive(struct model *m, int who, int64_t now_us)
{
	struct attempt *a = &m->attempts[who];
	int64_t retry_us = 0;

	if (a->tries == 0) {
		next_client(m, now_us);
	}
	if (!admits(m, a, now_us, &retry_us)) {
		refuse(m, a, now_us, retry_us);
		return;
	}
	m->queue[m->last++] = who;
	push(m, now_us + PATIENCE_US, GIVES_UP, who);
}

static void step(struct model *m, const struct event *e)
{
	if (e->kind == ARRIVES) {
		arrive(m, e->who, e->at_us);
	} else if (e->kind == DONE) {
		static const struct grace_ask ask = { .cost = COST_COMPUTE };
		struct attempt *a = &m->attempts[m->running[e->who]];
		grace_served(&m->g, &ask);
		a->done_us = a->ended ? 0 : e->at_us;
		m->attempts[a->first].served |= !a->ended;
		a->ended = true;
		m->running[e->who] = -1;
	} else if (!m->attempts[e->who].ended) {
		m->attempts[e->who].ended = true;
		try_again(m, &m->attempts[e->who], e->at_us + RETRY_US);
	}
	work(m, e->at_us);
}

/* ---- what came of it ---- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void look_at_peak(const struct model *m, struct outcome *ret)
{
	static int64_t took_us[ATTEMPTS];
	const int settle_s = m->peak_s > 2 * SETTLE_S ? SETTLE_S : 0;
	const int64_t from_us = (CALM_S + settle_s) * (int64_t)S,
		      to_us = (CALM_S + m->peak_s) * (int64_t)S;
	int n = 0, came = 0, served = 0;

	for (int i = 0; i < m->n; i++) {
		const struct attempt *a = &m->attempts[i];
		if (a->done_us > from_us && a->done_us <= to_us) {
			took_us[n++] = a->done_us - a->at_us;
		}
		if (a->tries == 0 && a->at_us > CALM_S * (int64_t)S && a->at_us <= to_us) {
			came++;
			served += a->served;
		}
	}
	qsort(took_us, (size_t)n, sizeof(took_us[0]), compare);
	ret->goodput = (double)n * JOB_US / WORKERS / (double)(to_us - from_us);
	ret->served = (double)served / came;
	ret->p50_us = n > 0 ? took_us[n / 2] : 0;
	ret->p99_us = n > 0 ? took_us[(int64_t)n * 99 / 100] : 0;
}

/* Of the clients who came new in those seconds: how many were served at once, and how long it took.
 */
static int64_t look_at(const struct model *m, int from_s, int seconds, int *ret_done, int *ret_came)
{
	static int64_t took_us[ATTEMPTS];
	const int64_t from_us = from_s * (int64_t)S, to_us = from_us + seconds * (int64_t)S;
	int n = 0, came = 0;

	for (int i = 0; i < m->n; i++) {
		const struct attempt *a = &m->attempts[i];
		if (a->tries > 0 || a->at_us < from_us || a->at_us >= to_us) {
			continue;
		}
		came++;
		if (a->done_us > 0) {
			took_us[n++] = a->done_us - a->at_us;
		}
	}
	qsort(took_us, (size_t)n, sizeof(took_us[0]), compare);
	*ret_done = n;
	*ret_came = came;
	return n > 0 ? took_us[(int64_t)n * 99 / 100] : 0;
}

/* Seconds after the peak until new clients are served as before it, for a while: nearly all of
 * them, in at most three times the time. */
static int recovery_of(const struct model *m)
{
	int done = 0, came = 0;
	int64_t calm_us = look_at(m, SETTLE_S, CALM_S - SETTLE_S, &done, &came);

	for (int s = CALM_S + m->peak_s; s < end_s(m) - GOOD_S; s++) {
		int64_t p99_us = look_at(m, s, GOOD_S, &done, &came);
		if (done > 0 && done * 100 >= came * 95 && p99_us <= 3 * calm_us) {
			return s - CALM_S - m->peak_s;
		}
	}
	return NEVER;
}

static struct outcome run(enum policy policy, double times, int peak_s)
{
	struct model *m = calloc(1, sizeof(*m));
	struct outcome outcome = { 0 };

	assert_non_null(m);
	m->policy = policy;
	m->times = times;
	m->peak_s = peak_s;
	m->random = 88172645463325252u;
	for (int i = 0; i < WORKERS; i++) {
		m->running[i] = -1;
	}
	delay_meter_init(&m->codel, JOB_US, 10 * JOB_US, 0);
	grace_init(&m->g, 7, 0);
	next_client(m, 0);
	while (m->n_heap > 0) {
		struct event e = pop(m);
		step(m, &e);
	}
	look_at_peak(m, &outcome);
	outcome.recovery_s = recovery_of(m);
	free(m);
	print_message("policy %d at %4.1fx for %d s: goodput %.3f, p50 %4d ms, p99 %4d ms, "
		      "back after %d s, served in the end %.3f\n",
	    (int)policy, times, peak_s, outcome.goodput, (int)(outcome.p50_us / MS),
	    (int)(outcome.p99_us / MS), outcome.recovery_s, outcome.served);
	return outcome;
}

/* ---- the table ---- */

static void without_a_bound_nobody_is_served_and_it_stays_so(void **state)
{
	(void)state;
	for (double times = 2; times <= 10; times += 8) {
		struct outcome o = run(NO_BOUND, times, PEAK_S);
		assert_true(o.goodput < 0.1);
		assert_int_equal(o.recovery_s, NEVER);
	}
}

static void a_bound_longer_than_patience_is_none(void **state)
{
	(void)state;
	for (double times = 2; times <= 10; times += 8) {
		struct outcome o = run(BOUND_10_S, times, PEAK_S);
		assert_true(o.goodput < 0.02);
		assert_int_equal(o.recovery_s, NEVER);
	}
}

static void a_bound_of_a_second_keeps_the_goodput_and_a_second_of_wait(void **state)
{
	(void)state;
	for (double times = 2; times <= 10; times += 8) {
		struct outcome o = run(BOUND_1_S, times, PEAK_S);
		assert_true(o.goodput > 0.98);
		assert_in_range(o.p50_us, 950 * MS, 1150 * MS);
		assert_in_range(o.recovery_s, 0, 5);
	}
}

static void codel_serves_sooner(void **state)
{
	(void)state;
	struct outcome o = run(CODEL, 10, PEAK_S);
	assert_true(o.goodput > 0.97);
	assert_true(o.p99_us < 500 * MS);
	assert_in_range(o.recovery_s, 0, 10);
}

static void last_come_first_served_is_quick_for_the_served_alone(void **state)
{
	(void)state;
	struct outcome o = run(LIFO, 10, PEAK_S);
	assert_true(o.goodput > 0.97);
	assert_true(o.p50_us < 200 * MS);
	assert_true(o.recovery_s == NEVER || o.recovery_s >= 10); /* who waits hears nothing */
}

static void grace_keeps_goodput_waits_short_and_finds_back(void **state)
{
	static const double times[] = { 1.2, 1.5, 2, 3, 5, 10 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct outcome o = run(GRACE, times[i], PEAK_S);
		assert_true(o.goodput > 0.97);
		assert_true(o.p99_us < 900 * MS);
		assert_in_range(o.recovery_s, 0, 6);
	}
}

/* Those who are refused in a short peak have places behind it (comeback.h), and new ones as well.
 */
static void grace_serves_a_short_peak_in_the_end(void **state)
{
	static const struct {
		double times, served; /* told to come in a second: 0.93, 0.79, 0.62 */
	} peaks[] = { { 1.2, 0.98 }, { 1.5, 0.95 }, { 2, 0.75 } };

	(void)state;
	for (size_t i = 0; i < sizeof(peaks) / sizeof(peaks[0]); i++) {
		struct outcome o = run(GRACE, peaks[i].times, 10);
		assert_true(o.served > peaks[i].served);
		assert_in_range(o.recovery_s, 0, 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_bound_nobody_is_served_and_it_stays_so),
		cmocka_unit_test(a_bound_longer_than_patience_is_none),
		cmocka_unit_test(a_bound_of_a_second_keeps_the_goodput_and_a_second_of_wait),
		cmocka_unit_test(codel_serves_sooner),
		cmocka_unit_test(last_come_first_served_is_quick_for_the_served_alone),
		cmocka_unit_test(grace_keeps_goodput_waits_short_and_finds_back),
		cmocka_unit_test(grace_serves_a_short_peak_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
