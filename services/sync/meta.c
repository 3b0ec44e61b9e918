/*
 * See meta.h.
 */
#include "services/sync/meta.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "services/sync/db.h"

enum {
	PACK_VERSION = 1,
	PACKED_MAX = 16 * 1024
};

struct sync_meta *sync_meta_new(struct arena *arena, int64_t uid)
{
	struct sync_meta *m = arena_alloc(arena, sizeof(*m));

	if (m != NULL) {
		m->uid = uid;
		m->next_number = 1;
	}
	return m;
}

/* ---- the packed list ---- */

void sync_meta_pack(struct buf *out, const struct sync_meta *m)
{
	wire_put_u8(out, PACK_VERSION);
	for (unsigned i = 0; i < m->n; i++) {
		const struct sync_collection *c = &m->list[i];
		wire_put_u8(out, c->name_len);
		buf_append(out, c->name, c->name_len);
		wire_put_u32(out, (uint32_t)c->number);
		wire_put_i64(out, c->modified_ms);
		wire_put_u32(out, (uint32_t)c->count);
		wire_put_i64(out, c->bytes);
	}
}

static bool take_collection(struct wire_reader *r, struct sync_collection *c)
{
	c->name_len = wire_take_u8(r);
	if (c->name_len == 0 || c->name_len > SYNC_NAME_MAX || c->name_len > r->rest.len) {
		return false;
	}
	memcpy(c->name, r->rest.ptr, c->name_len);
	r->rest = slice_sub(r->rest, c->name_len, r->rest.len);
	c->number = wire_take_u32(r);
	c->modified_ms = wire_take_i64(r);
	c->count = wire_take_u32(r);
	c->bytes = wire_take_i64(r);
	return !r->bad;
}

bool sync_meta_unpack(struct slice packed, struct sync_meta *m)
{
	struct wire_reader r = wire_reader_new(packed);

	m->n = 0;
	if (wire_take_u8(&r) != PACK_VERSION) {
		return false;
	}
	while (r.rest.len > 0) {
		if (m->n == SYNC_COLLECTIONS_MAX || !take_collection(&r, &m->list[m->n])) {
			return false;
		}
		m->n++;
	}
	return wire_done(&r);
}

/* ---- the row ---- */

enum err sync_meta_load(struct sql_db *db, struct sync_meta *m, bool lock, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(db, lock ? SYNC_META_LOCK : SYNC_META_GET, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", m->uid);
	e = sql_step(q);
	if (e == ERR_OK) {
		m->is_there = true;
		m->last_ms = sql_col_i64(q, 0);
		m->storage_ms = sql_col_i64(q, 1);
		m->next_number = sql_col_i64(q, 2);
		m->expiry_ms = sql_col_i64(q, 3);
		if (!sync_meta_unpack(sql_col_blob(q, 4), m)) {
			e = err_note_set(note, ERR_CORRUPT,
			    "sync_meta: the collections of user %lld", (long long)m->uid);
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err sync_meta_save(struct sql_db *db, const struct sync_meta *m, struct err_note *note)
{
	struct buf packed = buf_new(PACKED_MAX);
	struct sql_query *q;
	enum err e = sync_begin(db, SYNC_META_PUT, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sync_meta_pack(&packed, m);
	CHECK(!packed.failed);
	sql_bind_i64(q, "uid", m->uid);
	sql_bind_i64(q, "last_ms", m->last_ms);
	sql_bind_i64(q, "storage_ms", m->storage_ms);
	sql_bind_i64(q, "next_number", m->next_number);
	sql_bind_i64(q, "expiry_ms", m->expiry_ms);
	sql_bind_blob(q, "collections", buf_slice(&packed));
	e = sql_finish(q);
	buf_free(&packed);
	return e;
}

/* ---- the list ---- */

struct sync_collection *sync_meta_find(struct sync_meta *m, struct slice name)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (slice_eq(sync_collection_name(&m->list[i]), name)) {
			return &m->list[i];
		}
	}
	return NULL;
}

struct sync_collection *sync_meta_by_number(struct sync_meta *m, int64_t number)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (m->list[i].number == number) {
			return &m->list[i];
		}
	}
	return NULL;
}

struct sync_collection *sync_meta_add(struct sync_meta *m, struct slice name)
{
	if (m->n == SYNC_COLLECTIONS_MAX || m->next_number > UINT32_MAX) {
		return NULL;
	}
	CHECK(name.len >= 1 && name.len <= SYNC_NAME_MAX);
	struct sync_collection *c = &m->list[m->n++];
	*c = (struct sync_collection){ .number = m->next_number++, .name_len = (uint8_t)name.len };
	memcpy(c->name, name.ptr, name.len);
	return c;
}

void sync_meta_remove(struct sync_meta *m, struct sync_collection *c)
{
	CHECK(c >= m->list && c < m->list + m->n);
	size_t behind = (size_t)(m->list + m->n - (c + 1));

	memmove(c, c + 1, behind * sizeof(*c));
	m->n--;
}

int64_t sync_meta_bytes(const struct sync_meta *m)
{
	int64_t bytes = 0;

	for (unsigned i = 0; i < m->n; i++) {
		bytes += m->list[i].bytes;
	}
	return bytes;
}
