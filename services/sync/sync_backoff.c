/*
 * Measuring, ten times a second; what follows for a request is in sync_backoff_call.c. What stands
 * is taken from what requests meet at admission: in the loop over a second, because a disk that
 * stops for a moment is no reason to send anybody away for minutes; at the store on the average,
 * because its wait is worked out from how much there is to do.
 */
#include "services/sync/sync_backoff.h"

#include <stdio.h>

#include "core/grace/begun.h"
#include "core/role/app.h"

enum {
	LOOK_MS = 100,
	USE_US = 1000000, /* time over which use is taken */
	LOOP_STANDING_US = 1000000,
	FULL_TIMES = 5, /* a store that takes no more counts as so many times the configured wait */
	/* A loop delay that counts as much as the configured wait. */
	LOOP_TARGET_US = 5000,
	THOUSAND = 1000,
	PATH_MAX_BYTES = 4200
};

/* clang-format off */
const struct metric_def sync_metrics[SYNC_METRICS] = {
	{ "sync_backoff_asked_total", METRIC_COUNTER, NULL, "Answers that asked a client to stay away for a while." },
	{ "sync_backoff_refused_total", METRIC_COUNTER, NULL, "Requests refused with 503 so that syncs that had begun could end." },
	{ "sync_backoff_use_permille", METRIC_GAUGE, NULL, "Use of the busiest role, or of the processors that all share, smoothed, in thousandths." },
	{ "sync_backoff_asked_permille", METRIC_GAUGE, NULL, "Share of users who are asked to stay away, in thousandths." },
	{ "sync_backoff_refused_permille", METRIC_GAUGE, NULL, "Share of users who are refused a new sync, in thousandths." },
};
/* clang-format on */

/* ---- measuring ---- */

static void measure_use(struct sync_backoff *b, int64_t now_us)
{
	if (now_us - b->before.at_us < USE_US) {
		return;
	}
	struct sync_use u = sync_use_now(b->env->metrics, app_cores(), now_us);
	/* Where it cannot be said, the next second can. */
	(void)sync_use_between(&b->before, &u, &b->use);
	b->before = u;
}

static void show(const struct sync_backoff *b)
{
	metric_set(b->use_now, (int64_t)(b->shares.use * THOUSAND));
	metric_set(b->asked_now, (int64_t)(b->shares.asked * THOUSAND));
	metric_set(b->refused_now, (int64_t)(b->shares.refused * THOUSAND));
}

/*
 * The store takes only so many calls at a time, and the wait for it is that of those: where it
 * takes no more, that is the long wait. Where it is away there is no load.
 */
static int64_t most_wait_us(const struct sync_backoff *b, int64_t wait_us)
{
	if (wait_us <= FULL_TIMES * b->limits.wait_us) {
		return wait_us;
	}
	return rpc_pool_connected(b->env->peer[ROLE_STORE]) > 0 ? FULL_TIMES * b->limits.wait_us
								: 0;
}

/* What a request would meet, where none has come since the last look: a queue is one all the same.
 */
static int64_t store_wait_now(const struct sync_backoff *b)
{
	return most_wait_us(b, rpc_pool_expected_wait_us(b->env->peer[ROLE_STORE]));
}

static void on_look(void *arg)
{
	struct sync_backoff *b = arg;
	int64_t now_us = loop_now_us(b->env->loop);
	int64_t store_us =
	    b->store_waits > 0 ? b->store_wait_us / b->store_waits : store_wait_now(b);
	int64_t loop_us = delay_meter_standing_us(&b->loop_wait, now_us) *
			  (b->limits.wait_us / LOOP_TARGET_US + 1);

	measure_use(b, now_us);
	const struct backoff_seen seen = { .use = b->use,
		.standing_us = store_us > loop_us ? store_us : loop_us,
		.done = b->done };
	backoff_look(&b->shares, &b->limits, &seen, now_us);
	b->store_wait_us = b->store_waits = b->done = 0;
	show(b);
}

void sync_backoff_note(struct sync_backoff *b, const struct grace_load *load, int64_t now_us)
{
	int64_t wait_us =
	    load->store_wait_us > load->read_wait_us ? load->store_wait_us : load->read_wait_us;

	delay_meter_record(&b->loop_wait, load->loop_delay_us, now_us);
	b->store_wait_us += most_wait_us(b, wait_us);
	b->store_waits++;
}

/* ---- beginning and end ---- */

void sync_backoff_configure(struct sync_backoff *b)
{
	const struct conf *conf = b->env->conf;

	b->limits = (struct backoff_limits){
		.ask_from = (double)conf_int(conf, "sync", "backoff_from") / 100,
		.ask_all = (double)conf_int(conf, "sync", "backoff_full") / 100,
		.wait_us = conf_ms(conf, "sync", "backoff_wait") * 1000,
		.ask_min_s = (unsigned)(conf_ms(conf, "sync", "backoff_min") / 1000),
		.ask_max_s = (unsigned)(conf_ms(conf, "sync", "backoff_max") / 1000),
		.retry_min_s = (unsigned)(conf_ms(conf, "sync", "retry_after_min") / 1000),
		.retry_max_s = (unsigned)(conf_ms(conf, "sync", "retry_after_max") / 1000),
	};
}

enum err sync_backoff_open(
    const struct svc_env *env, struct sync_backoff *ret, struct err_note *note)
{
	struct sync_backoff *b = ret;
	char path[PATH_MAX_BYTES];

	*b = (struct sync_backoff){ .env = env };
	(void)snprintf(path, sizeof(path), "%s/sync.begun", env->data_dir);
	enum err e = shared_words_open(path, BEGUN_PLACES, &b->begun, note);
	sync_backoff_configure(b);
	return e;
}

void sync_backoff_start(struct sync_backoff *b)
{
	const struct svc_env *env = b->env;
	int64_t now_us = loop_now_us(env->loop);

	backoff_init(&b->shares, now_us);
	delay_meter_init(&b->loop_wait, LOOP_TARGET_US, LOOP_STANDING_US, now_us);
	b->asked = metric_cell(env->metrics, &sync_metrics[0], NULL);
	b->refused = metric_cell(env->metrics, &sync_metrics[1], NULL);
	b->use_now = metric_cell(env->metrics, &sync_metrics[2], NULL);
	b->asked_now = metric_cell(env->metrics, &sync_metrics[3], NULL);
	b->refused_now = metric_cell(env->metrics, &sync_metrics[4], NULL);
	b->before = sync_use_now(env->metrics, app_cores(), now_us);
	loop_every(env->loop, LOOK_MS, on_look, b);
}

void sync_backoff_close(struct sync_backoff *b)
{
	shared_words_close(&b->begun);
}
