/*
 * See database.h.
 */
#include "cmd/database.h"

#include <stdio.h>
#include <string.h>

#include "core/store/pg_grant.h"
#include "core/store/store.h"
#include "core/store/store_conf.h"

static enum err open_postgres(
    const struct conf *conf, enum sql_mode mode, struct database *d, struct err_note *note)
{
	enum err e = store_target(conf, mode, &d->target, note);

	if (e == ERR_OK) {
		e = pg_target_resolve(d->target, note);
	}
	return e == ERR_OK ? pg_open(d->target, mode, &d->db, note) : e;
}

enum err database_open(const struct conf *conf, const char *engine, const char *data_dir,
    enum sql_mode mode, struct database *ret, struct err_note *note)
{
	char path[STORE_PATH_MAX];
	bool is_postgres =
	    engine == NULL ? store_is_postgres(conf) : strcmp(engine, "postgres") == 0;
	enum err e;

	*ret = (struct database){ .db = NULL };
	if (is_postgres) {
		e = open_postgres(conf, mode, ret, note);
	} else {
		e = store_db_path(data_dir, path, sizeof(path));
		e = e == ERR_OK ? sql_open(path, mode, &ret->db, note)
				: err_note_set(note, e, "the path of the data folder is too long");
	}
	if (e != ERR_OK) {
		database_close(ret);
	}
	return e;
}

void database_close(struct database *d)
{
	sql_close(&d->db);
	pg_target_free(&d->target);
}

static enum err grant(
    const struct conf *conf, struct sql_db *db, const char *owner, struct err_note *note)
{
	struct pg_target *reader = NULL;
	bool may_write = false;
	enum err e = store_target(conf, SQL_READ_ONLY, &reader, note);

	if (e == ERR_OK) {
		e = pg_grant_reader(db, pg_target_user(reader), &may_write, note);
	}
	if (e == ERR_OK && may_write) {
		fprintf(stderr,
		    "warning: [store] read_url: the role \"%s\" may change tables%s; web processes "
		    "should not be able to\n",
		    pg_target_user(reader),
		    strcmp(owner, pg_target_user(reader)) == 0 ? ", as it owns them" : "");
	}
	pg_target_free(&reader);
	return e;
}

enum err database_migrate(const struct app *app, const struct conf *conf, struct database *d,
    bool quiet, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < app->n_services; i++) {
		const struct service *s = app->services[i];
		e = sql_migrate(d->db, s->name, s->migrations, s->n_migrations, note);
		if (e == ERR_OK && s->n_migrations > 0 && !quiet) {
			printf("%s: at version %u\n", s->name, s->n_migrations);
		}
	}
	if (e == ERR_OK && d->target != NULL) {
		e = grant(conf, d->db, pg_target_user(d->target), note);
	}
	return e;
}
