/*
 * plimsoll mail: what an operator and his mail server do about mail. Like `plimsoll user` it works
 * on the database itself, so a mail server's pipe needs no secret and no listener.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "accounts/account.h"
#include "accounts/mail_address.h"
#include "accounts/outbox.h"
#include "accounts/public_url.h"
#include "cmd/cmd_user.h"
#include "core/base/clock.h"
#include "services/identity/mail.h"

enum {
	TEST_WAIT_MS = 60 * 1000,
	TEST_LOOK_MS = 200
};

/* ---- bounce ---- */

static enum err take_bounce(struct user_run *r, const struct bounce *b)
{
	static const char *const told[BOUNCE_EFFECTS] = {
		[BOUNCE_UNKNOWN] = "nothing to do: that address has been answered since",
		[BOUNCE_COUNTED] = "counted",
		[BOUNCE_MARKED] = "the address gets no more mails for a while",
	};
	enum bounce_effect effect = BOUNCE_UNKNOWN;
	enum err e = user_begin(r);

	if (e != ERR_OK) {
		return e;
	}
	struct txn t = user_txn(r);
	e = user_finish(r, mail_address_bounced(&t, b, &effect, &r->note));
	if (e == ERR_OK) {
		printf("%s %s: %s\n", b->status, b->told, told[effect]);
	}
	return e;
}

static enum err read_bounce(struct user_run *r, struct slice return_path)
{
	struct buf message = buf_new(BOUNCE_MESSAGE_MAX);
	struct bounce b = { .is_permanent = false };
	/* What is longer than the maximum is the forwarded mail, at the end of the report. */
	enum err e = buf_read_all(&message, STDIN_FILENO);

	if (e == ERR_OK || e == ERR_LIMIT) {
		e = bounce_parse(buf_slice(&message), return_path, &b, &r->note);
	}
	buf_free(&message);
	if (e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED) {
		printf("nothing to do: %s\n", r->note.text);
		return ERR_OK;
	}
	return e == ERR_OK ? take_bounce(r, &b) : e;
}

static enum err bounce(struct user_run *r)
{
	return read_bounce(r, SLICE_EMPTY);
}

static enum err bounce_to(struct user_run *r)
{
	return read_bounce(r, slice_str(r->words[0]));
}

/* ---- forget ---- */

static enum err forget(struct user_run *r)
{
	struct slice key;
	enum err e = email_key(&r->arena, user_address(r), &key);

	if (e == ERR_OK) {
		e = user_begin(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	struct txn t = user_txn(r);
	return user_finish(r, mail_address_forget(&t, key, &r->note));
}

/* ---- test ---- */

static enum err put_test(struct user_run *r, int64_t *ret_id)
{
	struct public_url url;
	struct outbox_mail mail;
	enum err e = public_url_parse(
	    slice_str(conf_str(r->conf, "plimsoll", "public_url")), &url, &r->note);

	if (e != ERR_OK) {
		return e;
	}
	const struct mail_request request = { .kind = MAIL_TEST,
		.recipient = user_address(r),
		.public_origin = slice_str(url.origin),
		.site = slice_str(url.origin) };
	e = mail_compose(&r->arena, &request, &mail);
	if (e == ERR_OK) {
		e = user_begin(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	struct txn t = user_txn(r);
	return user_finish(r, outbox_put(&t, &mail, ret_id, &r->note));
}

/* Until the mail is sent, refused or delayed; what the mail server said about it in words. */
static enum err wait_for(
    struct user_run *r, int64_t id, enum outbox_state *ret, struct slice *ret_words)
{
	int64_t end_ms = clock_wall_ms() + TEST_WAIT_MS;
	enum err e = ERR_OK;

	*ret = OUTBOX_QUEUED;
	*ret_words = SLICE_EMPTY;
	while (e == ERR_OK && *ret == OUTBOX_QUEUED && ret_words->len == 0 &&
	       clock_wall_ms() < end_ms) {
		poll(NULL, 0, TEST_LOOK_MS);
		e = outbox_state(r->db, &r->arena, id, ret, ret_words, &r->note);
	}
	return e;
}

static enum err test(struct user_run *r)
{
	enum outbox_state state = OUTBOX_QUEUED;
	struct slice words = SLICE_EMPTY;
	int64_t id = 0;

	if (memchr(r->words[0], '@', strlen(r->words[0])) == NULL) {
		return err_note_set(
		    &r->note, ERR_INVALID, "\"%s\" is no e-mail address", r->words[0]);
	}
	enum err e = put_test(r, &id);
	if (e == ERR_OK) {
		e = wait_for(r, id, &state, &words);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && state == OUTBOX_SENT)) {
		printf("the mail server has taken it\n");
		return ERR_OK;
	}
	if (e == ERR_OK && state == OUTBOX_KEPT) {
		printf("[mail] smtp is empty: the mail stands in the outbox of the admin "
		       "listener\n");
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	return words.len > 0 ? err_note_set(&r->note, ERR_IO, "%.*s", SLICE_ARG(words))
			     : err_note_set(&r->note, ERR_DEADLINE,
				   "nobody has sent it for a minute; does the server run?");
}

static const struct user_verb verbs[] = {
	{ "test", "ADDRESS", 1, true, test },
	{ "bounce", "< MESSAGE", 0, true, bounce },
	{ "bounce", "RETURN-PATH < MESSAGE", 1, true, bounce_to },
	{ "forget", "ADDRESS", 1, true, forget },
};

int cmd_mail(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	int code = user_command("mail", verbs, sizeof(verbs) / sizeof(verbs[0]), app, conf, o);

	/* What a mail server's pipe takes for "try again later" (sysexits.h, as Postfix reads it).
	 */
	return code == EXIT_FAILED && strcmp(o->word, "bounce") == 0 ? EX_TEMPFAIL : code;
}
