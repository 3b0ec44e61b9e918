/*
 * Role: store. Changes of pictures. A photo is of its couple, and what is made of it is told there;
 * an avatar is of its member, who may not even be one yet: whoever signs up sends it while the mail
 * is on its way, and it becomes theirs with the account.
 */
#include <stdio.h>

#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_chores.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_media.h"

static const int64_t no_quota = INT64_MAX;

static enum err append(struct pairs_write *w, const struct pairs_media *m, bool deleted)
{
	struct json_writer json;
	struct slice text = SLICE_EMPTY;
	struct buf *body = pairs_json(w, &json);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	pairs_media_put(&json, m, NULL);
	json_put_name(&json, SLICE("deleted"));
	json_put_bool(&json, deleted);
	json_end_object(&json);
	enum err e = buf_finish(body, &text);
	return e == ERR_OK ? pairs_append(w, m->owner, "media", pairs_new_id(), m->user, text) : e;
}

/* A couple that has ended meanwhile hears nothing more. */
static enum err append_if_they_stand(struct pairs_write *w, const struct pairs_media *m)
{
	int64_t unused = 0;
	enum err e = pairs_number(
	    w->t->db, PAIRS_COUPLE_GET, PAIRS_VALUES(PAIRS_N("id", m->owner)), &unused, w->note);

	return e == ERR_OK ? append(w, m, false) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* What it is now, as the answer. */
static enum err answer(struct pairs_write *w, int64_t owner, int64_t id)
{
	struct pairs_media m;
	struct json_writer json;
	enum err e = pairs_media_get(w->t->db, w->t->arena, owner, id, &m, w->note);
	struct buf *body = e == ERR_OK ? pairs_json(w, &json) : NULL;

	if (body == NULL) {
		return e == ERR_OK ? ERR_MEMORY : e;
	}
	pairs_media_put(&json, &m, NULL);
	json_end_object(&json);
	w->c.id = id;
	return buf_finish(body, &w->c.body);
}

enum err pairs_has_media(struct pairs_write *w, bool *ret)
{
	const int64_t owners[] = { w->r->couple, w->r->user };
	struct pairs_media m;
	enum err e = ERR_NOT_FOUND;

	*ret = w->r->media == 0;
	for (int i = 0; !*ret && e == ERR_NOT_FOUND && i < 2; i++) {
		e = pairs_media_get(w->t->db, w->t->arena, owners[i], w->r->media, &m, w->note);
		*ret = e == ERR_OK;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- uploads ---- */

static enum err find_before(struct pairs_write *w, int64_t owner, int64_t *ret)
{
	return pairs_number(w->t->db, PAIRS_PICTURE_BY_CLIENT,
	    PAIRS_VALUES(PAIRS_N("owner_id", owner), PAIRS_N("user_id", w->r->user),
		PAIRS_T("client_id", w->r->idem)),
	    ret, w->note);
}

/* Room for one more: by bytes for a couple, by number for a member. */
static enum err take_room(struct pairs_write *w, int64_t owner, bool is_avatar, bool *ret)
{
	int64_t n = 0;
	enum err e;

	if (is_avatar) {
		e = pairs_number(w->t->db, PAIRS_PICTURE_COUNT,
		    PAIRS_VALUES(PAIRS_N("owner_id", owner)), &n, w->note);
		*ret = n < PAIRS_AVATARS_MAX;
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_COUPLE_BYTES,
	    PAIRS_VALUES(
		PAIRS_N("bytes", w->r->bytes), PAIRS_N("id", owner), PAIRS_N("quota", w->r->quota)),
	    w->note);
	*ret = sql_changes(w->t->db) == 1;
	return e;
}

/* When it goes by itself, because nobody has become its owner; 0: never. */
static enum err find_expiry(struct pairs_write *w, bool is_avatar, int64_t *ret)
{
	struct pairs_user u;
	enum err e =
	    is_avatar ? pairs_user_get(w->t->db, w->t->arena, w->r->user, &u, w->note) : ERR_OK;

	*ret = e == ERR_NOT_FOUND ? w->t->now_ms + w->r->lifetime_ms : 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err pairs_add_media(struct pairs_write *w)
{
	bool is_avatar = w->r->kind == PAIRS_ADD_AVATAR, has_room = false;
	int64_t owner = is_avatar ? w->r->user : w->r->couple, id = 0, expires_ms = 0;
	enum err e = find_before(w, owner, &id);

	if (e == ERR_OK) {
		w->c.outcome = PAIRS_REPEATED;
		return answer(w, owner, id);
	}
	if (e == ERR_NOT_FOUND) {
		e = take_room(w, owner, is_avatar, &has_room);
	}
	if (e == ERR_OK && !has_room) {
		return pairs_refuse(w, PAIRS_FULL);
	}
	if (e == ERR_OK) {
		e = find_expiry(w, is_avatar, &expires_ms);
	}
	if (e == ERR_OK) {
		e = pairs_insert(w->t->db, PAIRS_PICTURE_PUT,
		    PAIRS_VALUES(PAIRS_N("owner_id", owner), PAIRS_N("id", w->r->new_id),
			PAIRS_N("user_id", w->r->user), PAIRS_T("client_id", w->r->idem),
			PAIRS_N("purpose", is_avatar ? PICTURE_AVATAR : PICTURE_PHOTO),
			PAIRS_T("format", w->r->name), PAIRS_N("bytes", w->r->bytes),
			PAIRS_N("due_ms", w->t->now_ms), PAIRS_N("expires_ms", expires_ms),
			PAIRS_N("created_ms", w->t->now_ms)),
		    w->note);
	}
	return e == ERR_OK ? answer(w, owner, w->r->new_id) : e;
}

/* The couple's picture, if it is the member's own; else the answer says why not. */
static enum err find_own(struct pairs_write *w, struct pairs_media *ret)
{
	enum err e = pairs_media_get(w->t->db, w->t->arena, w->r->couple, w->r->id, ret, w->note);

	if (e == ERR_NOT_FOUND) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	return e == ERR_OK && ret->user != w->r->user ? pairs_refuse(w, PAIRS_NOT_OWN) : e;
}

enum err pairs_edit_media(struct pairs_write *w)
{
	struct pairs_media m;
	enum err e = find_own(w, &m);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_PICTURE_CAPTION,
	    PAIRS_VALUES(
		PAIRS_T("caption", w->r->text), PAIRS_N("owner_id", m.owner), PAIRS_N("id", m.id)),
	    w->note);
	m.caption = w->r->text;
	return e == ERR_OK ? append(w, &m, false) : e;
}

enum err pairs_delete_media(struct pairs_write *w)
{
	struct pairs_media m;
	enum err e = find_own(w, &m);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_PICTURE_GONE,
	    PAIRS_VALUES(
		PAIRS_N("due_ms", w->t->now_ms), PAIRS_N("owner_id", m.owner), PAIRS_N("id", m.id)),
	    w->note);
	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_COUPLE_BYTES,
		    PAIRS_VALUES(PAIRS_N("bytes", -m.bytes), PAIRS_N("id", m.owner),
			PAIRS_N("quota", no_quota)),
		    w->note);
	}
	m.state = PAIRS_MEDIA_GONE;
	return e == ERR_OK ? append(w, &m, true) : e;
}

