/*
 * plimsoll migrate: brings the database to this version without starting the service; with --from
 * and --to it copies the data into the other engine. The running server holds the lock of the data
 * folder, so the two cannot meet.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/database.h"
#include "core/role/data_dir.h"
#include "core/store/copy.h"

static enum err migrate(
    const struct app *app, const struct conf *conf, const char *data_dir, struct err_note *note)
{
	struct database d;
	enum err e = database_open(conf, NULL, data_dir, SQL_READ_WRITE, &d, note);

	if (e == ERR_OK) {
		e = database_migrate(app, conf, &d, false, note);
	}
	database_close(&d);
	return e;
}

static void on_table(void *arg, const char *table, int64_t rows)
{
	(void)arg;
	printf("%s: %lld rows\n", table, (long long)rows);
}

static enum err copy(const struct app *app, const struct conf *conf, const char *data_dir,
    const struct cmd_options *o, struct err_note *note)
{
	struct database from = { 0 }, to = { 0 };
	enum err e = database_open(conf, o->from, data_dir, SQL_READ_WRITE, &from, note);

	if (e == ERR_OK) {
		e = database_open(conf, o->to, data_dir, SQL_READ_WRITE, &to, note);
	}
	if (e == ERR_OK) {
		e = database_migrate(app, conf, &from, true, note);
	}
	if (e == ERR_OK) {
		e = database_migrate(app, conf, &to, true, note);
	}
	if (e == ERR_OK) {
		e = sql_copy(from.db, to.db, on_table, NULL, note);
	}
	if (e == ERR_OK && to.target != NULL) {
		e = sql_run(to.db, "ANALYZE", note);
	}
	if (e == ERR_OK) {
		printf("copied; set [store] engine = %s before the next start\n", o->to);
	}
	database_close(&to);
	database_close(&from);
	return e;
}

static bool is_engine(const char *word)
{
	return word != NULL && (strcmp(word, "sqlite") == 0 || strcmp(word, "postgres") == 0);
}

int cmd_migrate(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct err_note note = { 0 };
	char data_dir[4096];
	bool copies = o->from != NULL || o->to != NULL;
	int lock = -1;

	if (copies && (!is_engine(o->from) || !is_engine(o->to) || strcmp(o->from, o->to) == 0)) {
		fprintf(stderr,
		    "plimsoll migrate: a copy needs --from and --to, one of them sqlite "
		    "and the other postgres\n");
		return EXIT_USAGE;
	}
	enum err e = data_dir_open(conf_str(conf, "plimsoll", "data_dir"), data_dir, &lock, &note);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll migrate: %s\n", note.text);
		return e == ERR_EXISTS ? EXIT_IN_USE : EXIT_FAILED;
	}
	e = copies ? copy(app, conf, data_dir, o, &note) : migrate(app, conf, data_dir, &note);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll migrate: %s\n",
		    note.text[0] != '\0' ? note.text : err_text(e));
	}
	close(lock);
	return e == ERR_OK ? EXIT_OK : e == ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}
