/*
 * Role: web. Bodies of the old protocol (sync.md 2.2): fields that are not known are dropped,
 * fractions cut off, and what cannot be taken of an array is named without stopping the rest.
 */
#include <math.h>
#include <stdio.h>

#include "core/base/json.h"
#include "services/sync/weave.h"

enum {
	JSON_MEMORY_FACTOR = 16,
	JSON_MEMORY_LEAST = 64 * 1024,
	TEXT_MAX = 64 * 1024 * 1024
};

struct writers {
	struct json_writer success, failed;
	int64_t bytes;
	bool has_odd, has_nameless; /* elements that are no objects, or have no id */
};

/* ---- one record ---- */

/* Ids of URLs have no slash; those of bodies neither. */
static bool is_id(struct slice id)
{
	return sync_id_is_good(id) && slice_find(id, '/', 0) == id.len;
}

/* False: there, but no number of the range. A fraction is cut off. */
static bool take_number(
    const struct json *v, int64_t least, int64_t most, bool *ret_has, int64_t *ret)
{
	double real = 0;

	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return true;
	}
	if (!json_get_real(v, &real) || trunc(real) < (double)least || trunc(real) > (double)most) {
		return false;
	}
	*ret_has = true;
	*ret = (int64_t)trunc(real);
	return true;
}

/* False: there, but no text, or longer than most bytes (0: any). */
static bool take_text(const struct json *v, size_t most, bool *ret_has, struct slice *ret)
{
	*ret = SLICE_EMPTY;
	if (v == NULL || json_kind(v) == JSON_KIND_NULL) {
		return true;
	}
	*ret_has = json_get_string(v, ret);
	return *ret_has && (most == 0 || ret->len <= most);
}

/* What is wrong with it, or NULL; r->id is the caller's. */
static const char *take_record(const struct json *object, struct sync_record *r)
{
	if (!is_id(r->id)) {
		return "invalid id";
	}
	bool is_good =
	    take_text(json_member(object, "payload"), 0, &r->has_payload, &r->payload) &&
	    take_text(
		json_member(object, "parentid"), SYNC_ID_MAX, &r->has_parentid, &r->parentid) &&
	    take_text(json_member(object, "predecessorid"), SYNC_ID_MAX, &r->has_predecessorid,
		&r->predecessorid) &&
	    take_number(json_member(object, "sortindex"), -SYNC_SORTINDEX_MAX, SYNC_SORTINDEX_MAX,
		&r->has_sortindex, &r->sortindex) &&
	    take_number(json_member(object, "ttl"), 0, WEAVE_TTL_MAX, &r->has_ttl, &r->ttl_s);
	return is_good && r->payload.len <= WEAVE_RECORD_BYTES ? NULL : "invalid wbo";
}

/* ---- many ---- */

static void put_failed(struct writers *w, struct slice id, const char *reason)
{
	json_put_name(&w->failed, id);
	json_begin_array(&w->failed);
	json_put_string(&w->failed, slice_str(reason));
	json_end_array(&w->failed);
}

/* All that have no id stand under the empty one. */
static void put_nameless(struct writers *w)
{
	if (!w->has_odd && !w->has_nameless) {
		return;
	}
	json_put_name(&w->failed, SLICE_EMPTY);
	json_begin_array(&w->failed);
	if (w->has_odd) {
		json_put_string(&w->failed, SLICE("invalid wbo"));
	}
	if (w->has_nameless) {
		json_put_string(&w->failed, SLICE("invalid id"));
	}
	json_end_array(&w->failed);
}

