/*
 * What the files of `plimsoll user` and `plimsoll mail` share: one run of a command that works on
 * the database, beside a server that runs or without one.
 */
#ifndef PLIMSOLL_CMD_CMD_USER_H
#define PLIMSOLL_CMD_CMD_USER_H

#include "accounts/password.h"
#include "cmd/cmd.h"
#include "cmd/database.h"
#include "core/store/store.h"

struct user_run {
	const struct app *app;
	const struct conf *conf;
	const char *const *words; /* behind the verb */
	struct database database;
	struct sql_db *db; /* of it */
	struct arena arena;
	struct err_note note;
	int lock; /* -1: the server runs and has it */
	const struct cmd_options *options;
};

/* One verb: ERR_OK after printing what was asked, or an error with its reason in note. */
typedef enum err user_fn(struct user_run *r);

struct user_verb {
	const char *name, *arguments;
	unsigned n; /* of arguments */
	bool writes;
	user_fn *run;
};

/* cmd_user.c */

/* Runs the verb that the first word names: the exit code of the command. */
int user_command(const char *command, const struct user_verb *verbs, size_t n,
    const struct app *app, const struct conf *conf, const struct cmd_options *o);
struct txn user_txn(struct user_run *r);
struct slice user_address(const struct user_run *r);
NODISCARD enum err user_begin(struct user_run *r);
/* Commits what went well (e ERR_OK) and undoes the rest. */
NODISCARD enum err user_finish(struct user_run *r, enum err e);
NODISCARD enum err user_hash(struct user_run *r, const char *pass, char out[PASSWORD_HASH_SIZE]);

/* cmd_user_look.c, cmd_user_change.c, cmd_user_many.c */
user_fn user_list, user_show, user_export;
user_fn user_do_verify, user_do_lock, user_do_unlock, user_do_delete, user_do_create,
    user_do_invite, user_do_admin;
user_fn user_import, user_create_many;

#endif
