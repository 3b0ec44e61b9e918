/*
 * plimsoll user verify, lock, unlock, delete, create, invite, admin: one account.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/cmd_user.h"
#include "services/identity/users.h"

static enum err change(struct user_run *r,
    enum err (*fn)(struct txn *t, struct slice address, struct err_note *note), const char *done)
{
	struct txn t = user_txn(r);
	enum err e = user_begin(r);

	if (e == ERR_OK) {
		e = user_finish(r, fn(&t, user_address(r), &r->note));
	}
	if (e == ERR_OK) {
		printf("%s: %s\n", r->words[0], done);
	}
	return e;
}

static enum err lock_account(struct txn *t, struct slice address, struct err_note *note)
{
	return user_lock(t, address, true, note);
}

static enum err unlock_account(struct txn *t, struct slice address, struct err_note *note)
{
	return user_lock(t, address, false, note);
}

enum err user_do_verify(struct user_run *r)
{
	return change(r, user_verify, "verified");
}

enum err user_do_lock(struct user_run *r)
{
	return change(r, lock_account, "locked; its sessions are over");
}

enum err user_do_unlock(struct user_run *r)
{
	return change(r, unlock_account, "unlocked");
}

enum err user_do_delete(struct user_run *r)
{
	return change(r, user_delete, "deleted");
}

static enum err make_admin(struct txn *t, struct slice address, struct err_note *note)
{
	return user_admin(t, address, true, note);
}

static enum err make_usual(struct txn *t, struct slice address, struct err_note *note)
{
	return user_admin(t, address, false, note);
}

enum err user_do_admin(struct user_run *r)
{
	if (strcmp(r->words[1], "on") == 0) {
		return change(r, make_admin, "an administrator now");
	}
	return strcmp(r->words[1], "off") == 0 ? change(r, make_usual, "no administrator any more")
					       : err_note_set(&r->note, ERR_INVALID,
						     "\"%s\" is neither on nor off", r->words[1]);
}

enum err user_do_invite(struct user_run *r)
{
	struct txn t = user_txn(r);
	const char *link = NULL;
	enum err e = user_begin(r);

	if (e == ERR_OK) {
		e = user_finish(r, user_invite(&t, r->conf, user_address(r), &link, &r->note));
	}
	if (e == ERR_OK) {
		printf("%s\n", link);
	}
	return e;
}

/* One line of standard input, not shown while it is typed. */
static enum err read_password(struct user_run *r, char *out, size_t size)
{
	struct termios before, hidden;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;

	if (is_terminal) {
		hidden = before;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fprintf(stderr, "Password: ");
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	bool good = fgets(out, (int)size, stdin) != NULL;
	if (is_terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fprintf(stderr, "\n");
	}
	if (good) {
		out[strcspn(out, "\n")] = '\0';
	}
	return good && strlen(out) >= 8
		   ? ERR_OK
		   : err_note_set(&r->note, ERR_INVALID,
			 "the password (a line of standard input) must have 8 to 80 characters");
}

enum err user_do_create(struct user_run *r)
{
	char pass[PASSWORD_MAX_BYTES + 2], hash[PASSWORD_HASH_SIZE];
	struct txn t = user_txn(r);
	int64_t id = 0;
	enum err e = read_password(r, pass, sizeof(pass));

	if (e == ERR_OK) {
		e = user_hash(r, pass, hash);
	}
	OPENSSL_cleanse(pass, sizeof(pass));
	if (e == ERR_OK) {
		e = user_begin(r);
	}
	if (e == ERR_OK) {
		e = user_finish(
		    r, user_create(&t, user_address(r), slice_str(hash), &id, &r->note));
	}
	if (e == ERR_OK) {
		printf("%s: account %lld\n", r->words[0], (long long)id);
	}
	return e;
}
