/*
 * See storage_call.h.
 */
#include "services/sync/storage_call.h"

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

enum {
	UID_DIGITS_MAX = 10,
	WEIGHT_FULL = 1000
};

/* ---- headers ---- */

/* "q=0.5" in thousandths; what is not understood counts in full. */
static int weight_of(struct slice parameters)
{
	struct slice rest = parameters, piece;

	while (slice_split(&rest, ';', &piece)) {
		struct slice p = slice_trim(piece);
		int64_t ms = WEIGHT_FULL;
		if (p.len >= 2 && slice_eq_nocase(slice_sub(p, 0, 2), SLICE("q="))) {
			/* A weight has the form of a time. */
			return sync_time_parse(slice_sub(p, 2, p.len), &ms) == ERR_OK ? (int)ms
										      : WEIGHT_FULL;
		}
	}
	return WEIGHT_FULL;
}

/* False: neither JSON nor lines will do. */
static bool choose_form(struct slice accept, bool *ret_lines)
{
	struct slice rest = accept, piece;
	int json = -1, lines = -1, any = -1;

	if (accept.ptr == NULL || slice_trim(accept).len == 0) {
		*ret_lines = false;
		return true;
	}
	while (slice_split(&rest, ',', &piece)) {
		size_t end = slice_find(piece, ';', 0);
		struct slice type = slice_trim(slice_sub(piece, 0, end));
		int weight = weight_of(slice_sub(piece, end, piece.len));
		if (slice_eq_nocase(type, SLICE("application/json"))) {
			json = weight;
		} else if (slice_eq_nocase(type, SLICE("application/newlines"))) {
			lines = weight;
		} else if (slice_eq_nocase(type, SLICE("*/*")) ||
			   slice_eq_nocase(type, SLICE("application/*"))) {
			any = weight > any ? weight : any;
		}
	}
	json = json < 0 ? any : json;
	*ret_lines = lines > json;
	return json > 0 || lines > 0;
}

/* False: not a type that records come in. */
static bool choose_input(struct slice content_type, enum sync_body_kind body, bool *ret_lines)
{
	struct slice type =
	    slice_trim(slice_sub(content_type, 0, slice_find(content_type, ';', 0)));

	*ret_lines = body == SYNC_BODY_MANY && slice_eq_nocase(type, SLICE("application/newlines"));
	return *ret_lines || type.len == 0 || slice_eq_nocase(type, SLICE("application/json")) ||
	       slice_eq_nocase(type, SLICE("text/plain"));
}

/* Content-Length where there is one; the server has checked its form. */
static bool announces_too_much(const struct op_call *c, int64_t max)
{
	struct slice text = http_header_get(c->req, SLICE("Content-Length"));
	uint64_t n = 0;

	return text.ptr != NULL && slice_to_u64(slice_trim(text), (uint64_t)max, &n) != ERR_OK;
}

/* False: a header that cannot be, or both. */
static bool take_condition(struct sync_call *s)
{
	struct slice modified = http_header_get(s->c->req, SLICE("X-If-Modified-Since"));
	struct slice unmodified = http_header_get(s->c->req, SLICE("X-If-Unmodified-Since"));
	bool is_read = http_method(s->c->req) == HTTP_GET || http_method(s->c->req) == HTTP_HEAD;

	s->condition = SYNC_ALWAYS;
	if (modified.ptr != NULL && unmodified.ptr != NULL) {
		return false;
	}
	if (modified.ptr != NULL) {
		s->condition = is_read ? SYNC_IF_MODIFIED_SINCE : SYNC_ALWAYS;
		return sync_time_parse(slice_trim(modified), &s->since_ms) == ERR_OK;
	}
	if (unmodified.ptr != NULL) {
		s->condition = SYNC_IF_UNMODIFIED_SINCE;
		return sync_time_parse(slice_trim(unmodified), &s->since_ms) == ERR_OK;
	}
	return true;
}

/* ---- the beginning ---- */

/* Names in the path that cannot be there are not there. */
static bool take_path(struct sync_call *s, uint64_t *ret_uid)
{
	struct slice uid = http_param(s->c->req, "uid");

	s->collection = http_param(s->c->req, "collection");
	s->item = http_param(s->c->req, "item");
	return uid.len <= UID_DIGITS_MAX && slice_to_u64(uid, INT64_MAX, ret_uid) == ERR_OK &&
	       (s->collection.len == 0 || sync_name_is_good(s->collection)) &&
	       (s->item.len == 0 || sync_id_is_good(s->item));
}

static bool refuse(struct op_call *c, int status, enum sync_code code)
{
	sync_refuse(c, status, code);
	return false;
}

/*
 * 401 with the cause in the log and in Hawk's own word for it, so that an operator need not guess
 * (and `plimsoll check sync` does not). Secrets are in neither.
 */
