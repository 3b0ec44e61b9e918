/*
 * See pg_rig.h.
 */
#include "core/store/pg_rig.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/store/pg_priv.h"

enum {
	LINE_BYTES = 8192,
	LOG_BYTES = 1024 * 1024 /* of the pipe: nobody reads it after the start */
};

static void script_path(char *out, size_t size)
{
	const char *root = getenv("SOURCE_ROOT");

	snprintf(out, size, "%s/test/harness/postgres.sh", root == NULL ? "." : root);
}

static int run_script(const char *word, const char *dir)
{
	char path[4096];
	int status = -1;
	pid_t pid = fork();

	script_path(path, sizeof(path));
	if (pid == 0) {
		execl(path, path, word, dir, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* Reads the server's words until it is ready. */
static bool await_ready(int log)
{
	char text[LINE_BYTES];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = read(log, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, "ready to accept connections") != NULL) {
			return true;
		}
	}
	fprintf(stderr, "%.*s\n", (int)len, text);
	return false;
}

void pg_rig_start(struct pg_rig *r)
{
	char path[4096];
	int fds[2];

	script_path(path, sizeof(path));
	CHECK(pipe(fds) == 0);
	r->pid = fork();
	if (r->pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl(path, path, "run", r->dir, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	CHECK(r->pid > 0);
	fcntl(fds[0], F_SETPIPE_SZ, LOG_BYTES);
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	r->log = fds[0];
	CHECK(await_ready(r->log)); /* the server's words are above */
}

void pg_rig_halt(struct pg_rig *r, int signal)
{
	CHECK(kill(r->pid, signal) == 0);
	CHECK(waitpid(r->pid, NULL, 0) == r->pid);
	close(r->log);
	r->pid = 0;
}

static struct pg_target *target(const struct pg_rig *r, const char *role, enum sql_mode mode)
{
	char url[256];
	struct pg_target *t = NULL;
	struct err_note note = { 0 };

	snprintf(url, sizeof(url), "postgresql://%s@/plimsoll?host=%s/socket", role, r->dir);
	CHECK(pg_target_new(url, "the test's server", mode, &t, &note) == ERR_OK);
	CHECK(pg_target_resolve(t, &note) == ERR_OK);
	return t;
}

void pg_rig_open(struct pg_rig *r)
{
	*r = (struct pg_rig){ 0 };
	snprintf(r->dir, sizeof(r->dir), "/tmp/plimsoll-pg-XXXXXX");
	CHECK(mkdtemp(r->dir) != NULL);
	CHECK(run_script("init", r->dir) == 0); /* is the package postgresql there? */
	pg_rig_start(r);
	r->owner = target(r, "plimsoll", SQL_READ_WRITE);
	r->reader = target(r, "plimsoll_web", SQL_READ_ONLY);
}

void pg_rig_close(struct pg_rig *r)
{
	if (r->pid > 0) {
		pg_rig_halt(r, SIGINT);
	}
	CHECK(run_script("remove", r->dir) == 0);
	pg_target_free(&r->owner);
	pg_target_free(&r->reader);
}

static int64_t ask(struct pg_rig *r, const char *sql)
{
	char info[256];
	PGconn *c;
	PGresult *result;
	int64_t n = -1;

	snprintf(info, sizeof(info), "host=%s/socket user=postgres dbname=plimsoll", r->dir);
	c = PQconnectdb(info);
	result = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(c));
	}
	CHECK(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
	if (PQntuples(result) > 0) {
		n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	}
	PQclear(result);
	PQfinish(c);
	return n;
}

void pg_rig_run(struct pg_rig *r, const char *sql)
{
	(void)ask(r, sql);
}

int64_t pg_rig_number(struct pg_rig *r, const char *sql)
{
	return ask(r, sql);
}

void pg_rig_reset(struct pg_rig *r)
{
	pg_rig_run(r,
	    "SET client_min_messages = warning; DROP SCHEMA public CASCADE;"
	    "CREATE SCHEMA public AUTHORIZATION plimsoll;"
	    "GRANT USAGE ON SCHEMA public TO PUBLIC;"
	    "ALTER DEFAULT PRIVILEGES FOR ROLE plimsoll GRANT SELECT ON TABLES TO plimsoll_web");
}

struct sql_db *pg_rig_session(struct pg_rig *r, enum sql_mode mode)
{
	struct sql_db *db = NULL;
	struct err_note note = { 0 };

	if (pg_open(mode == SQL_READ_WRITE ? r->owner : r->reader, mode, &db, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
	}
	CHECK(db != NULL);
	return db;
}

bool pg_rig_is_wanted(void)
{
	const char *engine = getenv("TEST_ENGINE");

	return engine != NULL && strcmp(engine, "postgres") == 0;
}

/* ---- statements ---- */

static PGconn *connect_as(struct pg_rig *r, const char *role)
{
	char info[256];
	PGconn *c;

	snprintf(info, sizeof(info), "host=%s/socket user=%s dbname=plimsoll", r->dir, role);
	c = PQconnectdb(info);
	CHECK(PQstatus(c) == CONNECTION_OK);
	return c;
}

struct pg_conn_rig *pg_rig_connect(struct pg_rig *r)
{
	return (struct pg_conn_rig *)connect_as(r, "plimsoll");
}

void pg_rig_disconnect(struct pg_conn_rig *c)
{
	PQfinish((PGconn *)c);
}

char *pg_rig_answer(struct pg_conn_rig *c, const char *sql)
{
	PGresult *r = PQexec((PGconn *)c, sql);
	ExecStatusType status = PQresultStatus(r);
	char *answer = NULL;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s\n", sql, PQresultErrorMessage(r));
	}
	CHECK(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
	if (PQntuples(r) > 0) {
		answer = strdup(PQgetvalue(r, 0, 0));
	}
	PQclear(r);
	return answer;
}

static enum pg_rig_type type_of(Oid oid)
{
	enum {
		OID_BYTEA = 17,
		OID_INT8 = 20,
		OID_INT4 = 23,
		OID_TEXT = 25
	};

	CHECK(oid == OID_BYTEA || oid == OID_INT8 || oid == OID_INT4 || oid == OID_TEXT);
	return oid == OID_INT8	 ? PG_RIG_BIGINT
	       : oid == OID_INT4 ? PG_RIG_INTEGER
	       : oid == OID_TEXT ? PG_RIG_TEXT
				 : PG_RIG_BLOB;
}

static void take_types(struct pg_rig_stmt *s, const PGresult *r)
{
	CHECK(PQresultStatus(r) == PGRES_COMMAND_OK && PQnparams(r) == (int)s->n_params);
	s->n_columns = (unsigned)PQnfields(r);
	CHECK(s->n_columns <= SQL_MAX_PARAMS);
	for (unsigned i = 0; i < s->n_params; i++) {
		s->types[i] = type_of(PQparamtype(r, (int)i));
	}
	for (unsigned i = 0; i < s->n_columns; i++) {
		s->columns[i] = type_of(PQftype(r, (int)i));
	}
}

void pg_rig_describe(struct pg_conn_rig *conn, const struct sql_stmt *stmt, struct pg_rig_stmt *ret)
{
	PGconn *c = (PGconn *)conn;
	struct pg_stmts translations = { .n = 0 };
	struct pg_stmt *s = NULL;

	*ret = (struct pg_rig_stmt){ .stmt = stmt };
	CHECK(pg_stmts_find(&translations, stmt, &s, NULL) == ERR_OK);
	ret->n_params = s->n_params;
	for (unsigned i = 0; i < s->n_params; i++) {
		snprintf(ret->names[i], sizeof(ret->names[i]), "%s", s->names[i]);
	}
	ret->text = strdup(s->text);
	PGresult *r = PQprepare(c, "", s->text, 0, NULL);
	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		fprintf(stderr, "%s: %s\n", stmt->name, PQresultErrorMessage(r));
	}
	PQclear(r);
	r = PQdescribePrepared(c, "");
	take_types(ret, r);
	PQclear(r);
	pg_stmts_free(&translations);
}

static struct pg_rig shared;

static void close_shared(void)
{
	pg_rig_close(&shared);
}

struct pg_rig *pg_rig_shared(void)
{
	if (shared.pid == 0) {
		pg_rig_open(&shared);
		CHECK(atexit(close_shared) == 0);
	}
	return &shared;
}
