/*
 * The messages of sync.write.
 */
#include "core/base/wire.h"
#include "services/sync/write.h"

void sync_write_req_put(struct buf *out, const struct sync_write_req *r)
{
	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_i64(out, r->uid);
	wire_put_bytes(out, r->collection);
	wire_put_bytes(out, r->item);
	wire_put_u8(out, r->has_since ? 1 : 0);
	wire_put_i64(out, r->since_ms);
	wire_put_i64(out, r->batch);
	wire_put_i64(out, r->batch_lifetime_ms);
	wire_put_i64(out, r->quota_bytes);
	wire_put_i64(out, r->max_total_records);
	wire_put_i64(out, r->max_total_bytes);
	wire_put_bytes(out, r->records);
	wire_put_u8(out, r->is_weave ? 1 : 0);
}

bool sync_write_req_take(struct slice message, struct sync_write_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);
	struct sync_write_req q = { .uid = wire_take_i64(&r) };

	q.collection = wire_take_bytes(&r);
	q.item = wire_take_bytes(&r);
	q.has_since = wire_take_u8(&r) != 0;
	q.since_ms = wire_take_i64(&r);
	q.batch = wire_take_i64(&r);
	q.batch_lifetime_ms = wire_take_i64(&r);
	q.quota_bytes = wire_take_i64(&r);
	q.max_total_records = wire_take_i64(&r);
	q.max_total_bytes = wire_take_i64(&r);
	q.records = wire_take_bytes(&r);
	q.is_weave = wire_take_u8(&r) != 0;
	if (!wire_done(&r) || kind >= SYNC_WRITE_KINDS || q.uid < 0) {
		return false;
	}
	q.kind = (enum sync_write_kind)kind;
	*ret = q;
	return true;
}

void sync_written_put(struct buf *out, const struct sync_written *w)
{
	wire_put_u8(out, (uint8_t)w->outcome);
	wire_put_i64(out, w->stamp_ms);
	wire_put_i64(out, w->modified_ms);
	wire_put_i64(out, w->batch);
	wire_put_i64(out, w->quota_left);
}

bool sync_written_take(struct slice message, struct sync_written *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

	ret->outcome = (enum sync_outcome)outcome;
	ret->stamp_ms = wire_take_i64(&r);
	ret->modified_ms = wire_take_i64(&r);
	ret->batch = wire_take_i64(&r);
	ret->quota_left = wire_take_i64(&r);
	return wire_done(&r) && outcome < SYNC_OUTCOMES;
}
