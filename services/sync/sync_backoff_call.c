/*
 * What the shares of sync_backoff.c mean for a request: whose it is, whether it begins a sync or
 * goes on with one, and what it is told.
 */
#include "core/base/clock.h"
#include "core/base/fnv.h"
#include "core/base/rng.h"
#include "core/grace/begun.h"
#include "services/sync/storage_call.h"
#include "services/sync/sync_priv.h"
#include "services/sync/token_server.h"

enum {
	/*
	 * The requests of a sync follow each other within seconds; browsers that hurry sync every
	 * 90 s.
	 */
	GOES_ON_S = 60,
	/* So soon after another request of the sync what begins one belongs to it. */
	BEGINS_AGAIN_S = 10,
	NAME_SHIFT = 22 /* of 64 bits, so that 42 are left; NAME_BIT above them is of no uid */
};

#define NAME_BIT (UINT64_C(1) << 42)

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
	*ret = (int64_t)(fnv1a(FNV1A_START, name) >> NAME_SHIFT | NAME_BIT);
	return name.len > 0;
}

/* The same of any request: a token's is named by the keys. 0: nothing names one. */
uint64_t sync_user(struct op_call *c)
{
	int64_t user = 0;
	struct slice key_id = http_header_get(c->req, SLICE("X-KeyID"));

	if (take_user(c, &user)) {
		return (uint64_t)user;
	}
	return key_id.ptr == NULL ? 0 : fnv1a(FNV1A_START, key_id);
}

static uint64_t number_of(struct op_call *c)
{
	uint64_t user = sync_user(c);

	return user == 0 ? rng_u64() : user;
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
	struct sync_state *state = c->state;
	struct sync_backoff *b = &state->backoff;
	int status = http_replied_status(c->req);

	if (!is_paced(c)) {
		return;
	}
	b->done += status < 500;
	/* A 503 says itself when to come again. */
	if (status == 503 || !backoff_asks(&b->shares, number_of(c), now_s())) {
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

	sync_backoff_note(b, load, loop_now_us(state->env->loop));
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
