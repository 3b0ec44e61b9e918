/*
 * See first_link.h. It is made here, before the server starts, because the process that the
 * operator has started is the one whose output the operator reads, and the store's is not.
 */
#include "cmd/first_link.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accounts/accounts.h"
#include "accounts/public_url.h"
#include "cmd/database.h"
#include "core/base/clock.h"
#include "core/role/app.h"
#include "core/role/data_dir.h"
#include "core/store/store_conf.h"
#include "services/identity/identity.h"
#include "services/identity/users.h"

enum {
	ARENA_MAX = 256 * 1024
};

static bool runs_identity(const struct app *app, const struct conf *conf, const char *only)
{
	uint32_t mask = 0;
	struct err_note note = { 0 };

	if (app_services(app, conf, only, &mask, &note) != ERR_OK) {
		return false;
	}
	for (size_t i = 0; i < app->n_services; i++) {
		if (app->services[i] == &identity_service) {
			return (mask & (1u << i)) != 0;
		}
	}
	return false;
}

/* On the own machine the outbox page shows the mail of a sign-up: nobody needs a link there. */
static bool is_development(const struct conf *conf)
{
	struct public_url url;
	struct err_note note = { 0 };

	return public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, &note) ==
		   ERR_OK &&
	       url.is_loopback && conf_str(conf, "mail", "smtp")[0] == '\0' &&
	       strcmp(conf_str(conf, "identity", "signup"), "open") == 0;
}

static enum err make_link(struct sql_db *db, const struct conf *conf, bool is_sqlite,
    char out[FIRST_LINK_TEXT], struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct txn t = { .db = db, .arena = &arena, .now_ms = clock_wall_ms() };
	char until[CLOCK_HTTP_DATE_SIZE];
	const char *link = NULL;
	enum err e = sql_run(db, is_sqlite ? "BEGIN IMMEDIATE" : "BEGIN", note);

	if (e != ERR_OK) {
		return e;
	}
	e = user_first_link(&t, conf, &link, note);
	enum err ended = sql_run(db, e == ERR_OK ? "COMMIT" : "ROLLBACK", note);
	if (e == ERR_OK) {
		e = ended;
	}
	if (e == ERR_OK) {
		int64_t ms = t.now_ms + conf_ms(conf, "identity", "invitation_lifetime");
		clock_http_date(ms / 1000, until);
		(void)snprintf(out, FIRST_LINK_TEXT,
		    "nobody has an account yet: this link makes the administrator's, once, until "
		    "%s\n  %s\n",
		    until, link);
	}
	arena_reset(&arena);
	return e;
}

static enum err ask_database(const struct app *app, const struct conf *conf, const char *data_dir,
    char out[FIRST_LINK_TEXT], struct err_note *note)
{
	struct database d;
	bool is_sqlite = !store_is_postgres(conf);
	enum err e = database_open(conf, NULL, data_dir, SQL_READ_WRITE, &d, note);

	/* PostgreSQL is brought up to date by `plimsoll migrate` alone. */
	if (e == ERR_OK && is_sqlite) {
		e = database_migrate(app, conf, &d, true, note);
	} else if (e == ERR_OK) {
		e = sql_migrated(d.db, accounts_service.name, accounts_service.n_migrations, note);
	}
	if (e == ERR_OK) {
		e = make_link(d.db, conf, is_sqlite, out, note);
	}
	database_close(&d);
	return e;
}

bool first_link(const struct app *app, const struct conf *conf, const char *only_service,
    char out[FIRST_LINK_TEXT])
{
	char data_dir[DATA_DIR_MAX];
	struct err_note note = { 0 };
	int lock = -1;

	if (!runs_identity(app, conf, only_service) || is_development(conf) ||
	    conf_bool(conf, "store", "read_only")) {
		return false;
	}
	/* Somebody has the folder: an upgrade, or a mistake that the supervisor will tell of. */
	if (data_dir_open(conf_str(conf, "plimsoll", "data_dir"), data_dir, &lock, &note) !=
	    ERR_OK) {
		return false;
	}
	enum err e = ask_database(app, conf, data_dir, out, &note);
	(void)close(lock);
	return e == ERR_OK;
}
