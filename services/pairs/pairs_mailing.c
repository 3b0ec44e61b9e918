/*
 * See pairs_mailing.h.
 */
#include "services/pairs/pairs_mailing.h"

#include "accounts/account.h"
#include "accounts/mail_address.h"

enum err pairs_check_mail(struct pairs_write *w)
{
	struct slice key = SLICE_EMPTY;
	struct mail_address last;
	bool is_held = false;
	enum err e = email_key(w->t->arena, w->r->address, &key);

	if (e == ERR_OK) {
		e = mail_address_find(w->t->db, w->t->arena, key, &last, w->note);
	}
	if (e == ERR_OK && w->t->now_ms < last.mailed_ms + w->r->interval_ms) {
		return pairs_refuse(w, PAIRS_TOO_SOON);
	}
	if (e == ERR_OK || e == ERR_NOT_FOUND) {
		e = mail_address_is_held(w->t, w->r->address, w->r->hold_ms, &is_held, w->note);
	}
	return e == ERR_OK && is_held ? pairs_refuse(w, PAIRS_HELD) : e;
}

enum err pairs_put_mail(struct pairs_write *w, struct slice kind, struct slice text)
{
	const struct outbox_mail mail = { .recipient = w->r->address,
		.kind = kind,
		.subject = w->r->mail_subject,
		.link = slice_eq(kind, w->r->mail_kind) ? w->r->mail_link : SLICE_EMPTY,
		.site = SLICE_EMPTY,
		.text = text,
		.html = SLICE_EMPTY,
		.error = SLICE_EMPTY,
		.verp = SLICE_EMPTY };
	int64_t id = 0;

	return outbox_put(w->t, &mail, &id, w->note);
}

/* ---- in web ---- */

static const char sign_up_text[] =
    "Welcome!\n\n"
    "Please confirm your address by following this link:\n\n"
    "    %s\n\n"
    "If you have not signed up, somebody has mistyped theirs: do nothing.\n";

static const char known_text[] =
    "Somebody, perhaps you, wanted to sign up with this address. It has an account already:\n"
    "please log in, or ask for a new password if you have forgotten it.\n\n"
    "    %s\n\n"
    "If it was not you, do nothing.\n";

static const char invite_text[] = "%.*s invites you to be the other half of a couple.\n\n"
				  "Sign up or log in with this address, then follow this link:\n\n"
				  "    %s\n\n"
				  "If you do not know who that is, do nothing.\n";

/* What a first name may do in a subject: nothing. */
static struct slice one_line(struct arena *arena, struct slice name)
{
	struct slice copy = SLICE_EMPTY;

	if (name.len == 0) {
		return SLICE("Somebody");
	}
	if (arena_copy(arena, name, &copy) != ERR_OK) {
		return SLICE_EMPTY;
	}
	struct buf *clean = arena_buf(arena, copy.len + 1);
	for (size_t i = 0; clean != NULL && i < copy.len; i++) {
		bool is_control = (unsigned char)copy.ptr[i] < ' ' || copy.ptr[i] == 127;
		buf_append_char(clean, is_control ? ' ' : copy.ptr[i]);
	}
	return clean == NULL ? SLICE_EMPTY : buf_slice(clean);
}

enum err pairs_compose(struct arena *arena, enum pairs_mail mail, const char *app_url,
    const char *token, struct slice who, struct pairs_change_req *r)
{
	bool is_invite = mail == PAIRS_MAIL_INVITE;
	struct slice name = one_line(arena, who);
	const char *link =
	    arena_printf(arena, "%s#%s=%s", app_url, is_invite ? "invite" : "verify", token);

	if (link == NULL) {
		return ERR_MEMORY;
	}
	const char *text = is_invite ? arena_printf(arena, invite_text, SLICE_ARG(name), link)
				     : arena_printf(arena, sign_up_text, link);
	const char *known = is_invite ? "" : arena_printf(arena, known_text, app_url);
	const char *subject = is_invite ? arena_printf(arena, "%.*s invites you", SLICE_ARG(name))
					: "Confirm your address";
	if (text == NULL || known == NULL || subject == NULL) {
		return ERR_MEMORY;
	}
	r->mail_kind = is_invite ? SLICE("pairs-invite") : SLICE("pairs-signup");
	r->mail_subject = slice_str(subject);
	r->mail_link = slice_str(link);
	r->mail_text = slice_str(text);
	r->mail_html = SLICE_EMPTY;
	r->text = slice_str(known);
	return ERR_OK;
}
