/*
 * POST /symbolicate/v4 and /v5 (symbols.md 2): anybody may ask, so a request is bounded in bytes,
 * frames, modules and answer, all requests of a process together in memory, and long ones let the
 * others run in between. Content-Type is not looked at: scripts send text/plain to save a
 * preflight.
 */
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "services/symbols/index_shelf.h"
#include "services/symbols/symbol_file.h"
#include "services/symbols/symbolicate.h"
#include "services/symbols/symbols_metrics.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/upstream.h"

enum {
	ANSWER_MAX = 256 * 1024 * 1024,
	ARENA_EXTRA = 16 * 1024 * 1024, /* names of code files and ids */
	FIRST_ROOM = 4096,
	ATTEMPTS_MAX = 3, /* of a request whose indexes turn out to be damaged */
	TITLE_JSON_MAX = 1024,
	MODULES_MAX = 20000 /* of a request; those of a large process are some hundred */
};

/* One request. */
struct work {
	struct op_call *c;
	struct symbols_state *state;
	struct index_caller caller;
	struct arena arena; /* of the request's content */
	struct buf body, answer;
	size_t counted;		/* bytes of state->symbolicate_bytes */
	int64_t fetch_until_us; /* so long its modules are waited for, all together */
	int64_t slice_us;	/* when others ran last */
};

enum {
	SLICE_US = 1000
};

/* ---- memory ---- */

/* Takes bytes out of what all requests of the process may have. */
static bool count_in(struct work *w, size_t bytes)
{
	struct symbols_state *state = w->state;

	if (state->symbolicate_bytes + (int64_t)bytes > state->settings.symbolicate_memory) {
		return false;
	}
	state->symbolicate_bytes += (int64_t)bytes;
	w->counted += bytes;
	return true;
}

static void work_end(struct work *w)
{
	w->state->symbolicate_bytes -= (int64_t)w->counted;
	arena_reset(&w->arena);
	buf_free(&w->body);
	buf_free(&w->answer);
}

/* Room doubles with what has come, so that an announcement alone takes none. */
static enum err read_body(struct work *w)
{
	size_t max = (size_t)w->state->settings.max_symbolicate, n = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		size_t before = w->body.cap;
		size_t want = w->body.len < FIRST_ROOM ? (size_t)FIRST_ROOM : w->body.len;
		char *room = buf_room(&w->body, want);
		if (room == NULL) {
			return ERR_LIMIT;
		}
		/* With the copy that is read. */
		if (!count_in(w, 2 * (w->body.cap - before))) {
			return ERR_TOO_BUSY;
		}
		e = http_body_read(w->c->req, room, want, &n);
		if (e == ERR_OK) {
			buf_grew(&w->body, n);
			e = w->body.len > max ? ERR_LIMIT : ERR_OK;
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ---- the store ---- */

/* The .sym of a module, regular or of a try build. */
static enum err find_file(struct work *w, const struct symbol_key *key, struct symbol_file *ret)
{
	const struct svc_env *env = w->c->env;
	struct err_note note = { 0 };

	return symbol_file_find(env->db, &w->arena, key, ret, &note);
}

/*
 * One that is not here may be at an upstream. What takes longer than the request waits is here the
 * next time that somebody asks.
 */
static enum err find_elsewhere(
    struct work *w, const struct symbol_key *key, struct symbol_file *ret)
{
	const struct upstream_key wanted = {
		.kind = UPSTREAM_FILE, .key = *key, .build_id = SLICE_EMPTY, .path = SLICE_EMPTY
	};
	enum err e = upstream_get(w->c, &wanted, w->fetch_until_us);

	if (e == ERR_OK) {
		return find_file(w, key, ret);
	}
	return e == ERR_CANCELLED ? e : ERR_NOT_FOUND;
}

static enum err look_up(struct work *w, const struct symbol_key *key, struct symbol_file *ret)
{
	struct miss_cache *misses = w->state->misses;
	const struct slice parts[] = { key->debug_file, key->debug_id, key->file,
		SLICE("symbolicate") };
	uint64_t hash = miss_cache_hash(misses, parts, sizeof(parts) / sizeof(parts[0]));
	uint64_t stamp = miss_cache_stamp(misses, hash, key->debug_id, clock_mono_us());
	enum err e = ERR_NOT_FOUND;

	if (!miss_cache_has(misses, hash, stamp)) {
		e = find_file(w, key, ret);
		if (e == ERR_NOT_FOUND) {
			miss_cache_mark(misses, hash, stamp);
		}
	}
	if (e == ERR_NOT_FOUND) {
		e = find_elsewhere(w, key, ret);
	}
	if (e == ERR_NOT_FOUND && w->state->settings.counts_missing) {
		symbols_count_miss(w->state->counts, key, SLICE_EMPTY, SLICE_EMPTY);
	}
	return e;
}

static enum err on_open(
    void *arg, struct slice file, struct slice id, struct symbolicate_opened *ret)
{
	struct work *w = arg;
	struct symbol_key key = { .debug_file = file, .debug_id = symbol_id_fold(&w->arena, id) };
	const char *name = symbol_sym_name(&w->arena, file);
	struct symbol_file f;
	struct index_taken taken;

	if (key.debug_id.ptr == NULL || name == NULL) {
		return ERR_MEMORY;
	}
	key.file = slice_str(name);
	if (!symbol_name_is_good(file) || !symbol_name_is_good(key.file)) {
		return ERR_NOT_FOUND;
	}
	enum err e = look_up(w, &key, &f);
	if (e == ERR_OK) {
		symbols_count_use(w->state->counts, &f, clock_wall_ms());
		e = index_shelf_take(w->state->shelf, &w->caller, f.blob, &taken);
	}
	if (e == ERR_OK) {
		*ret = (struct symbolicate_opened){ .index = taken.index,
			.was_at_hand = taken.was_at_hand,
			.was_built = taken.was_built,
			.sym_bytes = taken.sym_bytes };
	}
	return e;
}

static void on_close(void *arg, struct sym_index *index)
{
	struct work *w = arg;

	index_shelf_give(w->state->shelf, &w->caller, index);
}

/* What the answer and the request's content have grown by. */
static bool count_growth(struct work *w)
{
	size_t has = w->body.cap + w->answer.cap + w->arena.used;

	return has <= w->counted || count_in(w, has - w->counted);
}

/* Called often; the clock says when it is somebody else's turn. */
static enum err on_breathe(void *arg)
{
	struct work *w = arg;

	if (!count_growth(w)) {
		return ERR_TOO_BUSY;
	}
	if (clock_mono_us() - w->slice_us < SLICE_US) {
		return ERR_OK;
	}
	enum err e = task_sleep(0);
	w->slice_us = clock_mono_us();
	return e;
}

/* ---- answers ---- */

static enum err run(struct work *w, enum symbolicate_version version)
{
	const struct symbolicate_ways ways = { on_open, on_close, on_breathe, w };
	const struct symbolicate_limits limits = {
		.frames = (uint32_t)w->state->settings.max_frames,
		.modules = MODULES_MAX,
	};
	const struct symbolicate_call call = { .version = version,
		.body = buf_slice(&w->body),
		.wants_debug = http_header_get(w->c->req, SLICE("Debug")).ptr != NULL,
		.ways = &ways,
		.limits = &limits,
		.arena = &w->arena };
	struct symbolicate_work done = { 0 };
	enum err e = ERR_CORRUPT;

	for (int i = 0; i < ATTEMPTS_MAX && e == ERR_CORRUPT; i++) {
		arena_reset(&w->arena);
		buf_free(&w->answer);
		w->answer.max = ANSWER_MAX;
		e = symbolicate(&call, &w->answer, &done);
	}
	const struct index_shelf_state shelf = index_shelf_state(w->state->shelf);
	symbolicate_count(w->c->env, &done, &shelf);
	return e;
}

static enum err refuse(struct op_call *c, int status, const char *title)
{
	struct buf *out = arena_buf(c->arena, TITLE_JSON_MAX);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("title"));
	json_put_string(&w, slice_str(title));
	json_end_object(&w);
	http_reply(c->req, status, SLICE("application/json"), buf_slice(out));
	return ERR_OK;
}

static enum err answer(struct work *w, enum err e)
{
	struct op_call *c = w->c;

