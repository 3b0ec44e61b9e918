/*
 * plimsoll restore DIR: verifies a backup and puts it into the data folder of the configuration.
 * The lock of the data folder keeps it from a running server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/blob_backup.h"
#include "cmd/cmd.h"
#include "core/role/data_dir.h"
#include "core/store/backup.h"
#include "core/store/restore.h"
#include "core/store/store_conf.h"
#include "core/store/sql.h"

struct anonymise {
	const struct app *app;
	const char *password; /* or NULL */
};

static enum err anonymise(void *arg, const char *db_path, struct err_note *note)
{
	const struct anonymise *a = arg;
	struct sql_db *db = NULL;
	enum err e = sql_open(db_path, SQL_READ_WRITE, &db, note);

	/* An older backup may lack tables or columns that the services know. */
	for (size_t i = 0; e == ERR_OK && i < a->app->n_services; i++) {
		const struct service *s = a->app->services[i];
		e = sql_migrate(db, s->name, s->migrations, s->n_migrations, note);
	}
	for (size_t i = 0; e == ERR_OK && i < a->app->n_services; i++) {
		const struct service *s = a->app->services[i];
		e = s->anonymise == NULL ? ERR_OK : s->anonymise(db, a->password, note);
	}
	sql_close(&db);
	return e;
}

static int64_t known_schema(const struct app *app, const char *service)
{
	for (size_t i = 0; i < app->n_services; i++) {
		if (strcmp(app->services[i]->name, service) == 0) {
			return app->services[i]->n_migrations;
		}
	}
	return 0;
}

/* A database that is newer than this program would be refused at the start: better now. */
static enum err fits(const struct app *app, const struct manifest *m, struct err_note *note)
{
	for (unsigned i = 0; i < m->n_schemas; i++) {
		const struct manifest_schema *s = &m->schemas[i];
		if (s->number > known_schema(app, s->service)) {
			return err_note_set(note, ERR_CONFIG,
			    "the backup is of plimsoll %s and newer than this program: %s is at "
			    "version %" PRId64 ", known here is %" PRId64,
			    m->version, s->service, s->number, known_schema(app, s->service));
		}
	}
	return ERR_OK;
}

static enum err put_back(const struct app *app, const struct cmd_options *o, const char *data_dir,
    const struct manifest *m, struct blob_backup *blobs, struct err_note *note)
{
	struct anonymise a = { app, o->password };
	const struct restore r = { .folder = o->word,
		.data_dir = data_dir,
		.manifest = m,
		.new_keys = o->anonymise,
		.change = o->anonymise ? anonymise : NULL,
		.arg = &a };

	if (restore_would_replace(data_dir) && !o->force) {
		return err_note_set(note, ERR_EXISTS,
		    "%s holds data already; --force replaces it for good", data_dir);
	}
	/* Before the rows that refer to them; beside old ones they do no harm. */
	enum err e = o->without_blobs
			 ? ERR_OK
			 : blob_backup_restore(blobs, o->word, data_dir, !o->anonymise, note);
	return e == ERR_OK ? restore_run(&r, note) : e;
}

static int failed(const struct err_note *note, int code)
{
	fprintf(stderr, "plimsoll restore: %s\n", note->text);
	return code;
}

static void tell_blobs(
    const struct manifest *m, const struct blob_backup *blobs, enum blob_kind kind)
{
	const struct blob_copied *d = &blobs->done[kind];
	const char *name = blob_kind_name(kind);

	if (blob_kind_count(m, kind) < 0) {
		printf("the backup is without the %s: those of the data folder stay\n", name);
	} else if (d->blobs > 0) {
		printf("%" PRId64 " %s: %" PRId64 " copied, %" PRId64 " were there\n",
		    d->blobs - d->lost, name, d->copied, d->there);
	}
	if (d->lost > 0) {
		printf("%" PRId64 " %s were lost before the backup was made, or in it: see above; "
		       "an upload of the same brings them back\n",
		    d->lost, name);
	}
}

static void tell(const struct cmd_options *o, const struct manifest *m, const char *data_dir)
{
	printf("%s: restored from %s, made by plimsoll %s\n", data_dir, o->word, m->version);
	if (o->anonymise) {
		printf("people are user-N@example.invalid; %s; keys are made at the start\n",
		    o->password == NULL ? "nobody's password is known"
					: "everybody has the password given");
	} else if (!manifest_has_keys(m)) {
		printf(
		    "the backup has no keys: those of the data folder stay, or new ones are made "
		    "at the start, and then everybody is signed out\n");
	}
}

int cmd_restore(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct err_note note = { 0 };
	struct manifest m;
	char data_dir[DATA_DIR_MAX];
	int lock = -1;

	if (o->word == NULL || (o->password != NULL && !o->anonymise)) {
		fprintf(stderr,
		    "usage: plimsoll restore DIR [--force] [--anonymise [--password TEXT]] [--without-blobs] [-c FILE]\n");
		return EXIT_USAGE;
	}
	if (store_is_postgres(conf)) {
		fprintf(stderr,
		    "plimsoll restore: with [store] engine = postgres the data is the server's: use "
		    "pg_dump and pg_restore, and copy the folders keys and blobs\n");
		return EXIT_FAILED;
	}
	if (backup_verify(o->word, &m, &note) != ERR_OK || fits(app, &m, &note) != ERR_OK) {
		return failed(&note, EXIT_FAILED);
	}
	enum err e =
	    data_dir_open_any(conf_str(conf, "plimsoll", "data_dir"), data_dir, &lock, &note);
	if (e != ERR_OK) {
		return failed(&note, e == ERR_EXISTS ? EXIT_IN_USE : EXIT_FAILED);
	}
	struct blob_backup blobs = { .command = "restore" };
	e = put_back(app, o, data_dir, &m, &blobs, &note);
	close(lock);
	if (e != ERR_OK) {
		return failed(&note, EXIT_FAILED);
	}
	tell(o, &m, data_dir);
	for (enum blob_kind kind = 0; !o->without_blobs && kind < BLOB_KINDS; kind++) {
		tell_blobs(&m, &blobs, kind);
	}
	return EXIT_OK;
}
