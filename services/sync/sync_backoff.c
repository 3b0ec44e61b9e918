/*
 * Measuring, ten times a second. What stands is taken from what requests meet at admission: in the
 * loop over a second, because a disk that stops for a moment is no reason to send anybody away for
 * minutes; at the store on the average, because its wait is worked out from how much there is to
 * do.
 */
#include "services/sync/sync_backoff.h"

#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/grace/begun.h"
#include "services/sync/storage_call.h"
#include "services/sync/sync_priv.h"
#include "services/sync/token_server.h"

enum {
	LOOK_MS = 100,
	USE_US = 1000000, /* time over which use is taken */
	LOOP_STANDING_US = 1000000,
	FULL_TIMES = 5, /* a store that takes no more counts as so many times the configured wait */
	/* A loop delay that counts as much as the configured wait. */
	LOOP_TARGET_US = 5000,
	THOUSAND = 1000,
	/*
	 * The requests of a sync follow each other within seconds; browsers that hurry sync every
	 * 90 s.
	 */
	GOES_ON_S = 60,
	/* So soon after another request of the sync what begins one belongs to it. */
	BEGINS_AGAIN_S = 10,
	NAME_SHIFT = 22, /* of 64 bits, so that 42 are left; NAME_BIT above them is of no uid */
	PATH_MAX_BYTES = 4200
};

#define NAME_BIT (UINT64_C(1) << 42)

/* clang-format off */
const struct metric_def sync_metrics[SYNC_METRICS] = {
	{ "sync_backoff_asked_total", METRIC_COUNTER, NULL, "Answers that asked a client to stay away for a while." },
	{ "sync_backoff_refused_total", METRIC_COUNTER, NULL, "Requests refused with 503 so that syncs that had begun could end." },
	{ "sync_backoff_use_permille", METRIC_GAUGE, NULL, "Use of the busiest role, smoothed, in thousandths." },
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
	struct sync_use u = sync_use_now(b->env, now_us);
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

	b->store_wait_us = b->store_waits = 0;
	measure_use(b, now_us);
	backoff_look(
	    &b->shares, &b->limits, b->use, store_us > loop_us ? store_us : loop_us, now_us);
	show(b);
}

/* What a request meets. */
static void note_load(struct sync_backoff *b, const struct grace_load *load, int64_t now_us)
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
	b->before = sync_use_now(env, now_us);
	loop_every(env->loop, LOOK_MS, on_look, b);
}

void sync_backoff_close(struct sync_backoff *b)
{
	shared_words_close(&b->begun);
}

/* ---- who asks ---- */

static bool is_token(const struct op_call *c)
{
	return token_server_owns_path(http_path(c->req));
}

/* The storage, in whatever version. */
static bool is_storage(const struct op_call *c)
{
	static const char *const begins[] = { "/1.5/", "/1.1/", "/1.0/", "/1/" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (slice_starts(http_path(c->req), slice_str(begins[i]))) {
			return !is_token(c);
		}
	}
	return false;
}

/* What belongs to a sync: the accounts server does not. */
static bool is_paced(const struct op_call *c)
{
	return is_storage(c) || is_token(c);
}

