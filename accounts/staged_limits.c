/*
 * See staged_limits.h.
 */
#include "accounts/staged_limits.h"

#include "accounts/account.h"
#include "accounts/mail_address.h"
#include "accounts/staged.h"

struct staged_limits staged_limits_of(const struct conf *conf)
{
	return (struct staged_limits){ .min_interval_ms =
					   conf_ms(conf, "identity", "min_mail_interval"),
		.free_mails = 1,
		.max_waiting = conf_int(conf, "identity", "max_waiting_mails"),
		.hold_ms = conf_ms(conf, "mail", "bounce_hold") };
}

void staged_limits_put(struct buf *out, const struct staged_limits *l)
{
	wire_put_i64(out, l->min_interval_ms);
	wire_put_i64(out, l->free_mails);
	wire_put_i64(out, l->max_waiting);
	wire_put_i64(out, l->hold_ms);
}

bool staged_limits_take(struct wire_reader *r, struct staged_limits *ret)
{
	ret->min_interval_ms = wire_take_i64(r);
	ret->free_mails = wire_take_i64(r);
	ret->max_waiting = wire_take_i64(r);
	ret->hold_ms = wire_take_i64(r);
	return !r->bad && ret->max_waiting >= 1;
}

/* What is staged for the address already. */
static enum err look_before(struct txn *t, const struct staged_limits *l, struct slice address,
    struct slice token_hash, enum staged_limit *ret, int64_t *ret_mails, struct err_note *note)
{
	struct staged staged;
	struct slice key;
	enum err e = email_key(t->arena, address, &key);

	if (e == ERR_OK) {
		e = staged_by_address(t->db, t->arena, key, t->now_ms, &staged, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	*ret_mails = staged.mails;
	if (slice_eq(staged.token_hash, token_hash)) {
		*ret = STAGED_SAME;
	} else if (staged.mails >= l->free_mails &&
		   t->now_ms < staged.created_ms + l->min_interval_ms) {
		*ret = STAGED_TOO_SOON;
	}
	return ERR_OK;
}

enum err staged_limits_ask(struct txn *t, const struct staged_limits *l, struct slice address,
    int64_t account_id, struct slice token_hash, enum staged_limit *ret, int64_t *ret_mails,
    struct err_note *note)
{
	bool too_many = false, is_held = false;

	*ret = STAGED_MAY_MAIL;
	*ret_mails = 0;
	enum err e = look_before(t, l, address, token_hash, ret, ret_mails, note);
	if (e == ERR_NOT_FOUND) {
		e = account_id == 0 ? ERR_OK
				    : staged_waits_more(t->db, account_id, l->max_waiting - 1,
					  t->now_ms, &too_many, note);
	}
	if (e == ERR_OK && too_many) {
		*ret = STAGED_TOO_SOON;
	}
	if (e == ERR_OK && *ret == STAGED_MAY_MAIL) {
		e = mail_address_is_held(t, address, l->hold_ms, &is_held, note);
	}
	if (e == ERR_OK && is_held) {
		*ret = STAGED_BOUNCED;
	}
	return e;
}
