/*
 * The messages of staging and completing.
 */
#include "core/base/wire.h"
#include "services/identity/staging.h"

static void put_kdf(struct buf *out, const struct kdf *kdf)
{
	wire_put_bytes(out, slice_str(kdf_name(kdf->kind)));
	wire_put_bytes(out, slice_str(kdf->salt));
}

static bool take_kdf(struct wire_reader *r, struct kdf *ret)
{
	struct slice name = wire_take_bytes(r);
	struct slice salt = wire_take_bytes(r);

	return !r->bad && kdf_from_text(name, salt, ret) == ERR_OK;
}

void stage_req_put(struct buf *out, const struct stage_req *r)
{
	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_u8(out, r->creates_unverified ? 1 : 0);
	wire_put_i64(out, r->account_id);
	wire_put_bytes(out, r->token_hash);
	wire_put_bytes(out, r->password_hash);
	put_kdf(out, &r->kdf);
	wire_put_i64(out, r->lifetime_ms);
	staged_limits_put(out, &r->limits);
	wire_put_bytes(out, r->test_token);
	wire_put_bytes(out, r->mail.recipient);
	wire_put_bytes(out, r->mail.kind);
	wire_put_bytes(out, r->mail.subject);
	wire_put_bytes(out, r->mail.link);
	wire_put_bytes(out, r->mail.site);
	wire_put_bytes(out, r->mail.text);
	wire_put_bytes(out, r->mail.html);
}

bool stage_req_take(struct slice message, struct stage_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);
	struct stage_req q = { .creates_unverified = wire_take_u8(&r) != 0 };

	q.account_id = wire_take_i64(&r);
	q.token_hash = wire_take_bytes(&r);
	q.password_hash = wire_take_bytes(&r);
	if (!take_kdf(&r, &q.kdf) || kind >= STAGED_KINDS) {
		return false;
	}
	q.kind = (enum staged_kind)kind;
	q.lifetime_ms = wire_take_i64(&r);
	bool has_limits = staged_limits_take(&r, &q.limits);
	q.test_token = wire_take_bytes(&r);
	q.mail.recipient = wire_take_bytes(&r);
	q.mail.kind = wire_take_bytes(&r);
	q.mail.subject = wire_take_bytes(&r);
	q.mail.link = wire_take_bytes(&r);
	q.mail.site = wire_take_bytes(&r);
	q.mail.text = wire_take_bytes(&r);
	q.mail.html = wire_take_bytes(&r);
	if (!wire_done(&r) || q.token_hash.len != TOKEN_HASH_HEX || q.lifetime_ms <= 0 ||
	    !has_limits) {
		return false;
	}
	*ret = q;
	return true;
}

bool stage_outcome_take(struct slice message, enum stage_outcome *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t n = wire_take_u8(&r);

	*ret = (enum stage_outcome)n;
	return wire_done(&r) && n < STAGE_OUTCOMES;
}

void complete_req_put(struct buf *out, const struct complete_req *r)
{
	wire_put_u8(out, (uint8_t)r->call);
	wire_put_bytes(out, r->token_hash);
	wire_put_bytes(out, r->password_hash);
	put_kdf(out, &r->kdf);
	wire_put_bytes(out, r->address);
}

bool complete_req_take(struct slice message, struct complete_req *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t call = wire_take_u8(&r);
	struct complete_req q = { .token_hash = wire_take_bytes(&r) };

	q.password_hash = wire_take_bytes(&r);
	if (!take_kdf(&r, &q.kdf)) {
		return false;
	}
	q.address = wire_take_bytes(&r);
	if (!wire_done(&r) || call >= COMPLETE_CALLS || q.token_hash.len != TOKEN_HASH_HEX) {
		return false;
	}
	q.call = (enum complete_call)call;
	*ret = q;
	return true;
}

void completion_put(struct buf *out, const struct completion *r)
{
	wire_put_u8(out, (uint8_t)r->outcome);
	wire_put_i64(out, r->account_id);
	wire_put_i64(out, r->password_reset_ms);
}

bool completion_take(struct slice message, struct completion *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t outcome = wire_take_u8(&r);

	ret->outcome = (enum complete_outcome)outcome;
	ret->account_id = wire_take_i64(&r);
	ret->password_reset_ms = wire_take_i64(&r);
	return wire_done(&r) && outcome < COMPLETE_OUTCOMES;
}
