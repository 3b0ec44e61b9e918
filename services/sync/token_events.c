/*
 * POST /1.0/webhooks/fxa/events: another accounts server, whose keys are in [sync] oauth_jwks,
 * tells that a user of its has a new password, or none any more (sync.md 3.5). Either can be told
 * again.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/obs/log.h"
#include "services/sync/fx.h"
#include "services/sync/token_server.h"

#define EVENT "https://schemas.accounts.firefox.com/event/"

/* Role: store. */
static enum err handle_token_event(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct slice fxa_uid = wire_take_bytes(&r);
	int64_t generation = wire_take_i64(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return generation == TOKEN_USER_RETIRED ? token_user_retire(t, fxa_uid, note)
						: token_user_outdate(t, fxa_uid, generation, note);
}

const struct rpc_def sync_token_event = {
	.name = "sync.token_event",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 256,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 100,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_token_event,
};

/* From which generation on tokens are good, by what has happened; 0: nothing of interest. */
static int64_t generation_after(const struct json *events)
{
	int64_t change_ms = 0;

	if (json_member(events, EVENT "delete-user") != NULL) {
		return TOKEN_USER_RETIRED;
	}
	const struct json *change = json_member(events, EVENT "password-change");
	if (!json_get_i64(json_member(change, "changeTime"), &change_ms) || change_ms < 2) {
		return 0;
	}
	/* Tokens of that very moment are good, and what is as far ahead as that is a mistake. */
	int64_t now_ms = clock_wall_ms();
	return (change_ms < now_ms ? change_ms : now_ms) - 1;
}

static enum err apply(struct op_call *c, struct slice fxa_uid, int64_t generation)
{
	const struct svc_env *env = c->env;
	struct buf *message = fx_buf(c, sync_token_event.max_req);
	struct slice unused = SLICE_EMPTY;

	if (message == NULL) {
		return ERR_MEMORY;
	}
	wire_put_bytes(message, fxa_uid);
	wire_put_i64(message, generation);
	LOG(LOG_INFO, "sync", "user_event", LOG_S("fxa_uid", fxa_uid),
	    LOG_C("what", generation == TOKEN_USER_RETIRED ? "deleted" : "password"));
	return message->failed
		   ? ERR_LIMIT
		   : rpc_call(env->peer[ROLE_STORE], &sync_token_event, buf_slice(message),
			 c->deadline_us, c->trace, c->arena, &unused, &c->note);
}

enum err token_events_post(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct slice token = http_bearer(c->req), fxa_uid = SLICE_EMPTY;
	const struct json *claims = NULL;
	enum err e = jwt_claims(&state->jwt_keys, c->arena, token, JWT_EVENTS,
	    clock_wall_ms() / 1000, &claims, &c->note);

	if (e == ERR_OK && !fx_take_text(claims, "sub", TOKEN_FXA_UID_MAX, &fxa_uid)) {
		e = err_note_set(&c->note, ERR_DENIED, "the user is not told");
	}
	if (e == ERR_DENIED) {
		LOG(LOG_INFO, "sync", "event_refused", LOG_C("detail", c->note.text));
		return ERR_UNAUTHENTICATED;
	}
	int64_t generation = e == ERR_OK ? generation_after(json_member(claims, "events")) : 0;
	if (generation != 0) {
		e = apply(c, fxa_uid, generation);
	}
	return e == ERR_OK ? fx_send_empty(c) : e;
}
