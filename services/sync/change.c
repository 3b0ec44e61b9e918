/*
 * See change.h. A change whose outcome is unknown, because the store died, is answered 503: the
 * client comes again with the time that it knows, and its precondition tells.
 */
#include "services/sync/change.h"

#include "services/sync/sync_priv.h"

enum {
	BATCHES_RETRY_S = 600
};

struct sync_write_req sync_change_new(const struct sync_call *s, enum sync_write_kind kind)
{
	const struct sync_limits *l = &((const struct sync_state *)s->c->state)->limits;

	return (struct sync_write_req){ .kind = kind,
		.uid = s->user.uid,
		.collection = s->collection,
		.item = s->item,
		.has_since = s->condition == SYNC_IF_UNMODIFIED_SINCE,
		.since_ms = s->since_ms,
		.batch_lifetime_ms = l->batch_lifetime_ms,
		.quota_bytes = l->quota_bytes,
		.max_total_records = l->total_records,
		.max_total_bytes = l->total_bytes,
		.records = SLICE_EMPTY };
}

static void answer_refusal(struct sync_call *s, const struct sync_written *w)
{
	switch (w->outcome) {
	case SYNC_MODIFIED:
		sync_reply(s, 412, SLICE("0"), w->modified_ms);
		break;
	case SYNC_NOT_THERE:
		sync_refuse(s->c, 404, SYNC_CODE_OTHER);
		break;
	case SYNC_OVER_QUOTA:
		sync_refuse(s->c, 400, SYNC_CODE_QUOTA);
		break;
	case SYNC_TOO_LARGE:
		sync_refuse(s->c, 400, SYNC_CODE_LIMIT);
		break;
	case SYNC_TOO_MANY_COLLECTIONS:
		sync_refuse(s->c, 400, SYNC_CODE_COLLECTION);
		break;
	case SYNC_TOO_MANY_BATCHES:
		sync_refuse_for_now(s->c, BATCHES_RETRY_S);
		break;
	case SYNC_NO_BATCH:
	case SYNC_DONE:
	case SYNC_OUTCOMES:
		sync_refuse(s->c, 400, SYNC_CODE_OTHER);
	}
}

enum err sync_change_send(
    struct op_call *c, const struct sync_write_req *r, struct sync_written *ret)
{
	const struct svc_env *env = c->env;
	struct buf message = buf_new(SYNC_MESSAGE_MAX);
	struct slice bytes = SLICE_EMPTY, reply = SLICE_EMPTY;

	sync_write_req_put(&message, r);
	enum err e = buf_finish(&message, &bytes);
	if (e == ERR_OK) {
		e = rpc_call(env->peer[ROLE_STORE], &sync_write, bytes, c->deadline_us, c->trace,
		    c->arena, &reply, &c->note);
	}
	buf_free(&message);
	if (e == ERR_OK && !sync_written_take(reply, ret)) {
		e = err_note_set(&c->note, ERR_CORRUPT, "sync.write: an answer of no form");
	}
	return e;
}

enum err sync_change_run(
    struct sync_call *s, const struct sync_write_req *r, struct sync_written *ret, bool *ret_done)
{
	enum err e = sync_change_send(s->c, r, ret);

	*ret_done = false;
	if (e != ERR_OK) {
		return e;
	}
	sync_backoff_serves(s->c); /* a body may have taken long */
	*ret_done = ret->outcome == SYNC_DONE;
	if (!*ret_done) {
		answer_refusal(s, ret);
	}
	return ERR_OK;
}

void sync_add_quota(struct sync_call *s, const struct sync_written *w)
{
	const struct sync_state *state = s->c->state;

	if (state->limits.quota_bytes > 0) {
		int64_t left = w->quota_left > 0 ? w->quota_left : 0;
		sync_add_number(s, "X-Weave-Quota-Remaining", left / 1024);
	}
}

void sync_change_reply(struct sync_call *s, const struct sync_written *w)
{
	char text[SYNC_TIME_SIZE];
	struct slice time = sync_time_text(w->modified_ms, text);
	const char *body = arena_printf(s->c->arena, "{\"modified\":%.*s}", SLICE_ARG(time));

	sync_add_quota(s, w);
	sync_reply(s, 200, slice_str(body), w->modified_ms);
}