/* ---- what has become of a job ---- */

/* The one that it is about, if the caller still has it; else the answer says so. */
static enum err find_leased(struct pairs_write *w, struct pairs_media *ret)
{
	enum err e = pairs_media_get(w->t->db, w->t->arena, w->r->owner, w->r->id, ret, w->note);
	bool is_theirs = e == ERR_OK && ret->state == PAIRS_MEDIA_PENDING &&
			 ret->lease == w->r->lease && w->r->lease != 0;

	return (e == ERR_OK && !is_theirs) || e == ERR_NOT_FOUND ? pairs_refuse(w, PAIRS_NOTHING)
								 : e;
}

/* The newest takes the place of those before it, and the partner is told. */
static enum err wear(struct pairs_write *w, const struct pairs_media *m)
{
	struct pairs_user u;
	struct slice text = SLICE_EMPTY;
	char id[24];
	int n = snprintf(id, sizeof(id), "%lld", (long long)m->id);
	enum err e = pairs_run(w->t->db, PAIRS_PICTURE_GONE_OTHERS,
	    PAIRS_VALUES(PAIRS_N("due_ms", w->t->now_ms), PAIRS_N("owner_id", m->owner),
		PAIRS_N("id", m->id)),
	    w->note);

	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_USER_AVATAR,
		    PAIRS_VALUES(
			PAIRS_T("avatar", SLICE_OF(id, (size_t)n)), PAIRS_N("id", m->owner)),
		    w->note);
	}
	if (e == ERR_OK) {
		e = pairs_user_get(w->t->db, w->t->arena, m->owner, &u, w->note);
	}
	if (e != ERR_OK || u.couple == 0) {
		return e == ERR_NOT_FOUND ? ERR_OK : e; /* no member yet: pairs_verify() does it */
	}
	struct buf *body = arena_buf(w->t->arena, PAIRS_BODY_MAX);
	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer json = json_writer_new(body);
	pairs_user_put(&json, &u, w->t->now_ms);
	e = buf_finish(body, &text);
	return e == ERR_OK ? pairs_append(w, u.couple, "user", pairs_new_id(), u.id, text) : e;
}

enum err pairs_media_done(struct pairs_write *w)
{
	struct pairs_media m;
	enum err e = find_leased(w, &m);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	bool is_ready = w->r->given != 0;
	m.state = is_ready ? PAIRS_MEDIA_READY : PAIRS_MEDIA_FAILED;
	m.reason = is_ready ? SLICE_EMPTY : w->r->text;
	m.sizes = is_ready ? w->r->text : SLICE_EMPTY;
	m.width = w->r->width;
	m.height = w->r->height;
	e = pairs_run(w->t->db, PAIRS_PICTURE_DONE,
	    PAIRS_VALUES(PAIRS_N("state", (int64_t)m.state), PAIRS_T("reason", m.reason),
		PAIRS_N("width", m.width), PAIRS_N("height", m.height), PAIRS_T("sizes", m.sizes),
		PAIRS_N("owner_id", m.owner), PAIRS_N("id", m.id)),
	    w->note);
	if (e != ERR_OK || m.use == PICTURE_PHOTO) {
		return e == ERR_OK ? append_if_they_stand(w, &m) : e;
	}
	return is_ready ? wear(w, &m) : ERR_OK;
}

enum err pairs_media_later(struct pairs_write *w)
{
	struct pairs_media m;
	enum err e = find_leased(w, &m);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	return pairs_run(w->t->db, PAIRS_PICTURE_LATER,
	    PAIRS_VALUES(PAIRS_N("due_ms", w->r->until_ms),
		PAIRS_N("fewer", (w->r->given & PAIRS_CHORE_TRIED) != 0 ? 0 : 1),
		PAIRS_N("crashes", (w->r->given & PAIRS_CHORE_CRASHED) != 0 ? 1 : 0),
		PAIRS_N("owner_id", m.owner), PAIRS_N("id", m.id)),
	    w->note);
}
