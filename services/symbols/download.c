/*
 * Downloads (symbols.md 1.5): GET and HEAD of DEBUG_FILE/DEBUG_ID/FILE, which most clients ask for
 * in vain. What is known not to be there is answered without a look into the database, and counted
 * in memory.
 */
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/symbols/blob_small.h"
#include "services/symbols/hot_files.h"
#include "services/symbols/symbol_find.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_token.h"
#include "services/symbols/symsrv.h"
#include "services/symbols/upstream.h"

/* Files may be replaced by another upload; those of try builds often are. */
#define CACHE_REGULAR SLICE("public, max-age=604800, no-transform")
#define CACHE_TRY     SLICE("public, max-age=300, no-transform")
#define CACHE_MISS    SLICE("public, max-age=10")
/* A server that could not be asked may have it: nobody is to remember this miss. */
#define CACHE_UNCERTAIN SLICE("no-store")

/* One request. */
struct lookup {
	struct op_call *c;
	struct symbols_state *state;
	struct symbol_key key; /* id folded */
	bool with_try;	       /* also among the files of try builds */
	bool wants_debug;
	int64_t begun_us;
};

/* ---- common headers ---- */

static void add_cors(struct op_call *c)
{
	http_add_header(c->req, SLICE("Access-Control-Allow-Methods"), SLICE("GET"));
	http_add_header(c->req, SLICE("Access-Control-Allow-Headers"),
	    SLICE("accept,accept-encoding,authorization,content-type,dnt,origin,user-agent,"
		  "x-csrftoken,x-requested-with"));
}

static bool wants_debug(const struct http_req *r)
{
	struct slice debug = http_header_get(r, SLICE("Debug"));

	return slice_eq_nocase(debug, SLICE("true")) || slice_eq(debug, SLICE("1")) ||
	       slice_eq_nocase(debug, SLICE("yes"));
}

/* How long it took, for those who ask; 0 where nothing was looked for. */
static void add_debug(const struct lookup *l, bool was_ignored)
{
	struct op_call *c = l->c;
	int64_t us = was_ignored ? 0 : clock_mono_us() - l->begun_us;

	if (!l->wants_debug) {
		return;
	}
	const char *text = was_ignored ? "0"
				       : arena_printf(c->arena, "%lld.%06lld",
					     (long long)(us / 1000000), (long long)(us % 1000000));
	if (text != NULL) {
		http_add_header(c->req, SLICE("Debug-Time"), slice_str(text));
	}
}

static void add_vary(struct op_call *c)
{
	if (http_header_get(c->req, SLICE("Auth-Token")).ptr != NULL) {
		http_add_header(c->req, SLICE("Vary"), SLICE("Auth-Token"));
	}
}

static enum err not_there(struct op_call *c, struct slice text, bool is_certain)
{
	add_vary(c);
	http_add_header(c->req, SLICE("Cache-Control"), is_certain ? CACHE_MISS : CACHE_UNCERTAIN);
	http_reply(c->req, 404, SLICE("text/plain; charset=utf-8"), text);
	return ERR_OK;
}

/* ---- finding ---- */

static bool is_symbol(const struct lookup *l)
{
	return symbol_name_ends(l->key.file, l->state->settings.suffixes);
}

/* Names that are never looked for: indirections of symsrv, ids of what has none. */
static bool is_ignored(const struct lookup *l)
{
	return slice_eq_nocase(l->key.file, SLICE("file.ptr")) ||
	       symbol_id_is_null(l->key.debug_id) || !(is_symbol(l) || symsrv_is_plain(&l->key));
}

/* The parts of the URL; false: nothing can have such a name. */
static bool read_key(struct lookup *l)
{
	struct http_req *r = l->c->req;
	struct symbol_key key = { .debug_file = http_param(r, "debug_file"),
		.debug_id = http_param(r, "debug_id"),
		.file = http_param(r, "file") };

	if (!symbol_name_is_good(key.debug_file) || !symbol_id_is_good(key.debug_id) ||
	    !symbol_name_is_good(key.file)) {
		return false;
	}
	key.debug_id = symbol_id_fold(l->c->arena, key.debug_id);
	l->key = key;
	return key.debug_id.ptr != NULL;
}

static struct hot_key wish_of(const struct lookup *l)
{
	const struct slice parts[] = { l->key.debug_file, l->key.debug_id, l->key.file,
		l->with_try ? SLICE("try") : SLICE_EMPTY };

