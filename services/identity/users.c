/*
 * The operator's changes of accounts.
 */
#include "services/identity/users.h"

#include "accounts/public_url.h"
#include "accounts/staged.h"
#include "core/base/rng.h"
#include "services/identity/mail.h"
#include "services/identity/param_type.h"

static enum err find(
    struct txn *t, struct slice address, struct account *ret, struct err_note *note)
{
	struct slice key;
	enum err e = email_key(t->arena, address, &key);

	if (e == ERR_OK) {
		e = account_by_address(t->db, t->arena, key, ret, note);
	}
	return e == ERR_NOT_FOUND || e == ERR_LIMIT
		   ? err_note_set(
			 note, ERR_NOT_FOUND, "no account has the address %.*s", SLICE_ARG(address))
		   : e;
}

/* An address that is one, and that nobody has. */
static enum err check_free(struct txn *t, struct slice address, struct err_note *note)
{
	struct slice key;
	int64_t owner = 0;

	if (!email_is_valid(address)) {
		return err_note_set(
		    note, ERR_INVALID, "\"%.*s\" is no e-mail address", SLICE_ARG(address));
	}
	enum err e = email_key(t->arena, address, &key);
	if (e == ERR_OK) {
		e = email_owner(t->db, key, &owner, note);
	}
	if (e == ERR_OK) {
		return err_note_set(note, ERR_EXISTS, "account %lld has the address %.*s",
		    (long long)owner, SLICE_ARG(address));
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err user_create(struct txn *t, struct slice address, struct slice password_hash,
    int64_t *ret_id, struct err_note *note)
{
	static const struct kdf plain = { .kind = KDF_PLAIN };
	enum err e = check_free(t, address, note);

	if (e == ERR_OK) {
		e = account_create(t, password_hash, &plain, ret_id, note);
	}
	return e == ERR_OK ? account_give_email(t, *ret_id, address, false, note) : e;
}

static enum err mail_invitation(struct txn *t, const struct conf *conf, struct slice address,
    const char *token, const char *origin, const char **ret_link, struct err_note *note)
{
	const struct mail_request request = {
		.kind = MAIL_INVITE,
		.recipient = address,
		.token = slice_str(token),
		.public_origin = slice_str(origin),
		.site = slice_str(origin),
		.lifetime_ms = conf_ms(conf, "identity", "invitation_lifetime"),
	};
	struct outbox_mail mail;
	int64_t mail_id = 0;
	enum err e = mail_compose(t->arena, &request, &mail);

	if (e == ERR_OK && conf_str(conf, "mail", "smtp")[0] != '\0') {
		e = outbox_put(t, &mail, &mail_id, note);
	}
	if (e == ERR_OK) {
		*ret_link = arena_printf(t->arena, "%.*s", SLICE_ARG(mail.link));
		e = *ret_link == NULL ? ERR_MEMORY : ERR_OK;
	}
	return e;
}

/* Stages a new account whose password is chosen by whoever has the token. */
static enum err stage_chosen(struct txn *t, const struct conf *conf, struct slice address,
    char token[TOKEN_LEN + 1], struct err_note *note)
{
	char hash[TOKEN_HASH_HEX + 1];

	rng_token(token, TOKEN_LEN);
	enum err e = token_hash(slice_str(token), hash);
	if (e != ERR_OK) {
		return e;
	}
	const struct staged staged = {
		.token_hash = slice_str(hash),
		.address = address,
		.kind = STAGED_NEW,
		.created_ms = t->now_ms,
		.expires_ms = t->now_ms + conf_ms(conf, "identity", "invitation_lifetime"),
		.mails = 1,
	};
	return staged_put(t, &staged, note);
}

static enum err own_url(const struct conf *conf, struct public_url *ret, struct err_note *note)
{
	return public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), ret, note);
}

enum err user_invite(struct txn *t, const struct conf *conf, struct slice address,
    const char **ret_link, struct err_note *note)
{
	char token[TOKEN_LEN + 1];
	struct public_url url;
	enum err e = check_free(t, address, note);

	if (e == ERR_OK) {
		e = own_url(conf, &url, note);
	}
	if (e == ERR_OK) {
		e = stage_chosen(t, conf, address, token, note);
	}
	return e == ERR_OK ? mail_invitation(t, conf, address, token, url.origin, ret_link, note)
			   : e;
}

enum err user_first_link(
    struct txn *t, const struct conf *conf, const char **ret_link, struct err_note *note)
{
	char token[TOKEN_LEN + 1];
	struct public_url url;
	struct account somebody;
	enum err e = account_after(t->db, t->arena, 0, &somebody, note);

	if (e != ERR_NOT_FOUND) {
		return e == ERR_OK ? ERR_EXISTS : e;
	}
	e = own_url(conf, &url, note);
	if (e == ERR_OK) {
		e = stage_chosen(t, conf, SLICE(STAGED_FIRST), token, note);
	}
	if (e == ERR_OK) {
		*ret_link = arena_printf(t->arena, "%s/first_account?token=%s", url.origin, token);
		e = *ret_link == NULL ? ERR_MEMORY : ERR_OK;
	}
	return e;
}

enum err user_admin(struct txn *t, struct slice address, bool is_admin, struct err_note *note)
{
	struct account a;
	enum err e = find(t, address, &a, note);

	return e == ERR_OK ? account_set_admin(t, a.id, is_admin, note) : e;
}

enum err user_verify(struct txn *t, struct slice address, struct err_note *note)
{
	struct account a;
	enum err e = find(t, address, &a, note);

	return e == ERR_OK ? account_give_email(t, a.id, a.address, a.is_primary, note) : e;
}

enum err user_lock(struct txn *t, struct slice address, bool is_locked, struct err_note *note)
{
	struct account a;
	enum err e = find(t, address, &a, note);

	return e == ERR_OK ? account_lock(t, &a, is_locked, note) : e;
}

enum err user_delete(struct txn *t, struct slice address, struct err_note *note)
{
	struct account a;
	enum err e = find(t, address, &a, note);

	return e == ERR_OK ? account_delete(t, a.id, note) : e;
}
