/*
 * PUT of a file of upload v2, in pieces (the resumable protocol of Google Cloud Storage, as far as
 * uploaders use it): 308 with the Range that is here, or the end with what was stored.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/base/clock.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/upload.h"

enum {
	SESSION_LIFETIME_MS = 24 * 3600 * 1000,
	MD5_BYTES = 16,
	JSON_MAX = 4096,
};

/* "bytes A-B/TOTAL", or "bytes * /TOTAL" without the blank, which asks. */
struct content_range {
	bool asks, has_total;
	uint64_t first, last, total;
};

/* One request. */
struct put {
	struct upload *u;
	struct slice session; /* also the draft's name */
	struct upload_line line;
	uint64_t here; /* bytes of the draft */
	struct content_range range;
};

static bool read_range(struct slice text, struct content_range *ret)
{
	struct content_range r = { .asks = false };
	size_t slash = slice_find(text, '/', 0);

	if (!slice_starts(text, SLICE("bytes ")) || slash == text.len) {
		return false;
	}
	struct slice part = slice_sub(text, 6, slash), total = slice_sub(text, slash + 1, text.len);
	r.has_total = !slice_eq(total, SLICE("*"));
	if (r.has_total && slice_to_u64(total, INT64_MAX, &r.total) != ERR_OK) {
		return false;
	}
	r.asks = slice_eq(part, SLICE("*"));
	size_t dash = slice_find(part, '-', 0);
	if (!r.asks &&
	    (dash == part.len ||
		slice_to_u64(slice_sub(part, 0, dash), INT64_MAX, &r.first) != ERR_OK ||
		slice_to_u64(slice_sub(part, dash + 1, part.len), INT64_MAX, &r.last) != ERR_OK ||
		r.last < r.first)) {
		return false;
	}
	*ret = r;
	return true;
}

/* Without the header the body is the whole file. */
static bool find_range(struct op_call *c, struct content_range *ret)
{
	struct slice text = http_header_get(c->req, SLICE("Content-Range"));

	if (text.ptr == NULL) {
		*ret = (struct content_range){ .asks = false };
		return true;
	}
	return read_range(text, ret);
}

static enum err reply_incomplete(struct put *p)
{
	struct op_call *c = p->u->c;