static bool refuse_sender(struct op_call *c, enum hawk_cause cause)
{
	const char *name = hawk_cause_name(cause);
	const char *challenge = arena_printf(c->arena, "Hawk error=\"%s\"", name);

	LOG(LOG_INFO, "sync", "request_refused", LOG_C("op", c->op->name), LOG_C("cause", name),
	    LOG_C("detail", c->note.text));
	if (challenge != NULL) {
		http_add_header(c->req, SLICE("WWW-Authenticate"), slice_str(challenge));
	}
	http_reply(c->req, 401, SLICE("application/json"), SLICE("0"));
	return false;
}

static bool authenticate(struct sync_call *s, uint64_t uid, bool writes)
{
	struct op_call *c = s->c;
	enum hawk_cause cause = HAWK_CAUSE_HEADER;
	enum err e = sync_authenticate(c, &s->user, &cause);
	bool is_late = e == ERR_OK && s->user.is_expired && !sync_op_is_collections(c->op);

	if (e != ERR_OK && e != ERR_UNAUTHENTICATED) {
		sync_error(c, e);
		return false;
	}
	if (e != ERR_OK) {
		return refuse_sender(c, cause);
	}
	if (is_late) {
		(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "the token has expired");
		return refuse_sender(c, HAWK_CAUSE_EXPIRED);
	}
	if ((uint64_t)s->user.uid != uid) {
		(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "the token is of uid %lld",
		    (long long)s->user.uid);
		return refuse_sender(c, HAWK_CAUSE_USER);
	}
	return !(writes && s->user.is_read_only) || refuse(c, 403, SYNC_CODE_OTHER);
}

bool sync_call_begin(struct op_call *c, enum sync_body_kind body, struct sync_call *ret)
{
	struct sync_call *s = ret;
	const struct sync_limits *limits = &((const struct sync_state *)c->state)->limits;
	uint64_t uid = 0;

	*s = (struct sync_call){ .c = c, .now_ms = clock_wall_ms() };
	if (!take_path(s, &uid)) {
		return refuse(c, 404, SYNC_CODE_OTHER);
	}
	bool writes = body != SYNC_BODY_NONE || http_method(c->req) == HTTP_DELETE;
	if (!authenticate(s, uid, writes)) {
		return false;
	}
	if (!choose_form(http_header_get(c->req, SLICE("Accept")), &s->answers_lines)) {
		return refuse(c, 406, SYNC_CODE_OTHER);
	}
	if (body != SYNC_BODY_NONE) {
		struct slice type = http_header_get(c->req, SLICE("Content-Type"));
		if (!choose_input(type, body, &s->brings_lines)) {
			return refuse(c, 415, SYNC_CODE_OTHER);
		}
		if (announces_too_much(c, limits->request_bytes)) {
			return refuse(c, 413, SYNC_CODE_LIMIT);
		}
	}
	if (!take_condition(s)) {
		return refuse(c, 400, SYNC_CODE_OTHER);
	}
	sync_backoff_serves(c);
	return true;
}

/* ---- answers ---- */

void sync_add_times(struct sync_call *s, int64_t modified_ms)
{
	struct sync_state *state = s->c->state;
	int64_t now_ms = sync_grid_ms(s->now_ms);
	char *text = arena_alloc(s->c->arena, SYNC_TIME_SIZE);

	state->stamp_ms = modified_ms > now_ms ? modified_ms : now_ms;
	if (text != NULL) {
		http_add_header(
		    s->c->req, SLICE("X-Last-Modified"), sync_time_text(modified_ms, text));
	}
}

void sync_add_number(struct sync_call *s, const char *name, int64_t n)
{
	const char *text = arena_printf(s->c->arena, "%lld", (long long)n);

	if (text != NULL) {
		http_add_header(s->c->req, slice_str(name), slice_str(text));
	}
}

void sync_reply(struct sync_call *s, int status, struct slice body, int64_t modified_ms)
{
	sync_add_times(s, modified_ms);
	http_reply(
	    s->c->req, status, body.len == 0 ? SLICE_EMPTY : SLICE("application/json"), body);
}

bool sync_call_holds(struct sync_call *s, int64_t modified_ms)
{
	if (s->condition == SYNC_IF_MODIFIED_SINCE && modified_ms <= s->since_ms) {
		sync_reply(s, 304, SLICE_EMPTY, modified_ms);
		return false;
	}
	if (s->condition == SYNC_IF_UNMODIFIED_SINCE && modified_ms > s->since_ms) {
		sync_reply(s, 412, SLICE("0"), modified_ms);
		return false;
	}
	return true;
}

enum err sync_call_meta(struct sync_call *s, struct sync_meta **ret)
{
	const struct svc_env *env = s->c->env;
	struct sync_meta *m = sync_meta_new(s->c->arena, s->user.uid);

	if (m == NULL) {
		return ERR_MEMORY;
	}
	*ret = m;
	return sync_meta_load(env->db, m, false, &s->c->note);
}
