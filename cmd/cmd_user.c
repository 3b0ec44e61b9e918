/*
 * plimsoll user: what an operator does with accounts. It works on the database's file, which only
 * its owner can open: so nobody needs a secret or a door of the server, and it makes no difference
 * whether the server runs. If it does not, its lock is taken meanwhile and the database brought to
 * this version. Passwords come on standard input, never on the command line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd_user.h"
#include "core/base/clock.h"
#include "core/role/data_dir.h"

enum {
	ARENA_MAX = 4 * 1024 * 1024
};

struct txn user_txn(struct user_run *r)
{
	return (struct txn){ .db = r->db, .arena = &r->arena, .now_ms = clock_wall_ms() };
}

struct slice user_address(const struct user_run *r)
{
	return slice_str(r->words[0]);
}

enum err user_begin(struct user_run *r)
{
	/* SQLite: at once a writer, so that it waits here and not half-way. */
	return sql_run(r->db, r->database.target == NULL ? "BEGIN IMMEDIATE" : "BEGIN", &r->note);
}

enum err user_finish(struct user_run *r, enum err e)
{
	if (e == ERR_OK) {
		return sql_run(r->db, "COMMIT", &r->note);
	}
	/* Closing the connection would undo it, too. */
	enum err undone = sql_run(r->db, "ROLLBACK", NULL);
	(void)undone;
	return e;
}

enum err user_hash(struct user_run *r, const char *pass, char out[PASSWORD_HASH_SIZE])
{
	unsigned cost = (unsigned)conf_int(r->conf, "accounts", "bcrypt_cost");

	return password_hash(slice_str(pass), cost, out);
}

/* clang-format off */
static const struct user_verb verbs[] = {
	{ "list",        "",        0, false, user_list },
	{ "show",        "ADDRESS", 1, false, user_show },
	{ "verify",      "ADDRESS", 1, true, user_do_verify },
	{ "lock",        "ADDRESS", 1, true, user_do_lock },
	{ "unlock",      "ADDRESS", 1, true, user_do_unlock },
	{ "delete",      "ADDRESS", 1, true, user_do_delete },
	{ "create",      "ADDRESS  (password on standard input)", 1, true, user_do_create },
	{ "invite",      "ADDRESS", 1, true, user_do_invite },
	{ "admin",       "ADDRESS on|off", 2, true, user_do_admin },
	{ "import",      "< FILE",  0, true, user_import },
	{ "export",      "> FILE",  0, false, user_export },
	{ "create-many", "FROM TO", 2, true, user_create_many },
};
/* clang-format on */

static int usage(const char *command, const struct user_verb *all, size_t n)
{
	fprintf(stderr, "plimsoll %s: one of these is needed:\n", command);
	for (size_t i = 0; i < n; i++) {
		fprintf(stderr, "  plimsoll %s %s %s\n", command, all[i].name, all[i].arguments);
	}
	return EXIT_USAGE;
}

static enum err open_database(struct user_run *r, bool writes)
{
	char data_dir[DATA_DIR_MAX];
	const char *configured = conf_str(r->conf, "plimsoll", "data_dir");
	enum err e = data_dir_open(configured, data_dir, &r->lock, &r->note);

	if (e == ERR_EXISTS) {
		r->lock = -1;
		r->note = (struct err_note){ 0 };
		e = realpath(configured, data_dir) != NULL
			? ERR_OK
			: err_note_set(&r->note, ERR_IO, "%s: %s", configured, strerror(errno));
	}
	if (e != ERR_OK) {
		return e;
	}
	bool alone = r->lock >= 0;
	e = database_open(r->conf, NULL, data_dir, writes || alone ? SQL_READ_WRITE : SQL_READ_ONLY,
	    &r->database, &r->note);
	r->db = r->database.db;
	/* Of a server that does not run: nobody else brings the database to this version. */
	return e == ERR_OK && alone
		   ? database_migrate(r->app, r->conf, &r->database, true, &r->note)
		   : e;
}

static int run_verb(const char *command, const struct user_verb *verb, struct user_run *r)
{
	r->arena = arena_new(ARENA_MAX);
	enum err e = open_database(r, verb->writes);
	if (e == ERR_OK) {
		e = verb->run(r);
	}
	database_close(&r->database);
	arena_reset(&r->arena);
	if (r->lock >= 0) {
		(void)close(r->lock);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll %s %s: %s\n", command, verb->name,
		    r->note.text[0] != '\0' ? r->note.text : err_text(e));
		return EXIT_FAILED;
	}
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

int user_command(const char *command, const struct user_verb *all, size_t n, const struct app *app,
    const struct conf *conf, const struct cmd_options *o)
{
	struct user_run r = {
		.app = app, .conf = conf, .words = o->more, .lock = -1, .options = o
	};

	for (size_t i = 0; o->word != NULL && i < n; i++) {
		if (strcmp(o->word, all[i].name) == 0 && o->n_more == all[i].n) {
			return run_verb(command, &all[i], &r);
		}
	}
	return usage(command, all, n);
}

int cmd_user(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	return user_command("user", verbs, sizeof(verbs) / sizeof(verbs[0]), app, conf, o);
}