static uint64_t hash_of(struct slice text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < text.len; i++) {
		hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

/* A number that names the user of a path: the uid, or what his name comes to. False: there is none.
 */
static bool take_user(const struct op_call *c, int64_t *ret)
{
	struct slice name = http_param(c->req, "user");
	uint64_t uid = 0;

	if (slice_to_u64(http_param(c->req, "uid"), (uint64_t)TOKEN_UID_MAX, &uid) == ERR_OK) {
		*ret = (int64_t)uid;
		return true;
	}
	*ret = (int64_t)(hash_of(name) >> NAME_SHIFT | NAME_BIT);
	return name.len > 0;
}

/* The same of any request: a token's is named by the keys. */
static uint64_t number_of(const struct op_call *c)
{
	int64_t user = 0;
	struct slice key_id = http_header_get(c->req, SLICE("X-KeyID"));

	if (take_user(c, &user)) {
		return (uint64_t)user;
	}
	return key_id.ptr == NULL ? rng_u64() : hash_of(key_id);
}

static int64_t now_s(void)
{
	return clock_wall_ms() / 1000;
}

void sync_backoff_serves(struct op_call *c)
{
	const struct sync_state *state = c->state;
	int64_t user = 0;

	if (take_user(c, &user)) {
		begun_note(&state->backoff.begun, user, now_s());
	}
}

void sync_backoff_gives(struct op_call *c, int64_t uid)
{
	const struct sync_state *state = c->state;

	begun_note(&state->backoff.begun, uid, now_s());
}

/* ---- asking ---- */

void sync_backoff_decorate(struct op_call *c)
{
	const struct sync_state *state = c->state;
	const struct sync_backoff *b = &state->backoff;

	/* A 503 says itself when to come again. */
	if (!is_paced(c) || http_replied_status(c->req) == 503 ||
	    !backoff_asks(&b->shares, number_of(c), now_s())) {
		return;
	}
	unsigned seconds = backoff_ask_s(&b->shares, &b->limits, rng_u64());
	const char *text = arena_printf(c->arena, "%u", seconds);
	if (text != NULL) {
		http_add_header(c->req,
		    is_storage(c) ? SLICE("X-Weave-Backoff") : SLICE("X-Backoff"), slice_str(text));
		metric_add(b->asked, 1);
	}
}

/* ---- refusing ---- */

/* It goes on with an upload that was opened before. */
static bool has_batch(const struct op_call *c)
{
	struct slice text;

	return http_method(c->req) == HTTP_POST && http_query_get(c->req, SLICE("batch"), &text) &&
	       text.len > 0 && !slice_eq_nocase(text, SLICE("true"));
}

static bool is_begun(const struct op_call *c, const struct sync_backoff *b)
{
	unsigned within_s = (c->op->flags & OP_BEGINS) != 0 ? BEGINS_AGAIN_S : GOES_ON_S;
	int64_t user = 0;

	return is_storage(c) && take_user(c, &user) &&
	       (begun_is(&b->begun, user, within_s, now_s()) || has_batch(c));
}

enum shed_rank sync_rank(struct op_call *c, const struct grace_load *load)
{
	struct sync_state *state = c->state;
	struct sync_backoff *b = &state->backoff;
	enum shed_rank rank = c->op->rank;

	note_load(b, load, loop_now_us(state->env->loop));
	if (!is_paced(c)) {
		return rank;
	}
	if (rank <= SHED_LAST || is_begun(c, b)) {
		return rank < SHED_LAST ? rank : SHED_LAST;
	}
	uint64_t user = number_of(c);
	bool refused = rank == SHED_FIRST ? backoff_refuses(&b->shares, user, now_s())
					  : backoff_refuses_late(&b->shares, user, now_s());
	/* The share decides about beginnings; admission cuts all of them off where it cannot. */
	return refused ? SHED_RANKS : rank < SHED_LATE ? rank : SHED_LATE;
}

unsigned sync_backoff_retry_s(const struct op_call *c, unsigned few_s)
{
	const struct sync_state *state = c->state;
	const struct sync_backoff *b = &state->backoff;
	unsigned seconds = few_s + (unsigned)rng_below(few_s + 1);

	if (b->refuses_now || b->shares.refused > 0) {
		unsigned longer = backoff_retry_s(&b->shares, &b->limits, rng_u64());
		return longer > seconds ? longer : seconds;
	}
	return seconds;
}

void sync_busy(struct op_call *c)
{
	struct sync_state *state = c->state;
	struct sync_backoff *b = &state->backoff;

	if (!is_paced(c)) {
		return;
	}
	metric_add(b->refused, 1);
	b->refuses_now = true;
	sync_error(c, ERR_TOO_BUSY);
	b->refuses_now = false;
}