	if (e != ERR_OK && e != ERR_INVALID) {
		return e == ERR_LIMIT ? refuse(c, 413, "the request or its answer is too large")
				      : e;
	}
	http_add_header(c->req, SLICE("Access-Control-Expose-Headers"), SLICE("*"));
	return symbols_reply(c, e == ERR_OK ? 200 : 400, &w->answer);
}

static enum err handle(struct op_call *c, enum symbolicate_version version)
{
	const struct svc_env *env = c->env;
	struct symbols_state *state = c->state;
	size_t max = (size_t)state->settings.max_symbolicate;
	struct work w = { .c = c,
		.state = state,
		.arena = arena_new(2 * max + ARENA_EXTRA),
		.body = buf_new(2 * max + FIRST_ROOM),
		.answer = buf_new(ANSWER_MAX),
		.fetch_until_us = upstream_wait_until_us(state),
		.slice_us = clock_mono_us() };

	w.caller = (struct index_caller){ .files = env->peer[ROLE_FILES],
		.arena = &w.arena,
		.deadline_us = c->deadline_us,
		.trace = c->trace,
		.note = &c->note };
	enum err e = read_body(&w);
	if (e == ERR_OK) {
		e = run(&w, version);
	}
	e = answer(&w, e);
	work_end(&w);
	return e;
}

enum err symbols_symbolicate_v4(struct op_call *c)
{
	return handle(c, SYMBOLICATE_V4);
}

enum err symbols_symbolicate_v5(struct op_call *c)
{
	return handle(c, SYMBOLICATE_V5);
}

/* As the server that this one is like: 200, whatever was asked for is granted. */
enum err symbols_symbolicate_preflight(struct op_call *c)
{
	struct slice wanted = http_header_get(c->req, SLICE("Access-Control-Request-Headers"));

	http_add_header(c->req, SLICE("Access-Control-Allow-Methods"), SLICE("POST"));
	http_add_header(c->req, SLICE("Access-Control-Allow-Headers"),
	    wanted.ptr == NULL ? SLICE("*") : wanted);
	http_add_header(c->req, SLICE("Access-Control-Max-Age"), SLICE("86400"));
	http_reply(c->req, 200, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}
