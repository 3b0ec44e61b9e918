/*
 * See symbols_copy.h.
 */
#include "services/symbols/symbols_copy.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/symbols/symbol_file.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/unpack.h"

enum {
	ROWS_AT_ONCE = 200,
	PROBLEM_MAX = 1200
};

/* A blob that rows have. */
struct wanted {
	char name[BLOB_NAME_SIZE];
	int64_t stored_size;
};

struct batch {
	struct wanted blobs[ROWS_AT_ONCE];
	size_t n;
};

/* ---- rows ---- */

/* The next ones behind that name; rows of one blob stand together. */
static enum err read_batch(struct blob_copying *c, struct slice after, struct batch *ret)
{
	struct sql_query *q;
	enum err e = symbols_begin(c->db, SYMBOLS_BLOBS_AFTER, &q, c->note);

	ret->n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "blob", after);
	sql_bind_i64(q, "most", ROWS_AT_ONCE);
	while ((e = sql_step(q)) == ERR_OK) {
		struct wanted *w = &ret->blobs[ret->n];
		struct slice name = sql_col_text(q, 0);
		if (ret->n > 0 && slice_eq(slice_str(ret->blobs[ret->n - 1].name), name)) {
			continue;
		}
		if (slice_to_cstr(name, w->name, sizeof(w->name)) != ERR_OK) {
			e = err_note_set(c->note, ERR_CORRUPT, "a row names no blob: %.*s",
			    SLICE_ARG(slice_sub(name, 0, BLOB_NAME_SIZE)));
			break;
		}
		w->stored_size = sql_col_i64(q, 1);
		ret->n++;
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* One of the files that a blob is, for people. */
static void name_file(struct blob_copying *c, const char *blob, char *out, size_t out_size)
{
	struct sql_query *q;

	(void)snprintf(out, out_size, "?");
	if (symbols_begin(c->db, SYMBOLS_KEY_OF_BLOB, &q, NULL) != ERR_OK) {
		return;
	}
	sql_bind_text(q, "blob", slice_str(blob));
	if (sql_step(q) == ERR_OK) {
		(void)snprintf(out, out_size, "%.*s/%.*s/%.*s", SLICE_ARG(sql_col_text(q, 0)),
		    SLICE_ARG(sql_col_text(q, 1)), SLICE_ARG(sql_col_text(q, 2)));
	}
	sql_end(q);
}

static void tell_lost(struct blob_copying *c, const struct wanted *w, const char *why)
{
	char file[3 * SYMBOL_NAME_MAX + 8], text[PROBLEM_MAX];

	name_file(c, w->name, file, sizeof(file));
	(void)snprintf(
	    text, sizeof(text), "%s: its content blobs/%.2s/%s is %s", file, w->name, w->name, why);
	c->done.lost++;
	c->watch(c->arg, text, &c->done);
}

/* ---- one blob ---- */

/* Does the content of the open file have the hash that the name says? */
static enum err is_intact(
    struct blob_copying *c, int fd, uint64_t size, const char *name, bool *ret)
{
	struct slice text = slice_str(name);
	bool is_gzip = slice_ends(text, SLICE(".gz"));
	const struct unpack_source source = { .fd = fd,
		.len = size,
		.form = is_gzip ? UNPACK_GZIP : UNPACK_PLAIN,
		.size = is_gzip ? UINT64_MAX / 2 : size };
	char actual[BLOB_NAME_SIZE];
	struct unpacked u;
	enum err e = unpack(&source, -1, is_gzip, &u, c->note);

	*ret = false;
	if (e == ERR_OK) {
		blob_name_of(u.sha256, is_gzip ? "gz" : "", actual);
		*ret = strcmp(actual, name) == 0;
	}
	return e == ERR_INVALID || e == ERR_SYNTAX || e == ERR_LIMIT ? ERR_OK : e;
}

/*
 * Is it in that store, and good? A size that is not the row's is no damage (another upload may have
 * packed the same content otherwise), but then the content is looked at.
 */
static enum err is_in(struct blob_copying *c, const struct blob_store *s, const struct wanted *w,
    bool reads, bool *ret_found, bool *ret_good)
{
	uint64_t size = 0;
	int fd = -1;
	enum err e =
	    s == NULL ? ERR_NOT_FOUND : blob_get(s, slice_str(w->name), &fd, &size, c->note);

	*ret_found = e == ERR_OK;
	*ret_good = false;
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	*ret_good = size == (uint64_t)w->stored_size;
	if (reads || !*ret_good) {
		e = is_intact(c, fd, size, w->name, ret_good);
	}
	(void)close(fd);
	return e;
}

/* A copy is judged before it gets its name. */
static enum err judge_draft(
    struct blob_copying *c, struct slice draft, const struct wanted *w, bool *ret_good)
{
	int fd = -1;
	enum err e = blob_draft_open(c->to, draft, &fd, c->note);

	if (e != ERR_OK) {
		return e;
	}
	off_t size = lseek(fd, 0, SEEK_END);
	e = is_intact(c, fd, size < 0 ? 0 : (uint64_t)size, w->name, ret_good);
	(void)close(fd);
	return e;
}

static enum err copy_one(struct blob_copying *c, const struct wanted *w)
{
	char draft[BLOB_DRAFT_CHARS + 1];
	struct slice name = slice_str(w->name);
	bool is_good = true;

	blob_draft_name(draft);
	enum err e = blob_copy(c->to, c->from, name, slice_str(draft), c->note);
	if (e == ERR_NOT_FOUND) {
		tell_lost(c, w, "not there");
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = judge_draft(c, slice_str(draft), w, &is_good);
	}
	if (e == ERR_OK && !is_good) {
		tell_lost(c, w, "damaged");
	}
	if (e == ERR_OK && is_good) {
		e = blob_name_draft(c->to, slice_str(draft), name, c->note);
		c->done.copied += e == ERR_OK ? 1 : 0;
		return e;
	}
	enum err dropped = blob_drop(c->to, slice_str(draft), NULL);
	(void)dropped;
	return e;
}

/* ERR_NOT_FOUND: the earlier copy has no good one, or cannot share it. */
static enum err link_one(struct blob_copying *c, const struct wanted *w)
{
	bool found = false, good = false;
	enum err e = is_in(c, c->previous, w, c->reads_all, &found, &good);

	if (e != ERR_OK || !good) {
		return e == ERR_OK ? ERR_NOT_FOUND : e;
	}
	e = blob_link(c->to, c->previous, slice_str(w->name), c->note);
	c->done.linked += e == ERR_OK ? 1 : 0;
	return e == ERR_UNSUPPORTED ? ERR_NOT_FOUND : e;
}

static enum err bring_one(struct blob_copying *c, const struct wanted *w)
{
	bool found = false, good = false;
	enum err e = is_in(c, c->to, w, true, &found, &good);

	if (e != ERR_OK || good) {
		c->done.there += good ? 1 : 0;
		return e;
	}
	e = link_one(c, w);
	if (e == ERR_NOT_FOUND && c->from == NULL) {
		tell_lost(c, w, "not there");
		return ERR_OK;
	}
	return e == ERR_NOT_FOUND ? copy_one(c, w) : e;
}

static enum err look_at_one(struct blob_copying *c, const struct wanted *w)
{
	bool found = false, good = false;
	enum err e = is_in(c, c->from, w, c->reads_all, &found, &good);

	if (e == ERR_OK && !good) {
		tell_lost(c, w, found ? "damaged" : "not there");
	}
	return e;
}

/* ---- all ---- */

static struct batch batch; /* too large for the stack; commands do one thing at a time */

static enum err each(
    struct blob_copying *c, enum err (*fn)(struct blob_copying *c, const struct wanted *w))
{
	char last[BLOB_NAME_SIZE] = "";
	enum err e = ERR_OK;

	do {
		e = read_batch(c, slice_str(last), &batch);
		for (size_t i = 0; e == ERR_OK && i < batch.n; i++) {
			c->done.blobs++;
			c->done.bytes += batch.blobs[i].stored_size;
			e = fn(c, &batch.blobs[i]);
		}
		if (batch.n > 0) {
			memcpy(last, batch.blobs[batch.n - 1].name, sizeof(last));
		}
		c->watch(c->arg, NULL, &c->done);
	} while (e == ERR_OK && batch.n > 0);
	return e;
}

enum err symbols_has_blobs(struct blob_copying *c, bool *ret)
{
	enum err e = read_batch(c, SLICE_EMPTY, &batch);

	*ret = e == ERR_OK && batch.n > 0;
	return e;
}

enum err symbols_copy_blobs(struct blob_copying *c)
{
	enum err e = each(c, bring_one);

	return e == ERR_OK ? blob_sync(c->to, c->note) : e;
}

static enum err count_unused(void *arg, const struct blob_info *info)
{
	struct blob_copying *c = arg;
	bool is_used = false;
	enum err e = symbol_blob_is_used(c->db, info->name, &is_used, c->note);

	c->done.unused += e == ERR_OK && !is_used ? 1 : 0;
	return e;
}

enum err symbols_check_blobs(struct blob_copying *c)
{
	enum err e = each(c, look_at_one);

	return e == ERR_OK && c->from != NULL ? blob_each(c->from, count_unused, c, c->note) : e;
}
