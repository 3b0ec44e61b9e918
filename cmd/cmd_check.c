/*
 * plimsoll check: everything that would stop `plimsoll serve`, told before it is started, and what
 * would work but surprise.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "accounts/public_url.h"
#include "cmd/blob_backup.h"
#include "cmd/check_mail.h"
#include "cmd/check_nats.h"
#include "cmd/check_sync.h"
#include "cmd/check_tls.h"
#include "cmd/cmd.h"
#include "cmd/database.h"
#include "core/role/advice.h"
#include "core/role/sandbox.h"
#include "core/store/backup.h"

enum {
	ADVICE_BYTES = 8192
};

/* WebCrypto, which makes the users' keys, exists only on https and loopback. */
static int check_public_url(const struct conf *conf)
{
	const char *text = conf_str(conf, "plimsoll", "public_url");
	struct public_url url;
	struct err_note note = { 0 };

	if (public_url_parse(slice_str(text), &url, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_CONFIG;
	}
	if (!url.is_https && !url.is_loopback) {
		printf("warning: [plimsoll] public_url %s: browsers offer WebCrypto only on https "
		       "and on loopback; people could not sign in there\n",
		    text);
	}
	return check_tls(conf, &url);
}

static int audit_db(const struct app *app, struct sql_db *db)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *s = app->services[i];
		struct err_note note = { 0 };
		if (s->audit != NULL && s->audit(db, &note) != ERR_OK) {
			fprintf(stderr, "%s: %s\n", s->name, note.text);
			code = EXIT_FAILED;
		}
	}
	return code;
}

int cmd_audit(const struct app *app, const char *path)
{
	struct sql_db *db = NULL;
	struct err_note note = { 0 };

	if (sql_open(path, SQL_READ_ONLY, &db, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	int code = audit_db(app, db);
	sql_close(&db);
	return code;
}

/* Files of a kind against the rows that refer to them. */
static int check_blobs(struct sql_db *db, enum blob_kind kind, const char *folder, bool reads_all)
{
	static const char *const who_removes[BLOB_KINDS] = {
		[BLOB_OF_SYMBOLS] = "`plimsoll symbols gc`",
		[BLOB_OF_PICTURES] = "the server removes them in time",
	};
	struct blob_backup blobs = { .command = "check" };
	struct err_note note = { 0 };
	enum err e = blob_backup_check(&blobs, kind, db, folder, reads_all, &note);
	const struct blob_copied *d = &blobs.done[kind];

	if (e != ERR_OK) {
		fprintf(stderr, "%s\n", note.text[0] != '\0' ? note.text : err_text(e));
		return EXIT_FAILED;
	}
	if (d->blobs > 0 || d->unused > 0) {
		printf("%" PRId64 " %s, %" PRId64 " bytes%s", d->blobs, blob_kind_name(kind),
		    d->bytes, reads_all && kind == BLOB_OF_SYMBOLS ? ", all read through" : "");
		if (d->unused > 0) {
			printf("; %" PRId64 " more that nothing refers to (%s)", d->unused,
			    who_removes[kind]);
		}
		printf("\n");
	}
	return EXIT_OK;
}

/* m: of a backup, which may be without some; NULL: of a data folder. */
static int check_all_blobs(
    struct sql_db *db, const char *folder, const struct manifest *m, bool reads_all)
{
	int code = EXIT_OK;

	for (enum blob_kind kind = 0; kind < BLOB_KINDS; kind++) {
		if (m == NULL || blob_kind_count(m, kind) >= 0) {
			int one = check_blobs(db, kind, folder, reads_all);
			code = one == EXIT_OK ? code : one;
		}
	}
	return code;
}

/* Of the database, which may be in use. */
static int audit_data(const struct app *app, const struct conf *conf)
{
	const char *data_dir = conf_str(conf, "plimsoll", "data_dir");
	struct database d;
	struct err_note note = { 0 };

	if (database_open(conf, NULL, data_dir, SQL_READ_ONLY, &d, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	int code = audit_db(app, d.db);
	if (code == EXIT_OK) {
		code = check_all_blobs(d.db, data_dir, NULL, false);
	}
	database_close(&d);
	return code;
}

/* plimsoll check symbols [contents] */
static int check_symbols(const struct conf *conf, const char *word)
{
	const char *data_dir = conf_str(conf, "plimsoll", "data_dir");
	struct database d;
	struct err_note note = { 0 };

	if (word != NULL && strcmp(word, "contents") != 0) {
		fprintf(stderr,
		    "usage: plimsoll check symbols [contents] [-c FILE]; contents: reads all files, "
		    "not only their sizes\n");
		return EXIT_USAGE;
	}
	if (database_open(conf, NULL, data_dir, SQL_READ_ONLY, &d, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	int code = check_blobs(d.db, BLOB_OF_SYMBOLS, data_dir, word != NULL);
	database_close(&d);
	return code;
}

static int audit_copy_blobs(const char *backup, const char *db_path, const struct manifest *m)
{
	struct sql_db *db = NULL;
	struct err_note note = { 0 };

	if (sql_open(db_path, SQL_READ_ONLY, &db, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	int code = check_all_blobs(db, backup, m, true);
	sql_close(&db);
	return code;
}

/* Of a backup, whose files are compared first. */
static int audit_backup(const struct app *app, const char *backup)
{
	struct err_note note = { 0 };
	struct manifest manifest;
	char path[4300];

	if (backup_verify(backup, &manifest, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	snprintf(path, sizeof(path), "%s/" MANIFEST_DB, backup);
	int code = cmd_audit(app, path);
	return code == EXIT_OK ? audit_copy_blobs(backup, path, &manifest) : code;
}

/* What the machine's own settings will do to the server; never a reason to fail. */
static void advise(const struct conf *conf)
{
	const struct host_facts facts = host_facts_read();
	struct buf out = buf_new(ADVICE_BYTES);

	advice_write(&facts, conf, &out);
	printf("%.*s", SLICE_ARG(buf_slice(&out)));
	buf_free(&out);
}

int cmd_check(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct err_note note = { 0 };

	if (o->word != NULL && strcmp(o->word, "sync") == 0 && !o->data) {
		return check_sync(conf, o->n_more > 0 ? o->more[0] : NULL);
	}
	if (o->word != NULL && strcmp(o->word, "symbols") == 0 && !o->data) {
		return check_symbols(conf, o->n_more > 0 ? o->more[0] : NULL);
	}
	if (o->word != NULL && !o->data) {
		fprintf(stderr, "plimsoll check: to check the backup \"%s\" say --data\n", o->word);
		return EXIT_USAGE;
	}
	int code = cmd_check_conf(app, conf, NULL);
	if (code == EXIT_OK) {
		code = check_public_url(conf);
	}
	if (code == EXIT_OK) {
		code = check_mail(conf);
	}
	if (code == EXIT_OK) {
		code = check_nats(conf);
	}
	if (service_verify(app->services, app->n_services, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		code = EXIT_FAILED;
	}
	if (sandbox_available(&note) != ERR_OK) {
		printf("warning: %s; `serve` will start only with --no-sandbox\n", note.text);
	}
	advise(conf);
	if (code == EXIT_OK && o->data) {
		code = o->word == NULL ? audit_data(app, conf) : audit_backup(app, o->word);
	}
	if (code == EXIT_OK) {
		printf(o->data ? "the configuration and the data are good\n"
			       : "the configuration is good\n");
	}
	return code;
}