static void take_element(const struct json *v, struct sync_upload *u, struct writers *w)
{
	struct sync_record r = { .id = SLICE_EMPTY };
	bool has_id = json_get_string(json_member(v, "id"), &r.id);

	if (json_kind(v) != JSON_KIND_OBJECT || !has_id) {
		w->has_odd = w->has_odd || json_kind(v) != JSON_KIND_OBJECT;
		w->has_nameless = w->has_nameless || json_kind(v) == JSON_KIND_OBJECT;
		return;
	}
	const char *wrong = take_record(v, &r);
	int64_t len = (int64_t)r.payload.len;
	if (wrong != NULL) {
		put_failed(w, r.id, wrong);
	} else if (u->n >= WEAVE_POST_RECORDS) {
		put_failed(w, r.id, "retry wbo");
	} else if (w->bytes + len >= WEAVE_POST_BYTES) {
		put_failed(w, r.id, "retry bytes");
	} else {
		sync_record_put(&u->records, &r);
		json_put_string(&w->success, r.id);
		w->bytes += len;
		u->n++;
	}
}

static enum err take_array(const struct json *doc, struct sync_upload *u, struct writers *w)
{
	if (json_kind(doc) != JSON_KIND_ARRAY) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_count(doc); i++) {
		take_element(json_element(doc, i), u, w);
	}
	return ERR_OK;
}

static enum err take_lines(struct arena *arena, struct slice body, struct sync_upload *u,
    struct writers *w, struct err_note *note)
{
	struct slice rest = body, line;

	while (slice_split(&rest, '\n', &line)) {
		const struct json *v = NULL;
		struct slice text = slice_trim(line);
		text.len -= slice_ends(text, SLICE("\r")) ? 1 : 0;
		if (text.len == 0) {
			continue;
		}
		if (json_parse(arena, text, &v, note) != ERR_OK) {
			return ERR_SYNTAX;
		}
		take_element(v, u, w);
	}
	return ERR_OK;
}

/* An object alone, which is a PUT of it. */
static enum err take_one(
    const struct json *doc, struct slice id, struct sync_upload *u, struct writers *w)
{
	struct sync_record r = { .id = id };

	if (id.len == 0 && !json_get_string(json_member(doc, "id"), &r.id)) {
		return ERR_INVALID;
	}
	if (json_kind(doc) != JSON_KIND_OBJECT || take_record(doc, &r) != NULL) {
		return ERR_INVALID;
	}
	sync_record_put(&u->records, &r);
	json_put_string(&w->success, r.id);
	u->n = 1;
	return ERR_OK;
}

enum err weave_body_read(struct slice body, bool lines, struct slice id, struct sync_upload *ret,
    enum weave_body_kind *ret_kind, struct err_note *note)
{
	struct arena arena = arena_new(JSON_MEMORY_LEAST + body.len * JSON_MEMORY_FACTOR);
	const struct json *doc = NULL;
	enum err e = ERR_OK;

	*ret = (struct sync_upload){ buf_new(TEXT_MAX), buf_new(TEXT_MAX), buf_new(TEXT_MAX), 0 };
	struct writers w = { .success = json_writer_new(&ret->success),
		.failed = json_writer_new(&ret->failed) };
	json_begin_array(&w.success);
	json_begin_object(&w.failed);
	*ret_kind = WEAVE_BODY_MANY;
	if (lines && id.len == 0) {
		e = take_lines(&arena, body, ret, &w, note);
	} else {
		e = json_parse(&arena, body, &doc, note) == ERR_OK ? ERR_OK : ERR_SYNTAX;
	}
	if (e == ERR_OK && doc != NULL) {
		bool is_one = id.len > 0 || json_kind(doc) == JSON_KIND_OBJECT;
		*ret_kind = is_one ? WEAVE_BODY_ONE : WEAVE_BODY_MANY;
		e = is_one ? take_one(doc, id, ret, &w) : take_array(doc, ret, &w);
	}
	put_nameless(&w);
	json_end_array(&w.success);
	json_end_object(&w.failed);
	arena_reset(&arena);
	if (e == ERR_OK && (ret->records.failed || ret->success.failed || ret->failed.failed)) {
		e = ERR_MEMORY;
	}
	return e;
}
