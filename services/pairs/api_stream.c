/*
 * The stream of a couple over the REST API: reading it, messages, hugs, kisses, and how far one has
 * read.
 */
#include "services/pairs/api.h"
#include "services/pairs/pairs_db.h"

enum {
	POINTS_MAX = 20
};

/* ---- reading ---- */

static struct pairs_changed event_of(const struct api_call *a, struct sql_query *q)
{
	return (struct pairs_changed){ .seq = sql_col_i64(q, 0),
		.event = sql_col_text(q, 1),
		.user = sql_col_i64(q, 2),
		.at_ms = sql_col_i64(q, 3),
		.couple = a->user.couple,
		.body = sql_col_text(q, 4) };
}

/* Writes a page of events; *ret_last is the number of the last one, 0: there is none. */
static enum err put_page(
    struct api_call *a, enum pairs_stmt stmt, int64_t seq, int64_t most, int64_t *ret_last)
{
	struct sql_query *q;
	enum err e = pairs_query(a->env->db, stmt,
	    PAIRS_VALUES(
		PAIRS_N("couple_id", a->user.couple), PAIRS_N("seq", seq), PAIRS_N("most", most)),
	    &q, &a->c->note);

	if (e != ERR_OK) {
		return e;
	}
	*ret_last = 0;
	json_begin_array(&a->out);
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_changed event = event_of(a, q);
		api_put_event(&a->out, &event);
		*ret_last = event.seq;
	}
	json_end_array(&a->out);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* next: what to ask for to get what follows this page, null at the end. */
enum err api_get_activities(struct api_call *a)
{
	bool after = api_value(a, "after")->given, before = api_value(a, "before")->given;
	int64_t most = api_number(a, "limit", API_PAGE), last = 0;
	int64_t seq = after ? api_number(a, "after", 0) : api_number(a, "before", INT64_MAX);

	if (after && before) {
		return api_refuse(a, 400, "invalid", "after and before exclude each other");
	}
	enum err e = api_begin(a);
	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("items"));
	e = put_page(a, after ? PAIRS_STREAM_AFTER : PAIRS_STREAM_BEFORE, seq, most, &last);
	bool has_more = last != 0 && (after ? last < a->head : last > 1);
	json_put_name(&a->out, SLICE("next"));
	if (has_more) {
		json_put_i64(&a->out, last);
	} else {
		json_put_null(&a->out);
	}
	json_put_name(&a->out, SLICE("head"));
	json_put_i64(&a->out, a->head > last ? a->head : last);
	json_end_object(&a->out);
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

/* ---- writing ---- */

/* An activity is begun: its number and type; what else it has follows. */
static struct buf *begin_activity(
    struct api_call *a, const char *type, struct json_writer *out, struct pairs_change_req *r)
{
	struct buf *body = arena_buf(a->c->arena, PAIRS_BODY_MAX);

	*r = (struct pairs_change_req){ .kind = PAIRS_ADD_ACTIVITY,
		.user = a->user.id,
		.couple = a->user.couple,
		.client_id = api_text(a, "client_id"),
		.new_id = pairs_new_id() };
	if (body != NULL) {
		*out = json_writer_new(body);
		json_begin_object(out);
		pairs_put_id(out, "id", r->new_id);
		json_put_name(out, SLICE("type"));
		json_put_string(out, slice_str(type));
	}
	return body;
}

static enum err add(
    struct api_call *a, struct buf *body, struct json_writer *out, struct pairs_change_req *r)
{
	struct pairs_changed changed;

	json_end_object(out);
	enum err e = buf_finish(body, &r->body);
	if (e == ERR_LIMIT) {
		return api_refuse(a, 413, "too_large", "that is too long");
	}
	if (e != ERR_OK || !api_change(a, r, &changed, &e)) {
		return e;
	}
	return api_send_event(a, &changed);
}

/* The store looks whether the picture is theirs. */
static void put_media(const struct api_call *a, struct json_writer *out, struct pairs_change_req *r)
{
	r->media = api_number(a, "media_id", 0);
	pairs_put_id_or_null(out, "media_id", r->media);
}

enum err api_add_message(struct api_call *a)
{
	struct pairs_change_req r;
	struct json_writer out;
	struct buf *body = begin_activity(a, "message", &out, &r);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	json_put_name(&out, SLICE("text"));
	json_put_string(&out, api_text(a, "text"));
	put_media(a, &out, &r);
	return add(a, body, &out, &r);
}

enum err api_add_hug(struct api_call *a)
{
	struct pairs_change_req r;
	struct json_writer out;
	struct buf *body = begin_activity(a, "hug", &out, &r);

	return body == NULL ? ERR_MEMORY : add(a, body, &out, &r);
}

/* Where lips touched: fractions of the picture. */
static bool is_point(const struct json *p)
{
	double x = -1, y = -1, rotation = 0;

	if (!json_get_real(json_member(p, "x"), &x) || !json_get_real(json_member(p, "y"), &y)) {
		return false;
	}
	const struct json *turned = json_member(p, "rotation");
	if (turned != NULL && !json_get_real(turned, &rotation)) {
		return false;
	}
	return x >= 0 && x <= 1 && y >= 0 && y <= 1 && rotation >= -360 && rotation <= 360;
}

enum err api_add_kiss(struct api_call *a)
{
	struct pairs_change_req r;
	struct json_writer out;
	const struct json *points = NULL;
	enum err e = json_parse(a->c->arena, api_text(a, "points"), &points, NULL);
	size_t n = e == ERR_OK ? json_count(points) : 0;
	bool is_good = n >= 1 && n <= POINTS_MAX;

	for (size_t i = 0; is_good && i < n; i++) {
		is_good = is_point(json_element(points, i));
	}
	if (!is_good) {
		return api_refuse(a, 400, "invalid",
		    "points: from 1 to 20, x and y from 0 to 1, rotation from -360 to 360");
	}
	struct buf *body = begin_activity(a, "kiss", &out, &r);
	if (body == NULL) {
		return ERR_MEMORY;
	}
	json_put_name(&out, SLICE("points"));
	json_put_value(&out, points);
	put_media(a, &out, &r);
	return add(a, body, &out, &r);
}

enum err api_delete_activity(struct api_call *a)
{
	struct pairs_change_req r = {
		.kind = PAIRS_DELETE_ACTIVITY, .user = a->user.id, .couple = a->user.couple
	};
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_path_id(a, "id", &r.id)) {
		return ERR_NOT_FOUND;
	}
	return api_change(a, &r, &changed, &e) ? api_send_empty(a) : e;
}

enum err api_read(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_READ,
		.user = a->user.id,
		.couple = a->user.couple,
		.up_to = api_number(a, "up_to", 0) };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	return api_change(a, &r, &changed, &e) ? api_send_empty(a) : e;
}
