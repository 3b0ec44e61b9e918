/*
 * See pairs_media.h.
 */
#include "services/pairs/pairs_media.h"

#include <stdio.h>

#include "core/base/enc.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_user.h"

_Static_assert(sizeof(PAIRS_MEDIA_ORIGINAL) - 1 <= BLOB_FORM_MAX, "a name of a blob");

struct pairs_media pairs_media_of(struct sql_query *q)
{
	return (struct pairs_media){ .owner = sql_col_i64(q, 0),
		.id = sql_col_i64(q, 1),
		.user = sql_col_i64(q, 2),
		.use = sql_col_i64(q, 3) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO,
		.state = (enum pairs_media_state)sql_col_i64(q, 4),
		.bytes = sql_col_i64(q, 5),
		.width = sql_col_i64(q, 6),
		.height = sql_col_i64(q, 7),
		.created_ms = sql_col_i64(q, 8),
		.lease = sql_col_i64(q, 9),
		.format = sql_col_text(q, 10),
		.caption = sql_col_text(q, 11),
		.reason = sql_col_text(q, 12),
		.sizes = sql_col_text(q, 13) };
}

enum err pairs_media_get(struct sql_db *db, struct arena *arena, int64_t owner, int64_t id,
    struct pairs_media *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, PAIRS_PICTURE_GET,
	    PAIRS_VALUES(PAIRS_N("owner_id", owner), PAIRS_N("id", id)), &q, note);

	if (e != ERR_OK) {
		return e;
	}
	struct pairs_media m = pairs_media_of(q);
	struct slice *const texts[] = { &m.format, &m.caption, &m.reason, &m.sizes };
	for (size_t i = 0; e == ERR_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = arena_copy(arena, *texts[i], texts[i]);
	}
	sql_end(q);
	if (e == ERR_OK && m.state == PAIRS_MEDIA_GONE) {
		return ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		*ret = m;
	}
	return e;
}

/* ---- sizes ---- */

void pairs_media_sizes_put(struct buf *out, const struct picture_result *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct picture_variant *v = &r->variants[i];
		buf_printf(out, "%ux%u,%zu,%.*s;", v->width, v->height, v->bytes.len,
		    SLICE_ARG(picture_format_name(v->format)));
	}
}

bool pairs_media_size(const struct pairs_media *m, unsigned i, struct pairs_media_size *ret)
{
	unsigned n = 0;
	const struct picture_size *sizes = picture_sizes(m->use, &n);
	struct slice rest = m->sizes, one = SLICE_EMPTY;

	if (m->state != PAIRS_MEDIA_READY || i >= n) {
		return false;
	}
	for (unsigned k = 0; k <= i; k++) {
		if (!slice_split(&rest, ';', &one)) {
			return false;
		}
	}
	size_t x = slice_find(one, 'x', 0), comma = slice_find(one, ',', 0);
	size_t second = slice_find(one, ',', comma + 1);
	struct slice format = slice_sub(one, second + 1, one.len);
	*ret = (struct pairs_media_size){ .name = sizes[i].name,
		.format = slice_eq(format, picture_format_name(PICTURE_WEBP)) ? PICTURE_WEBP
									      : PICTURE_JPEG };
	return slice_to_u64(slice_sub(one, 0, x), PICTURE_EDGE_MAX, &ret->width) == ERR_OK &&
	       slice_to_u64(slice_sub(one, x + 1, comma), PICTURE_EDGE_MAX, &ret->height) ==
		   ERR_OK &&
	       slice_to_u64(slice_sub(one, comma + 1, second), INT64_MAX, &ret->bytes) == ERR_OK;
}

static void put_number(struct json_writer *json, const char *name, int64_t n)
{
	json_put_name(json, slice_str(name));
	json_put_i64(json, n);
}

static void put_text(struct json_writer *json, const char *name, struct slice text)
{
	json_put_name(json, slice_str(name));
	json_put_string(json, text);
}

static void put_sizes(
    struct json_writer *json, const struct pairs_media *m, const struct pairs_media_links *links)
{
	struct pairs_media_size size;

	json_put_name(json, SLICE("sizes"));
	json_begin_object(json);
	for (unsigned i = 0; pairs_media_size(m, i, &size); i++) {
		json_put_name(json, slice_str(size.name));
		json_begin_object(json);
		put_number(json, "width", (int64_t)size.width);
		put_number(json, "height", (int64_t)size.height);
		put_number(json, "bytes", (int64_t)size.bytes);
		put_text(json, "type", picture_media_type(size.format));
		if (links != NULL) {
			json_put_name(json, SLICE("url"));
			links->put(links->arg, json, m, &size);
		}
		json_end_object(json);
	}
	json_end_object(json);
}

void pairs_media_put(
    struct json_writer *json, const struct pairs_media *m, const struct pairs_media_links *links)
{
	static const char *const states[] = { "pending", "ready", "failed", "gone" };

	pairs_put_id(json, "id", m->id);
	put_text(json, "use", m->use == PICTURE_AVATAR ? SLICE("avatar") : SLICE("photo"));
	put_text(json, "state", slice_str(states[m->state]));
	json_put_name(json, SLICE("reason"));
	if (m->reason.len == 0) {
		json_put_null(json);
	} else {
		json_put_string(json, m->reason);
	}
	put_text(json, "caption", m->caption);
	put_text(json, "format", m->format);
	put_number(json, "bytes", m->bytes);
	put_number(json, "width", m->width);
	put_number(json, "height", m->height);
	pairs_put_id(json, "user_id", m->user);
	put_number(json, "created_at", m->created_ms);
	put_sizes(json, m, links);
}

/* ---- files ---- */

/* The number that comes first spreads them over the folders: it is random in its low bytes. */
void pairs_media_blob(int64_t owner, int64_t id, const char *form, char out[BLOB_NAME_SIZE])
{
	unsigned char name[32] = { 0 };

	for (int i = 0; i < 8; i++) {
		name[i] = (unsigned char)((uint64_t)id >> (8 * i));
		name[8 + i] = (unsigned char)((uint64_t)owner >> (8 * i));
	}
	blob_name_of(name, form, out);
}

static bool number_at(const unsigned char *bytes, int64_t *ret)
{
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--) {
		n = n << 8 | bytes[i];
	}
	*ret = (int64_t)n;
	return n > 0 && n <= INT64_MAX;
}

bool pairs_media_of_blob(struct slice name, int64_t *ret_owner, int64_t *ret_id)
{
	unsigned char bytes[BLOB_HASH_HEX / 2];
	size_t len = 0;

	return dec_hex(slice_sub(name, 0, BLOB_HASH_HEX), bytes, sizeof(bytes), &len) == ERR_OK &&
	       len == sizeof(bytes) && number_at(bytes, ret_id) && number_at(bytes + 8, ret_owner);
}
