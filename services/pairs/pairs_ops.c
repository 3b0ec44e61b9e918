/*
 * The rows of pairs. Whatever a path of the protocols answers comes from core/realtime.
 */
#include "services/pairs/api.h"
#include "services/pairs/media_answer.h"

enum {
	GET_MS = 10000,
	POST_MS = 60000,
};

/* Whose request it is; NULL: nobody's. */
static struct engineio *engine_of(const struct op_call *c)
{
	const struct pairs_state *state = c->state;

	if (media_is_own_host(c)) {
		return NULL;
	}
	if (slice_starts(http_path(c->req), SLICE("/engine.io/"))) {
		return state->engine;
	}
	return slice_starts(http_path(c->req), SLICE("/socket.io/")) ? socketio_engine(state->io)
								     : NULL;
}

typedef enum err engine_fn(struct engineio *e, struct op_call *c);

static enum err answer(struct op_call *c, engine_fn *fn)
{
	struct engineio *e = engine_of(c);

	return e == NULL ? ERR_NOT_FOUND : fn(e, c);
}

static enum err get(struct op_call *c)
{
	return answer(c, engineio_get);
}

static enum err post(struct op_call *c)
{
	return answer(c, engineio_post);
}

static enum err other(struct op_call *c)
{
	return answer(c, engineio_other);
}

enum err pairs_wrong_method(struct op_call *c)
{
	enum err e = answer(c, engineio_other);

	if (e == ERR_NOT_FOUND) {
		api_refuse_call(c, 405, "method_not_allowed", "another method is needed here");
		e = ERR_OK;
	}
	return e;
}

void pairs_error(struct op_call *c, enum err e)
{
	struct engineio *engine = engine_of(c);

	if (engine != NULL) {
		engineio_error(engine, c, e);
	} else {
		api_error(c, e);
	}
}

/* clang-format off */
const struct op pairs_ops[PAIRS_OPS] = {
	/* A poll that stands must not be refused for load: its client would take that for the end. */
	{ "pairs.socket.poll", HTTP_GET, "/socket.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, 0, OP_INLINE, get },
	{ "pairs.socket.post", HTTP_POST, "/socket.io/{rest*}", COST_MEMORY, SHED_NEVER, POST_MS, ENGINEIO_BODY_MAX, OP_STREAM, post },
	{ "pairs.socket.put", HTTP_PUT, "/socket.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, ENGINEIO_BODY_MAX, OP_STREAM, other },
	{ "pairs.socket.preflight", HTTP_OPTIONS, "/socket.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, 0, OP_INLINE, other },
	{ "pairs.engine.poll", HTTP_GET, "/engine.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, 0, OP_INLINE, get },
	{ "pairs.engine.post", HTTP_POST, "/engine.io/{rest*}", COST_MEMORY, SHED_NEVER, POST_MS, ENGINEIO_BODY_MAX, OP_STREAM, post },
	{ "pairs.engine.put", HTTP_PUT, "/engine.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, ENGINEIO_BODY_MAX, OP_STREAM, other },
	{ "pairs.engine.preflight", HTTP_OPTIONS, "/engine.io/{rest*}", COST_MEMORY, SHED_NEVER, GET_MS, 0, OP_INLINE, other },
	{ "pairs.linked_media", HTTP_GET, "/media/{owner:digits}/{id:digits}/{size:token}", COST_READ, SHED_LATE, 60000, 0, 0, media_linked },
	/* How many sign-ups there may be is their own gate's affair (signup_gate.h). */
#define MAILS(id) (API_##id == API_RESEND || API_##id == API_INVITE ? OP_MAILS : 0)
#define PAIRS_API(id, name, method, path, cost, rank, deadline_ms, max_body, who, fields, success, refusals, fn, summary) \
	{ name, HTTP_##method, path, cost, rank, deadline_ms, max_body, (cost) == COST_STREAM ? OP_STREAM : MAILS(id), pairs_api },
#include "services/pairs/api.def"
#undef PAIRS_API
#undef MAILS
	{ "pairs.page", HTTP_GET, "/", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, pairs_page },
	/* Who wants to sign up gets there at any load. */
	{ "pairs.page_signup", HTTP_GET, "/signup", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, pairs_page_signup },
	{ "pairs.page_file", HTTP_GET, "/pairs/{rest*}", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, pairs_page_file },
	{ "pairs.page_style", HTTP_GET, "/identity/style.css", COST_MEMORY, SHED_LAST, 1000, 0, OP_INLINE, pairs_page_file },
	{ "pairs.page_about", HTTP_GET, "/__about__", COST_MEMORY, SHED_LATE, 1000, 0, OP_INLINE, pairs_page_about },
};
/* clang-format on */
