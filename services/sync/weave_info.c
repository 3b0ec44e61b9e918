/*
 * Role: web. info/... of the old storage. A collection that holds nothing is not there, so what has
 * expired always counts.
 */
#include "core/base/json.h"
#include "services/sync/weave.h"

enum {
	ANSWER_MAX = 64 * 1024
};

typedef void put_fn(struct json_writer *j, const struct sync_collection *c);

static void put_time(struct json_writer *j, const struct sync_collection *c)
{
	char text[SYNC_TIME_SIZE];

	json_put_raw(j, sync_time_text(c->modified_ms, text));
}

static void put_count(struct json_writer *j, const struct sync_collection *c)
{
	json_put_i64(j, c->count);
}

static void put_usage(struct json_writer *j, const struct sync_collection *c)
{
	sync_put_kilobytes(j, c->bytes);
}

static void write_object(
    struct weave_call *w, struct json_writer *j, const struct sync_meta *m, put_fn *put)
{
	int64_t n = 0;

	json_begin_object(j);
	for (unsigned i = 0; i < m->n; i++) {
		if (m->list[i].count > 0) {
			json_put_name(j, sync_collection_name(&m->list[i]));
			put(j, &m->list[i]);
			n++;
		}
	}
	json_end_object(j);
	sync_add_number(&w->s, "X-Weave-Records", n);
}

/* [used, limit or null], in KB */
static void write_quota(struct weave_call *w, struct json_writer *j, const struct sync_meta *m)
{
	const struct sync_state *state = w->s.c->state;

	json_begin_array(j);
	sync_put_kilobytes(j, sync_meta_bytes(m));
	if (state->limits.quota_bytes > 0) {
		sync_put_kilobytes(j, state->limits.quota_bytes);
	} else {
		json_put_null(j);
	}
	json_end_array(j);
}

static put_fn *find_put(struct slice name)
{
	static const struct {
		const char *name;
		put_fn *put;
	} rows[] = { { "collections", put_time }, { "collection_counts", put_count },
		{ "collection_usage", put_usage } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq(name, slice_str(rows[i].name))) {
			return rows[i].put;
		}
	}
	return NULL;
}

/* GET info/... */
enum err weave_info(struct op_call *c)
{
	struct weave_call w;
	struct sync_meta *m = NULL;
	struct slice text = SLICE_EMPTY;
	enum err e;

	if (!weave_begin(c, &w, &e)) {
		return e;
	}
	put_fn *put = find_put(w.rest);
	if (put == NULL && !slice_eq(w.rest, SLICE("quota"))) {
		weave_refuse(c, 404, WEAVE_OTHER);
		return ERR_OK;
	}
	struct buf *body = arena_buf(c->arena, ANSWER_MAX);
	e = body == NULL ? ERR_MEMORY : sync_call_meta(&w.s, &m);
	e = e == ERR_OK ? sync_subtract_expired(&w.s, m) : e;
	if (e != ERR_OK) {
		return e;
	}
	struct json_writer j = json_writer_new(body);
	if (put != NULL) {
		write_object(&w, &j, m, put);
	} else {
		write_quota(&w, &j, m);
	}
	e = buf_finish(body, &text);
	if (e == ERR_OK) {
		weave_reply(&w, SLICE("application/json"), text, 0);
	}
	return e;
}
