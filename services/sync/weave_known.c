/*
 * Role: store. Users of the old protocol that are there: their addresses, resets of passwords, and
 * their end.
 */
#include "accounts/outbox.h"
#include "services/sync/db.h"
#include "services/sync/sync_gone.h"
#include "services/sync/weave_changing.h"

enum {
	RESET_MS = 6 * 3600 * 1000 /* so long a code of a reset is good */
};

static enum err set_address(struct weave_changing *c)
{
	struct sql_query *q;
	enum err e = sync_begin(c->t->db, SYNC_WEAVE_USER_ADDRESS, &q, c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address", c->r->address);
	sql_bind_text(q, "username", c->r->name);
	return sql_finish(q);
}

struct seen_address {
	struct slice key, wanted;
	struct arena *arena;
	bool is_verified, any_verified;
};

static void look_at(void *arg, const struct email_row *row)
{
	struct seen_address *s = arg;
	struct slice key;

	s->any_verified = s->any_verified || row->is_verified;
	if (email_key(s->arena, row->address, &key) == ERR_OK && slice_eq(key, s->wanted)) {
		s->is_verified = row->is_verified;
		s->key = key;
	}
}

/* The address of the account that the user was known by; key empty: it has it no longer. */
static enum err see_addresses(struct weave_changing *c, struct seen_address *ret)
{
	*ret = (struct seen_address){ .key = SLICE_EMPTY, .arena = c->t->arena };
	enum err e = email_key(c->t->arena, c->user.address, &ret->wanted);

	return e == ERR_OK ? account_each_email_row(c->t->db, c->account.id, look_at, ret, c->note)
			   : e;
}

enum err weave_set_email(struct weave_changing *c)
{
	struct seen_address old;
	struct slice key = SLICE_EMPTY;
	int64_t owner = 0;
	bool is_gone = false;
	enum err e = email_key(c->t->arena, c->r->address, &key);

	e = e == ERR_OK ? email_owner(c->t->db, key, &owner, c->note) : e;
	if (e == ERR_OK && owner != c->account.id) {
		c->outcome = WEAVE_TAKEN;
		return ERR_OK;
	}
	bool is_new = e == ERR_NOT_FOUND;
	e = is_new ? see_addresses(c, &old) : e;
	if (e == ERR_OK && is_new) {
		e = account_give_unverified(c->t, c->account.id, c->r->address, c->note);
		if (e == ERR_OK && old.key.len > 0 && !old.is_verified) {
			e = account_remove_email(c->t, c->account.id, old.key, &is_gone, c->note);
		}
	}
	return e == ERR_OK ? set_address(c) : e;
}

/* ---- resets ---- */

static enum err send_reset(struct weave_changing *c)
{
	const char *text = arena_printf(c->t->arena,
	    "Somebody, perhaps you, asked for a new password for the Sync user %s.\n\n"
	    "To choose one, open this address within six hours:\n\n%.*s\n\n"
	    "If you did not ask, do nothing: your password stays as it is.\n",
	    c->user.name, SLICE_ARG(c->r->link));
	const struct outbox_mail mail = { .recipient = c->user.address,
		.kind = SLICE("reset"),
		.subject = SLICE("A new password for Sync"),
		.link = c->r->link,
		.site = SLICE_EMPTY,
		.text = slice_str(text),
		.html = SLICE_EMPTY };
	int64_t id = 0;

	return text == NULL ? ERR_MEMORY : outbox_put(c->t, &mail, &id, c->note);
}

/* Whether the limits of all mails allow this one; false: the outcome says why not, if anything. */
static enum err may_mail(struct weave_changing *c, bool *ret, int64_t *ret_mails)
{
	enum staged_limit limit = STAGED_MAY_MAIL;
	enum err e = staged_limits_ask(c->t, &c->r->limits, c->user.address, c->account.id,
	    c->r->code_hash, &limit, ret_mails, c->note);

	if (limit == STAGED_TOO_SOON) {
		c->outcome = WEAVE_TOO_SOON;
	} else if (limit == STAGED_BOUNCED) {
		c->outcome = WEAVE_NO_ADDRESS;
	}
	*ret = e == ERR_OK && limit == STAGED_MAY_MAIL;
	return e;
}

enum err weave_stage_reset(struct weave_changing *c)
{
	struct seen_address now;
	int64_t mails = 0;
	bool may = false;
	enum err e = see_addresses(c, &now);

	if (e == ERR_OK && now.key.len == 0) {
		c->outcome = WEAVE_NO_ADDRESS;
		return ERR_OK;
	}
	e = e == ERR_OK ? may_mail(c, &may, &mails) : e;
	if (e != ERR_OK || !may) {
		return e;
	}
	const struct staged s = { .token_hash = c->r->code_hash,
		.address = c->user.address,
		.kind = STAGED_RESET,
		.account_id = c->account.id,
		.password_hash = SLICE_EMPTY,
		.kdf = { .kind = KDF_PLAIN },
		.created_ms = c->t->now_ms,
		.expires_ms = c->t->now_ms + RESET_MS,
		.mails = mails + 1,
		.test_token = SLICE_EMPTY };
	e = staged_put(c->t, &s, c->note);
	return e == ERR_OK ? send_reset(c) : e;
}

enum err weave_cancel_reset(struct weave_changing *c)
{
	return staged_forget_resets(c->t, c->account.id, c->note);
}

/* ---- the end of a user ---- */

enum err weave_delete_user(struct weave_changing *c)
{
	struct seen_address now;
	struct sql_query *q = NULL;
	enum err e = sync_gone_erase(c->t, c->user.uid, c->note);

	e = e == ERR_OK ? sync_gone_retire(c->t, c->user.uid, c->note) : e;
	e = e == ERR_OK ? sync_begin(c->t->db, SYNC_WEAVE_USER_DELETE, &q, c->note) : e;
	if (e == ERR_OK) {
		sql_bind_text(q, "username", c->r->name);
		e = sql_finish(q);
	}
	e = e == ERR_OK ? see_addresses(c, &now) : e;
	if (e == ERR_OK && !now.any_verified) {
		e = account_delete(c->t, c->account.id, c->note);
	}
	return e;
}
