/*
 * The outbox messages between store, courier and admin.
 */
#include "accounts/outbox.h"

#include "core/base/wire.h"

static void put_mail(struct buf *out, const struct outbox_mail *m)
{
	wire_put_i64(out, m->id);
	wire_put_bytes(out, m->recipient);
	wire_put_bytes(out, m->kind);
	wire_put_bytes(out, m->subject);
	wire_put_bytes(out, m->link);
	wire_put_bytes(out, m->site);
	wire_put_bytes(out, m->text);
	wire_put_bytes(out, m->html);
	wire_put_i64(out, m->created_ms);
	wire_put_u32(out, m->tries);
	wire_put_u32(out, m->state);
	wire_put_i64(out, m->sent_ms);
	wire_put_bytes(out, m->error);
	wire_put_bytes(out, m->verp);
}

static void take_mail(struct wire_reader *r, struct outbox_mail *m)
{
	m->id = wire_take_i64(r);
	m->recipient = wire_take_bytes(r);
	m->kind = wire_take_bytes(r);
	m->subject = wire_take_bytes(r);
	m->link = wire_take_bytes(r);
	m->site = wire_take_bytes(r);
	m->text = wire_take_bytes(r);
	m->html = wire_take_bytes(r);
	m->created_ms = wire_take_i64(r);
	m->tries = wire_take_u32(r);
	m->state = wire_take_u32(r);
	m->sent_ms = wire_take_i64(r);
	m->error = wire_take_bytes(r);
	m->verp = wire_take_bytes(r);
}

static void put_mails(struct buf *out, const struct outbox_mail *mails, uint32_t n)
{
	wire_put_u32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		put_mail(out, &mails[i]);
	}
}

static bool take_mails(
    struct wire_reader *r, struct outbox_mail *mails, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = wire_take_u32(r);

	if (r->bad || n > max) {
		return false;
	}
	for (uint32_t i = 0; i < n; i++) {
		take_mail(r, &mails[i]);
	}
	*ret_n = n;
	return !r->bad;
}

void outbox_put_lease_req(struct buf *out, const struct outbox_lease_req *r)
{
	wire_put_u32(out, r->max_rows);
	wire_put_i64(out, r->lease_ms);
}

bool outbox_take_lease_req(struct slice message, struct outbox_lease_req *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->max_rows = wire_take_u32(&r);
	ret->lease_ms = wire_take_i64(&r);
	return wire_done(&r) && ret->max_rows >= 1 && ret->max_rows <= OUTBOX_LEASE_MAX &&
	       ret->lease_ms > 0;
}

void outbox_put_leased(struct buf *out, const struct outbox_leased *r)
{
	wire_put_i64(out, r->lease);
	wire_put_i64(out, r->next_due_ms);
	put_mails(out, r->mails, r->n);
}

bool outbox_take_leased(struct slice message, struct outbox_leased *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->lease = wire_take_i64(&r);
	ret->next_due_ms = wire_take_i64(&r);
	return take_mails(&r, ret->mails, OUTBOX_LEASE_MAX, &ret->n) && wire_done(&r);
}

void outbox_put_sent_req(struct buf *out, const struct outbox_sent_req *r)
{
	wire_put_i64(out, r->id);
	wire_put_i64(out, r->lease);
	wire_put_u8(out, r->keep ? 1 : 0);
}

bool outbox_take_sent_req(struct slice message, struct outbox_sent_req *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->id = wire_take_i64(&r);
	ret->lease = wire_take_i64(&r);
	ret->keep = wire_take_u8(&r) != 0;
	return wire_done(&r);
}

void outbox_put_retry_req(struct buf *out, const struct outbox_retry_req *r)
{
	wire_put_i64(out, r->id);
	wire_put_i64(out, r->lease);
	wire_put_u8(out, r->final ? 1 : 0);
	wire_put_bytes(out, slice_sub(r->error, 0, OUTBOX_ERROR_MAX));
}

bool outbox_take_retry_req(struct slice message, struct outbox_retry_req *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->id = wire_take_i64(&r);
	ret->lease = wire_take_i64(&r);
	ret->final = wire_take_u8(&r) != 0;
	ret->error = wire_take_bytes(&r);
	return wire_done(&r);
}

void outbox_put_recent(struct buf *out, const struct outbox_recent *r)
{
	put_mails(out, r->mails, r->n);
}

bool outbox_take_recent(struct slice message, struct outbox_recent *ret)
{
	struct wire_reader r = wire_reader_new(message);

	return take_mails(&r, ret->mails, OUTBOX_RECENT_MAX, &ret->n) && wire_done(&r);
}

void outbox_put_stats(struct buf *out, const struct outbox_stats *r)
{
	wire_put_i64(out, r->queued);
	wire_put_i64(out, r->failed);
	wire_put_i64(out, r->kept);
	wire_put_i64(out, r->oldest_queued_ms);
	wire_put_i64(out, r->bounced);
}

bool outbox_take_stats(struct slice message, struct outbox_stats *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->queued = wire_take_i64(&r);
	ret->failed = wire_take_i64(&r);
	ret->kept = wire_take_i64(&r);
	ret->oldest_queued_ms = wire_take_i64(&r);
	ret->bounced = wire_take_i64(&r);
	return wire_done(&r);
}