	if (p->here > 0) {
		const char *text = arena_printf(c->arena, "bytes=0-%" PRIu64, p->here - 1);
		if (text == NULL) {
			return ERR_MEMORY;
		}
		http_add_header(c->req, SLICE("Range"), slice_str(text));
	}
	http_reply(c->req, 308, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

static enum err reply_done(struct put *p)
{
	struct op_call *c = p->u->c;
	struct buf *out = arena_buf(c->arena, JSON_MAX);
	struct buf *hash = arena_buf(c->arena, 64);
	const char *size = arena_printf(c->arena, "%" PRIu64, p->here);
	const char *name = symbol_key_text(c->arena, &p->line.key);
	unsigned char md5[MD5_BYTES];
	size_t len = 0;

	if (out == NULL || hash == NULL || size == NULL || name == NULL ||
	    dec_hex(p->line.md5, md5, sizeof(md5), &len) != ERR_OK) {
		return ERR_MEMORY;
	}
	enc_base64(hash, SLICE_OF(md5, len));
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	symbols_put_text(&w, SLICE("name"), slice_str(name));
	symbols_put_text(&w, SLICE("md5Hash"), buf_slice(hash));
	symbols_put_text(&w, SLICE("size"), slice_str(size));
	json_end_object(&w);
	if (out->failed) {
		return ERR_MEMORY;
	}
	http_reply(c->req, 200, SLICE("application/json"), buf_slice(out));
	return ERR_OK;
}

/* ---- the body ---- */

/*
 * Writes the body behind what is here. A piece that begins earlier than that was sent again: what
 * of it is here already is read over.
 */
static enum err take_body(struct put *p)
{
	struct file_caller files = upload_files(p->u);
	struct op_call *c = p->u->c;
	uint64_t skip = p->here - p->range.first, max = (uint64_t)p->u->state->settings.max_upload;
	char *piece = malloc(FILE_WRITE_MAX);
	size_t have = 0;
	enum err e = piece == NULL ? ERR_MEMORY : ERR_OK;
	bool ended = false;

	files.arena = &p->u->scratch;
	while (e == ERR_OK && !ended) {
		size_t n = 0;
		e = http_body_read(c->req, piece + have, FILE_WRITE_MAX - have, &n);
		ended = e == ERR_END;
		e = ended ? ERR_OK : e;
		have += n;
		size_t over = skip < have ? (size_t)skip : have;
		memmove(piece, piece + over, have - over);
		have -= over;
		skip -= over;
		if (e != ERR_OK || have == 0 || (!ended && have < FILE_WRITE_MAX)) {
			continue;
		}
		arena_reset(&p->u->scratch);
		e = p->here + have > max
			? err_note_set(&c->note, ERR_LIMIT, "the file is too large")
			: file_draft_write(&files, p->session, p->here, SLICE_OF(piece, have));
		p->here += e == ERR_OK ? have : 0;
		have = 0;
	}
	/* What came before the client went is kept: it goes on from there. */
	free(piece);
	return e;
}

/* ---- the end ---- */

/*
 * Another web process may be writing to the session, too: under a name that only this request knows
 * it is checked, and what was checked is kept.
 */
static enum err store_taken(struct put *p, struct slice taken)
{
	struct upload *u = p->u;
	enum upload_outcome outcome = UPLOAD_STORED;
	const struct upload_item item = { .key = p->line.key,
		.unpack = { .source = taken,
		    .form = p->line.is_compressed ? UNPACK_GZIP : UNPACK_PLAIN,
		    .max_size = (uint64_t)p->line.size,
		    .as_gzip = p->line.is_compressed,
		    .out = SLICE_EMPTY },
		.log_id = p->line.id,
		.size = p->line.size,
		.md5 = p->line.md5 };
	enum err e = upload_store_file(u, &item, &outcome);

	if (e == ERR_OK && outcome == UPLOAD_NOT_AS_SAID) {
		return symbols_refuse(
		    u->c, 400, "the file is not as large or has not the MD5 that was announced");
	}
	return e == ERR_OK ? reply_done(p) : upload_failed(u->c, e);
}

static enum err store(struct put *p)
{
	struct file_caller files = upload_files(p->u);
	char name[BLOB_DRAFT_CHARS + 1];

	blob_draft_name(name);
	enum err e = file_draft_take(&files, p->session, slice_str(name));
	if (e == ERR_NOT_FOUND) {
		/* Somebody else's request has just taken it to its end. */
		return err_note_set(&p->u->c->note, ERR_TOO_BUSY, "the upload is being ended");
	}
	return e == ERR_OK ? store_taken(p, slice_str(name)) : e;
}

static enum err take(struct put *p)
{
	struct file_caller files = upload_files(p->u);
	struct op_call *c = p->u->c;
	enum err e = file_draft_size(&files, p->session, &p->here);

	if (e == ERR_NOT_FOUND) {
		p->here = 0;
		e = ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	bool is_whole = http_header_get(c->req, SLICE("Content-Range")).ptr == NULL;
	if (is_whole) {
		p->here = 0;
	}
	if (p->range.asks || p->range.first > p->here) {
		upload_drain(c);
		return reply_incomplete(p);
	}
	e = take_body(p);
	if (e != ERR_OK) {
		return upload_failed(c, e);
	}
	if (p->here == 0) {
		/* An empty file: the draft is made by its first write. */
		e = file_draft_write(&files, p->session, 0, SLICE_EMPTY);
	}
	if (e != ERR_OK) {
		return e;
	}
	return is_whole || (p->range.has_total && p->here >= p->range.total) ? store(p)
									     : reply_incomplete(p);
}

/*
 * Nobody else in this process may write the same draft meanwhile; sessions are few, so a list will
 * do. Another process may, and only harms its own session: see store().
 */
static bool lock_session(struct symbols_state *state, struct slice session, unsigned *ret)
{
	unsigned free_place = SYMBOLS_SESSIONS_OPEN;

	for (unsigned i = 0; i < SYMBOLS_SESSIONS_OPEN; i++) {
		if (slice_eq(slice_str(state->sessions[i]), session)) {
			return false;
		}
		free_place = state->sessions[i][0] == '\0' ? i : free_place;
	}
	if (free_place == SYMBOLS_SESSIONS_OPEN) {
		return false;
	}
	CHECK(slice_to_cstr(session, state->sessions[free_place],
		  sizeof(state->sessions[free_place])) == ERR_OK);
	*ret = free_place;
	return true;
}

static enum err put_session(struct upload *u, struct slice session)
{
	const struct svc_env *env = u->c->env;
	struct put p = { .u = u, .session = session };
	enum err e = upload_session_get(env->db, u->c->arena, session, &p.line, &u->c->note);

	if (e == ERR_NOT_FOUND ||
	    (e == ERR_OK && p.line.created_ms < clock_wall_ms() - SESSION_LIFETIME_MS)) {
		return upload_refuse(u->c, 404, "there is no such upload, or it has ended");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!find_range(u->c, &p.range)) {
		return upload_refuse(u->c, 400, "malformed Content-Range");
	}
	u->is_try = p.line.is_try;
	u->id = p.line.upload;
	return take(&p);
}

/* The address is the permission; whoever was given it may use it. */
enum err symbols_upload_session(struct op_call *c)
{
	static const struct symbols_token nobody = { .permissions = SYMBOLS_UPLOAD };
	struct symbols_state *state = c->state;
	struct slice session = http_param(c->req, "session");
	struct upload u;
	unsigned place = 0;

	if (!blob_draft_is_good(session)) {
		return upload_refuse(c, 404, "there is no such upload, or it has ended");
	}
	if (!lock_session(state, session, &place)) {
		return ERR_TOO_BUSY;
	}
	upload_init(&u, c, &nobody);
	enum err e = put_session(&u, session);
	upload_fini(&u);
	state->sessions[place][0] = '\0';
	return e;
}
