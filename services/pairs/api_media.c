/*
 * Pictures over the REST API: looking at them and changing what is said of them. api_upload.c has
 * their arrival.
 */
#include "services/pairs/api.h"

#include "services/pairs/media_answer.h"
#include "services/pairs/media_link.h"
#include "services/pairs/pairs_db.h"

/* Where a size is: beside the API, or on the host of pictures with a signature. */
static void put_link(void *arg, struct json_writer *json, const struct pairs_media *m,
    const struct pairs_media_size *size)
{
	const struct api_call *a = arg;
	struct buf *text = arena_buf(a->c->arena, MEDIA_LINK_MAX);
	struct slice base = media_base(a->env->conf);

	if (text == NULL) {
		json_put_null(json);
		return;
	}
	if (base.len > 0) {
		media_link_put(text, base, accounts_keys(a->env), m->owner, m->id,
		    slice_str(size->name), a->now_ms);
	} else {
		buf_printf(text, "/api/v1/media/%lld/%s", (long long)m->id, size->name);
	}
	json_put_string(json, buf_slice(text));
}

void api_put_media(struct api_call *a, const struct pairs_media *m)
{
	const struct pairs_media_links links = { put_link, a };

	json_begin_object(&a->out);
	pairs_media_put(&a->out, m, &links);
	json_end_object(&a->out);
}

/* The couple's, the caller's own, or the partner's; else there is none. */
static enum err find(struct api_call *a, struct pairs_media *ret)
{
	const int64_t owners[] = { a->partner != 0 ? a->user.couple : 0, a->user.id, a->partner };
	enum err e = ERR_NOT_FOUND;
	int64_t id = 0;

	if (!api_path_id(a, "id", &id)) {
		return e;
	}
	for (size_t i = 0; e == ERR_NOT_FOUND && i < sizeof(owners) / sizeof(owners[0]); i++) {
		if (owners[i] != 0) {
			e = pairs_media_get(
			    a->env->db, a->c->arena, owners[i], id, ret, &a->c->note);
		}
	}
	return e;
}

enum err api_get_media(struct api_call *a)
{
	struct pairs_media m;
	enum err e = find(a, &m);

	if (e == ERR_OK) {
		e = api_begin(a);
	}
	if (e != ERR_OK) {
		return e;
	}
	api_put_media(a, &m);
	return api_send(a, a->row->success);
}

/* With a host of pictures the browser is sent there, where its cookies of the app are not. */
static enum err redirect(struct api_call *a, const struct pairs_media *m, struct slice size)
{
	struct buf *text = arena_buf(a->c->arena, MEDIA_LINK_MAX);
	unsigned unused = 0;

	if (!picture_size_find(m->use, size, &unused)) {
		return ERR_NOT_FOUND;
	}
	if (text == NULL) {
		return ERR_MEMORY;
	}
	media_link_put(text, media_base(a->env->conf), accounts_keys(a->env), m->owner, m->id, size,
	    a->now_ms);
	http_add_header(a->c->req, SLICE("Location"), buf_slice(text));
	http_reply(a->c->req, 302, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

enum err api_get_media_file(struct api_call *a)
{
	struct pairs_media m;
	struct slice size = http_param(a->c->req, "size");
	enum err e = find(a, &m);

	if (e == ERR_OK && m.state != PAIRS_MEDIA_READY) {
		return api_refuse(a, 404, "not_ready", "the picture is not ready");
	}
	if (e == ERR_OK && media_base(a->env->conf).len > 0) {
		return redirect(a, &m, size);
	}
	return e == ERR_OK ? media_answer(a->c, a->state->blobs, &m, size) : e;
}

/* ---- the list ---- */

/* The picture that the page ends before; false: answered. */
static bool find_before(struct api_call *a, struct pairs_media *ret, enum err *ret_err)
{
	*ret = (struct pairs_media){ .created_ms = INT64_MAX, .id = INT64_MAX };
	*ret_err = ERR_OK;
	if (!api_value(a, "before")->given) {
		return true;
	}
	*ret_err = pairs_media_get(
	    a->env->db, a->c->arena, a->user.couple, api_number(a, "before", 0), ret, &a->c->note);
	if (*ret_err == ERR_OK) {
		return true;
	}
	if (*ret_err == ERR_NOT_FOUND) {
		*ret_err = api_refuse(a, 400, "invalid", "before: there is no such picture");
	}
	return false;
}

enum err api_get_media_list(struct api_call *a)
{
	struct pairs_media before;
	struct sql_query *q;
	enum err e = ERR_OK;

	if (!find_before(a, &before, &e)) {
		return e;
	}
	e = api_begin(a);
	if (e != ERR_OK) {
		return e;
	}
	e = pairs_query(a->env->db, PAIRS_PICTURE_LIST,
	    PAIRS_VALUES(PAIRS_N("owner_id", a->user.couple),
		PAIRS_N("created_ms", before.created_ms), PAIRS_N("id", before.id),
		PAIRS_N("most", api_number(a, "limit", PAIRS_MEDIA_PAGE))),
	    &q, &a->c->note);
	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("media"));
	json_begin_array(&a->out);
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_media m = pairs_media_of(q);
		api_put_media(a, &m);
	}
	json_end_array(&a->out);
	json_end_object(&a->out);
	sql_end(q);
	return e == ERR_END ? api_send(a, a->row->success) : e;
}

/* ---- changes ---- */

enum err api_edit_media(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_EDIT_MEDIA,
		.user = a->user.id,
		.couple = a->user.couple,
		.text = api_text(a, "caption") };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_path_id(a, "id", &r.id)) {
		return ERR_NOT_FOUND;
	}
	return api_change(a, &r, &changed, &e) ? api_send_event(a, &changed) : e;
}

enum err api_delete_media(struct api_call *a)
{
	struct pairs_change_req r = {
		.kind = PAIRS_DELETE_MEDIA, .user = a->user.id, .couple = a->user.couple
	};
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_path_id(a, "id", &r.id)) {
		return ERR_NOT_FOUND;
	}
	return api_change(a, &r, &changed, &e) ? api_send_empty(a) : e;
}
