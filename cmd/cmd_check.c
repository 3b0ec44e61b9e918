/*
 * plimsoll check: everything that would stop `plimsoll serve`, told before it is started, and what
 * would work but surprise.
 */
#include <stdio.h>
#include <string.h>

#include "accounts/public_url.h"
#include "cmd/check_mail.h"
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
	database_close(&d);
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
	return cmd_audit(app, path);
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
