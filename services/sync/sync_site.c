/*
 * What is common to the answers of the storage: times, errors, and who may read them from a page of
 * another origin. Nothing is given to a page that has no token.
 */
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/sync/storage_call.h"
#include "services/sync/fx.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"
#include "services/sync/token_server.h"
#include "services/sync/weave.h"

enum {
	RETRY_S = 5,
	READ_ONLY_RETRY_S = 30, /* maintenance takes minutes */
};

static const struct http_fixed_header cors_headers[] = {
	{ "Access-Control-Allow-Methods", "DELETE, GET, POST, PUT" },
	{ "Access-Control-Allow-Headers",
	    "Authorization, Content-Type, X-If-Modified-Since, X-If-Unmodified-Since, "
	    "X-Last-Modified, X-Weave-Bytes, X-Weave-Records, X-Weave-Total-Bytes, "
	    "X-Weave-Total-Records" },
	{ "Access-Control-Max-Age", "1728000" },
	{ NULL, NULL },
};

static bool is_storage(const struct op_call *c)
{
	return slice_starts(http_path(c->req), SLICE("/1.5/"));
}

static void add_cors(struct op_call *c)
{
	struct slice origin = http_header_get(c->req, SLICE("Origin"));

	if (origin.ptr == NULL) {
		return;
	}
	http_add_header(c->req, SLICE("Access-Control-Allow-Origin"), origin);
	http_add_header(c->req, SLICE("Vary"), SLICE("Origin"));
	http_add_header(c->req, SLICE("Access-Control-Expose-Headers"),
	    SLICE("Retry-After, X-Last-Modified, X-Weave-Alert, X-Weave-Backoff, "
		  "X-Weave-Next-Offset, X-Weave-Quota-Remaining, X-Weave-Records, "
		  "X-Weave-Timestamp"));
}

/* Never earlier than the time that the answer itself tells. */
static void add_timestamp(struct op_call *c)
{
	struct sync_state *state = c->state;
	char *text = arena_alloc(c->arena, SYNC_TIME_SIZE);
	int64_t ms = state->stamp_ms != 0 ? state->stamp_ms : sync_grid_ms(clock_wall_ms());

	state->stamp_ms = 0;
	if (text != NULL) {
		http_add_header(c->req, SLICE("X-Weave-Timestamp"), sync_time_text(ms, text));
	}
}

void sync_decorate(struct op_call *c)
{
	http_add_header(c->req, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	if (is_storage(c)) {
		add_timestamp(c);
		add_cors(c);
	}
	sync_backoff_decorate(c);
}

enum err sync_preflight(struct op_call *c)
{
	http_add_headers(c->req, cors_headers);
	http_reply(c->req, 200, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

/* ---- errors ---- */

void sync_refuse(struct op_call *c, int status, enum sync_code code)
{
	const char *body = arena_printf(c->arena, "%d", (int)code);

	if (status == 401) {
		http_add_header(c->req, SLICE("WWW-Authenticate"), SLICE("Hawk"));
	}
	http_reply(c->req, status, SLICE("application/json"), slice_str(body));
}

void sync_refuse_for_now(struct op_call *c, unsigned seconds)
{
	const char *text = arena_printf(c->arena, "%u", sync_backoff_retry_s(c, seconds));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(text));
	}
	sync_refuse(c, 503, SYNC_CODE_OTHER);
}

void sync_error(struct op_call *c, enum err e)
{
	if (fx_owns_path(http_path(c->req))) {
		fx_error(c, e);
		return;
	}
	if (token_server_owns_path(http_path(c->req))) {
		token_server_error(c, e);
		return;
	}
	if (weave_owns_path(http_path(c->req))) {
		weave_error(c, e);
		return;
	}
	int status = err_is_database(e) ? 503 : err_http_status(e);
	if (status >= 500 && e != ERR_READ_ONLY && e != ERR_TOO_BUSY && e != ERR_DRAINING) {
		LOG(LOG_WARN, "sync", "failed", LOG_C("op", c->op->name), LOG_C("err", err_name(e)),
		    LOG_C("detail", c->note.text));
	}
	if (status == 503) {
		sync_refuse_for_now(c, e == ERR_READ_ONLY ? READ_ONLY_RETRY_S : RETRY_S);
	} else {
		sync_refuse(c, status, e == ERR_LIMIT ? SYNC_CODE_LIMIT : SYNC_CODE_OTHER);
	}
}

/* ---- paths that are none ---- */

static bool is_info(struct slice name)
{
	static const char *const names[] = { "collections", "collection_counts", "collection_usage",
		"quota", "configuration" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			return true;
		}
	}
	return false;
}

/* Is there something behind "/1.5/", whatever the method? */
static bool is_known(struct slice path)
{
	struct slice rest = slice_sub(path, strlen("/1.5/"), path.len);
	struct slice piece[4] = { SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY };
	uint64_t uid;
	unsigned n = 0;

	while (n < 3 && slice_split(&rest, '/', &piece[n])) {
		n++;
	}
	piece[3] = rest; /* an id may hold slashes, which are not seen in a decoded path */
	if (piece[0].len > 10 || slice_to_u64(piece[0], INT64_MAX, &uid) != ERR_OK) {
		return false;
	}
	if (piece[1].len == 0) {
		return piece[2].len == 0 && piece[3].len == 0;
	}
	if (slice_eq(piece[1], SLICE("info"))) {
		return is_info(piece[2]) && piece[3].len == 0;
	}
	return slice_eq(piece[1], SLICE("storage")) &&
	       (piece[2].len == 0 || sync_name_is_good(piece[2])) &&
	       (piece[3].len == 0 || sync_id_is_good(piece[3]));
}

enum err sync_not_found(struct op_call *c)
{
	sync_refuse(c, is_storage(c) && is_known(http_path(c->req)) ? 405 : 404, SYNC_CODE_OTHER);
	return ERR_OK;
}

/* The rows for all the rest make every path look known. */
enum err sync_wrong_method(struct op_call *c)
{
	return sync_not_found(c);
}
