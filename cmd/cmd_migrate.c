/*
 * plimsoll migrate: brings the database to this version without starting the service. The running
 * server holds the lock of the data folder, so the two cannot meet.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "core/role/data_dir.h"
#include "core/store/sql.h"

static enum err migrate_all(const struct app *app, const char *path, struct err_note *note)
{
	struct sql_db *db = NULL;
	enum err e = sql_open(path, SQL_READ_WRITE, &db, note);

	for (size_t i = 0; e == ERR_OK && i < app->n_services; i++) {
		const struct service *s = app->services[i];
		e = sql_migrate(db, s->name, s->migrations, s->n_migrations, note);
		if (e == ERR_OK && s->n_migrations > 0) {
			printf("%s: at version %u\n", s->name, s->n_migrations);
		}
	}
	sql_close(&db);
	return e;
}

int cmd_migrate(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct err_note note = { 0 };
	char data_dir[4096], path[4200];
	int lock = -1;

	(void)o;
	enum err e = data_dir_open(conf_str(conf, "plimsoll", "data_dir"), data_dir, &lock, &note);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll migrate: %s\n", note.text);
		return e == ERR_EXISTS ? EXIT_IN_USE : EXIT_FAILED;
	}
	snprintf(path, sizeof(path), "%s/db/plimsoll.db", data_dir);
	e = migrate_all(app, path, &note);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll migrate: %s\n", note.text);
	}
	close(lock);
	return e == ERR_OK ? EXIT_OK : EXIT_FAILED;
}
