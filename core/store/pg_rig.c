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
	char command[128];

	if (r->pid > 0) {
		pg_rig_halt(r, SIGINT);
	}
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	CHECK(system(command) == 0);
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