	return hot_key_of(l->state->misses, parts, sizeof(parts) / sizeof(parts[0]),
	    l->key.debug_id, clock_mono_us());
}

/* ---- answers ---- */

static enum err redirect(struct lookup *l, const char *to)
{
	struct op_call *c = l->c;

	if (to == NULL) {
		return ERR_MEMORY;
	}
	add_vary(c);
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply(c->req, 302, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

static enum err send_to_debug_id(struct lookup *l, const struct symbol_file *f)
{
	struct op_call *c = l->c;
	struct slice query = http_query(c->req);
	const struct symbol_key key = { f->key.debug_file, f->key.debug_id, l->key.file };
	const char *path = symbol_key_path(c->arena, &key);

	return path == NULL ? ERR_MEMORY
			    : redirect(l, arena_printf(c->arena, "%s/%s%s%.*s",
					      l->with_try || f->is_try ? "/try" : "", path,
					      query.len > 0 ? "?" : "", SLICE_ARG(query)));
}

/* Where the bytes are, for those who are sent there. */
static const char *stored_url(struct lookup *l, const struct symbol_file *f)
{
	const char *path = symbol_key_path(l->c->arena, &f->key);

	return path == NULL ? NULL
			    : arena_printf(l->c->arena, "%s/__stored__/%s?%s", l->state->url.origin,
				  path, f->is_try ? "try" : "");
}

static struct blob_content content_of(const struct symbol_file *f)
{
	return blob_content_of(f, f->is_try ? CACHE_TRY : CACHE_REGULAR);
}

static enum err answer(struct lookup *l, const struct hot_file *hot)
{
	const struct symbol_file *f = &hot->row;
	struct op_call *c = l->c;

	add_debug(l, false);
	symbols_count_use(l->state->counts, f, clock_wall_ms());
	if (!l->state->settings.redirects) {
		struct blob_content content = content_of(f);
		content.bytes = hot->bytes;
		content.is_open = hot->is_open;
		content.fd = hot->fd;
		return blob_answer(c, l->state->blobs, &content);
	}
	const char *to = stored_url(l, f);
	if (to == NULL || http_method(c->req) != HTTP_HEAD) {
		return redirect(l, to);
	}
	http_add_header(c->req, SLICE("Location"), slice_str(to));
	http_reply(c->req, 200, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

/* What a client says of the code, if it is something that can be kept. */
static struct slice query_name(struct op_call *c, struct slice name)
{
	struct slice value = SLICE_EMPTY;

	return http_query_get(c->req, name, &value) && symbol_name_is_good(value) ? value
										  : SLICE_EMPTY;
}

static enum err answer_miss(struct lookup *l, bool is_certain)
{
	struct op_call *c = l->c;

	/* Debuggers ask for the module itself everywhere: nobody has to upload that. */
	if (!is_symbol(l)) {
		add_debug(l, true);
		return not_there(c, SLICE("Symbol Not Found (and ignored)"), is_certain);
	}
	if (l->state->settings.counts_missing && http_method(c->req) == HTTP_GET) {
		symbols_count_miss(l->state->counts, &l->key, query_name(c, SLICE("code_file")),
		    query_name(c, SLICE("code_id")));
	}
	add_debug(l, false);
	return not_there(c, SLICE("Symbol Not Found"), is_certain);
}

/* What was found; the next one who asks will not have to look. */
static enum err answer_found(
    struct lookup *l, const struct hot_key *wanted, const struct symbol_file *f)
{
	struct blob_content content = content_of(f);
	enum err e =
	    l->state->settings.redirects ? ERR_OK : blob_take(l->c, l->state->blobs, &content);

	if (e == ERR_OK) {
		const struct hot_file hot = { *f, content.bytes, content.is_open, content.fd };
		hot_files_put(l->state->hot, wanted, &hot);
		e = answer(l, &hot);
	}
	blob_let_go(&content);
	return e;
}

/* ERR_NOT_FOUND: it is not here. */
static enum err answer_from_here(struct lookup *l, const struct hot_key *wanted)
{
	struct symbol_file f;
	enum err e = symbol_find_key(l->c, &l->key, l->with_try, &f);

	if (e == ERR_OK) {
		return answer_found(l, wanted, &f);
	}
	if (e == ERR_NOT_FOUND) {
		e = symbol_find_code(l->c, &l->key, &f);
		if (e == ERR_OK) {
			add_debug(l, false);
			return send_to_debug_id(l, &f);
		}
	}
	return e;
}

/* What is not here may be at one of the upstreams, and is here then. */
static enum err answer_from_elsewhere(struct lookup *l)
{
	const struct upstream_key wanted = {
		.kind = UPSTREAM_FILE, .key = l->key, .build_id = SLICE_EMPTY, .path = SLICE_EMPTY
	};
	enum err e = upstream_get(l->c, &wanted, upstream_wait_until_us(l->state));

	if (e == ERR_OK) {
		const struct hot_key key = wish_of(l);
		e = answer_from_here(l, &key);
	}
	if (e == ERR_NOT_FOUND || e == ERR_AGAIN) {
		return answer_miss(l, e == ERR_NOT_FOUND);
	}
	if (http_has_replied(l->c->req)) {
		return e;
	}
	return upstream_answer_later(l->c, e);
}

static enum err look_up(struct lookup *l)
{
	struct miss_cache *misses = l->state->misses;
	const struct hot_key wanted = wish_of(l);
	struct hot_file hot;
	struct slice refresh;

	if (hot_files_get(l->state->hot, &wanted, clock_wall_ms(), &hot)) {
		enum err e = answer(l, &hot);
		if (e != ERR_CORRUPT || http_has_replied(l->c->req)) {
			return e;
		}
		/* Removed by another machine: what the database says now counts. */
	}
	if (!miss_cache_has(misses, wanted.hash, wanted.stamp) ||
	    http_query_get(l->c->req, SLICE("_refresh"), &refresh)) {
		enum err e = answer_from_here(l, &wanted);
		if (e != ERR_NOT_FOUND) {
			return e;
		}
		miss_cache_mark(misses, wanted.hash, wanted.stamp);
	}
	return answer_from_elsewhere(l);
}

static enum err download(struct op_call *c, bool with_try)
{
	struct slice value;
	struct lookup l = { .c = c,
		.state = c->state,
		.with_try = with_try || http_query_get(c->req, SLICE("try"), &value),
		.wants_debug = wants_debug(c->req),
		.begun_us = clock_mono_us() };

	add_cors(c);
	/* No token is needed, but a bad one is told of. */
	struct symbols_token token;
	const char *refusal = NULL;
	enum err e = symbols_token_check(c, 0, &token, &refusal);
	if (e != ERR_OK || refusal != NULL) {
		add_vary(c);
		return e != ERR_OK ? e : symbols_refuse(c, 403, refusal);
	}
	struct slice id = http_param(c->req, "debug_id");
	if (symsrv_is_build(id)) {
		return symsrv_answer_build(c, id, http_param(c->req, "file"), l.with_try);
	}
	if (!read_key(&l)) {
		return not_there(c, SLICE("Symbol Not Found"), true);
	}
	if (is_ignored(&l)) {
		add_debug(&l, true);
		return not_there(c, SLICE("Symbol Not Found (and ignored)"), true);
	}
	return look_up(&l);
}

enum err symbols_download(struct op_call *c)
{
	return download(c, false);
}

enum err symbols_download_try(struct op_call *c)
{
	return download(c, true);
}

/* A tree of two tiers, as symsrv's clients may be set up for. */
enum err symbols_download_tier(struct op_call *c)
{
	struct slice tier = http_param(c->req, "tier");

	return symsrv_is_tier(tier, http_param(c->req, "debug_file")) ? download(c, false)
								      : symbols_not_found(c);
}

/* A mark of symsrv: symbols are here. That there are no two tiers is said by no index2.txt. */
enum err symbols_pingme(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("text/plain; charset=utf-8"), SLICE("symbols\n"));
	return ERR_OK;
}

/* Where the other form of a download sends to: the same file, sent in any case. */
enum err symbols_stored(struct op_call *c)
{
	struct lookup l = { .c = c, .state = c->state };
	const struct svc_env *env = c->env;
	struct symbol_file f;

	add_cors(c);
	if (!read_key(&l)) {
		return not_there(c, SLICE("Symbol Not Found"), true);
	}
	bool is_try = slice_eq(http_query(c->req), SLICE("try"));
	enum err e = symbol_file_get(env->db, c->arena, &l.key, is_try, &f, &c->note);
	if (e == ERR_NOT_FOUND) {
		return not_there(c, SLICE("Symbol Not Found"), true);
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct blob_content content = blob_content_of(&f, is_try ? CACHE_TRY : CACHE_REGULAR);
	return blob_answer(c, l.state->blobs, &content);
}
