/*
 * See bso_record.h.
 */
#include "services/sync/bso_record.h"

#include "services/sync/meta.h"

enum {
	HAS_PAYLOAD = 1,
	HAS_SORTINDEX = 2,
	HAS_TTL = 4,
	HAS_PARENTID = 8,
	HAS_PREDECESSORID = 16
};

bool sync_id_is_good(struct slice id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (id.ptr[i] < 0x20 || id.ptr[i] > 0x7e) {
			return false;
		}
	}
	return id.len >= 1 && id.len <= SYNC_ID_MAX;
}

bool sync_name_is_good(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i], lower = (char)(c | 0x20);
		bool is_plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
				c == '.' || c == '_' || c == '-';
		if (!is_plain) {
			return false;
		}
	}
	return name.len >= 1 && name.len <= SYNC_NAME_MAX;
}

void sync_record_put(struct buf *out, const struct sync_record *r)
{
	wire_put_u8(out,
	    (uint8_t)((r->has_payload ? HAS_PAYLOAD : 0) | (r->has_sortindex ? HAS_SORTINDEX : 0) |
		      (r->has_ttl ? HAS_TTL : 0) | (r->has_parentid ? HAS_PARENTID : 0) |
		      (r->has_predecessorid ? HAS_PREDECESSORID : 0)));
	wire_put_bytes(out, r->id);
	if (r->has_payload) {
		wire_put_bytes(out, r->payload);
	}
	if (r->has_sortindex) {
		wire_put_i64(out, r->sortindex);
	}
	if (r->has_ttl) {
		wire_put_i64(out, r->ttl_s);
	}
	if (r->has_parentid) {
		wire_put_bytes(out, r->parentid);
	}
	if (r->has_predecessorid) {
		wire_put_bytes(out, r->predecessorid);
	}
}

bool sync_record_take(struct wire_reader *r, struct sync_record *ret)
{
	if (r->bad || r->rest.len == 0) {
		return false;
	}
	uint8_t has = wire_take_u8(r);
	*ret = (struct sync_record){ .id = wire_take_bytes(r),
		.has_payload = (has & HAS_PAYLOAD) != 0,
		.has_sortindex = (has & HAS_SORTINDEX) != 0,
		.has_ttl = (has & HAS_TTL) != 0,
		.payload = SLICE_EMPTY,
		.has_parentid = (has & HAS_PARENTID) != 0,
		.has_predecessorid = (has & HAS_PREDECESSORID) != 0 };
	if (ret->has_payload) {
		ret->payload = wire_take_bytes(r);
	}
	if (ret->has_sortindex) {
		ret->sortindex = wire_take_i64(r);
	}
	if (ret->has_ttl) {
		ret->ttl_s = wire_take_i64(r);
	}
	if (ret->has_parentid) {
		ret->parentid = wire_take_bytes(r);
	}
	if (ret->has_predecessorid) {
		ret->predecessorid = wire_take_bytes(r);
	}
	return !r->bad;
}
