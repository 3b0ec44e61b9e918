/*
 * See bso_body.h.
 */
#include "services/sync/bso_body.h"

#include <stdlib.h>

#include "core/base/json.h"
#include "services/sync/bso_parse.h"

enum {
	JSON_MEMORY_FACTOR = 16, /* a document takes at worst some ten times its text */
	JSON_MEMORY_LEAST = 64 * 1024,
	REASON_MAX = 160,
	TEXT_MAX = 64 * 1024 * 1024
};

/* The elements of a body and their ids. */
struct elements {
	const struct json **list;
	struct slice *ids;
	size_t n;
};

static int by_text(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	if (x->len != y->len) {
		return x->len < y->len ? -1 : 1;
	}
	return memcmp(x->ptr, y->ptr, x->len);
}

static bool has_twins(struct arena *arena, const struct elements *es)
{
	struct slice *sorted = arena_alloc(arena, es->n * sizeof(*sorted));

	if (sorted == NULL || es->n < 2) {
		return sorted == NULL;
	}
	memcpy(sorted, es->ids, es->n * sizeof(*sorted));
	qsort(sorted, es->n, sizeof(*sorted), by_text);
	for (size_t i = 1; i < es->n; i++) {
		if (by_text(&sorted[i - 1], &sorted[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool elements_alloc(struct arena *arena, size_t n, struct elements *es)
{
	es->list = arena_alloc(arena, n * sizeof(*es->list));
	es->ids = arena_alloc(arena, n * sizeof(*es->ids));
	return es->list != NULL && es->ids != NULL;
}

/* False: an element that is no object with an id. */
static bool elements_add(struct elements *es, const struct json *v)
{
	es->list[es->n] = v;
	return json_kind(v) == JSON_KIND_OBJECT &&
	       json_get_string(json_member(v, "id"), &es->ids[es->n++]);
}

static enum err split_array(
    struct arena *arena, struct slice body, struct elements *es, struct err_note *note)
{
	const struct json *doc = NULL;

	if (json_parse(arena, body, &doc, note) != ERR_OK || json_kind(doc) != JSON_KIND_ARRAY ||
	    !elements_alloc(arena, json_count(doc), es)) {
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_count(doc); i++) {
		if (!elements_add(es, json_element(doc, i))) {
			return ERR_INVALID;
		}
	}
	return ERR_OK;
}

static size_t count_lines(struct slice body)
{
	size_t n = 1;

	for (size_t i = slice_find(body, '\n', 0); i < body.len;
	     i = slice_find(body, '\n', i + 1)) {
		n++;
	}
	return n;
}

static enum err split_lines(
    struct arena *arena, struct slice body, struct elements *es, struct err_note *note)
{
	struct slice rest = body, line;

	if (!elements_alloc(arena, count_lines(body), es)) {
		return ERR_INVALID;
	}
	while (slice_split(&rest, '\n', &line)) {
		const struct json *v = NULL;
		struct slice text = slice_trim(line);
		if (slice_ends(text, SLICE("\r"))) {
			text.len--;
		}
		if (text.len == 0) {
			continue;
		}
		if (json_parse(arena, text, &v, note) != ERR_OK || !elements_add(es, v)) {
			return ERR_INVALID;
		}
	}
	return ERR_OK;
}

struct writers {
	struct json_writer success, failed;
	int64_t bytes; /* of payloads taken */
};

static void put_failed(struct writers *w, struct slice id, const char *reason, struct slice what)
{
	char text[REASON_MAX];
	int n = snprintf(text, sizeof(text), "%s%s%.*s", reason, what.len > 0 ? " " : "",
	    (int)(what.len < 40 ? what.len : 40), what.ptr);

	json_put_name(&w->failed, id);
	json_put_string(&w->failed, SLICE_OF(text, n < REASON_MAX ? (size_t)n : sizeof(text) - 1));
}

/* Takes an element or says why not. ERR_INVALID: nothing of the body is to be taken. */
static enum err take_element(const struct elements *es, size_t i, struct slice collection,
    const struct sync_limits *l, struct sync_upload *u, struct writers *w)
{
	struct sync_record r = { .id = es->ids[i] };
	struct slice key = SLICE_EMPTY;
	const char *wrong = sync_bso_parse(es->list[i], l, &r, &key);

	if (wrong != NULL) {
		bool is_unknown = strcmp(wrong, "unknown field") == 0;
		put_failed(w, r.id, wrong, is_unknown ? key : SLICE_EMPTY);
		return ERR_OK;
	}
	if (sync_bso_is_broken_key(collection, &r)) {
		return ERR_INVALID;
	}
	int64_t len = (int64_t)r.payload.len;
	if (len > l->record_bytes || w->bytes + len > l->post_bytes) {
		put_failed(w, r.id, "retry bytes", SLICE_EMPTY);
	} else if (u->n >= l->post_records) {
		put_failed(w, r.id, "retry bso", SLICE_EMPTY);
	} else {
		sync_record_put(&u->records, &r);
		json_put_string(&w->success, r.id);
		w->bytes += len;
		u->n++;
	}
	return ERR_OK;
}

static enum err take_elements(const struct elements *es, struct slice collection,
    const struct sync_limits *l, struct sync_upload *u)
{
	struct writers w = { json_writer_new(&u->success), json_writer_new(&u->failed), 0 };
	enum err e = ERR_OK;

	json_begin_array(&w.success);
	json_begin_object(&w.failed);
	for (size_t i = 0; e == ERR_OK && i < es->n; i++) {
		e = take_element(es, i, collection, l, u, &w);
	}
	json_end_array(&w.success);
	json_end_object(&w.failed);
	return e;
}

static void upload_init(struct sync_upload *u)
{
	*u = (struct sync_upload){ buf_new(TEXT_MAX), buf_new(TEXT_MAX), buf_new(TEXT_MAX), 0 };
}

void sync_upload_free(struct sync_upload *u)
{
	buf_free(&u->records);
	buf_free(&u->success);
	buf_free(&u->failed);
}

static struct arena arena_for(struct slice body)
{
	return arena_new(JSON_MEMORY_LEAST + body.len * JSON_MEMORY_FACTOR);
}

enum err sync_upload_read(struct slice body, bool lines, struct slice collection,
    const struct sync_limits *limits, struct sync_upload *ret, struct err_note *note)
{
	struct arena arena = arena_for(body);
	struct elements es = { .n = 0 };

	upload_init(ret);
	enum err e =
	    lines ? split_lines(&arena, body, &es, note) : split_array(&arena, body, &es, note);
	if (e == ERR_OK && has_twins(&arena, &es)) {
		e = err_note_set(note, ERR_INVALID, "an id stands twice");
	}
	if (e == ERR_OK) {
		e = take_elements(&es, collection, limits, ret);
	}
	arena_reset(&arena);
	if (e == ERR_OK && (ret->records.failed || ret->success.failed || ret->failed.failed)) {
		e = ERR_MEMORY;
	}
	return e;
}

enum err sync_item_read(struct slice body, struct slice collection, struct slice id,
    const struct sync_limits *limits, struct sync_upload *ret, struct err_note *note)
{
	struct arena arena = arena_for(body);
	struct sync_record r = { .id = id };
	const struct json *doc = NULL;
	struct slice key = SLICE_EMPTY;
	enum err e = json_parse(&arena, body, &doc, note);

	upload_init(ret);
	if (e != ERR_OK || json_kind(doc) != JSON_KIND_OBJECT ||
	    sync_bso_parse(doc, limits, &r, &key) != NULL ||
	    sync_bso_is_broken_key(collection, &r)) {
		e = ERR_INVALID;
	} else if ((int64_t)r.payload.len > limits->record_bytes) {
		e = ERR_LIMIT;
	} else {
		sync_record_put(&ret->records, &r);
		ret->n = 1;
	}
	arena_reset(&arena);
	return e == ERR_OK && ret->records.failed ? ERR_MEMORY : e;
}
