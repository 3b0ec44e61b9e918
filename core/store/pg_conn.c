/*
 * One connection to PostgreSQL. It is always in libpq's pipeline mode: what belongs to a statement
 * (BEGIN, PREPARE, EXECUTE) is sent in one flight and answered up to the next sync.
 *
 * A caller that gives up (its client left, its deadline passed) leaves answers under way. They are
 * read on in the background, and a ROLLBACK is sent after them, so that a flood of clients that
 * leave does not become a flood of new connections.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/pg_priv.h"

/* What a flight has brought so far. */
struct answer {
	PGresult *last, *error;
	unsigned done; /* commands that succeeded */
};

/* ---- connect ---- */

static void ignore_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static enum err connect_now(struct pg_conn *c, int64_t deadline_us, struct err_note *note)
{
	const struct pg_target *t = c->pool->o.target;
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (PQstatus(c->handle) != CONNECTION_BAD) {
		int events = status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE;
		enum err e = pg_socket_wait(c, events, deadline_us);

		if (c->watch != NULL) {
			pg_socket_watch(c, 0); /* libpq may close the socket and open another */
		}
		if (e != ERR_OK) {
			return err_note_set(note, e, "%s: %s does not answer", t->what, t->where);
		}
		status = PQconnectPoll(c->handle);
		if (status == PGRES_POLLING_OK) {
			return ERR_OK;
		}
		if (status == PGRES_POLLING_FAILED) {
			break;
		}
	}
	return pg_conn_error(c->handle, t->what, note);
}

/* What must be so for our statements to mean what they say. */
static enum err check_server(struct pg_conn *c, struct err_note *note)
{
	enum {
		OLDEST = 120000
	};
	const char *encoding = PQparameterStatus(c->handle, "server_encoding");
	const char *what = c->pool->o.target->what;

	if (encoding == NULL || strcmp(encoding, "UTF8") != 0) {
		return err_note_set(note, ERR_CONFIG,
		    "%s: the database has encoding %s; it must be UTF8", what,
		    encoding == NULL ? "unknown" : encoding);
	}
	if (PQserverVersion(c->handle) < OLDEST) {
		return err_note_set(
		    note, ERR_CONFIG, "%s: the server is older than PostgreSQL 12", what);
	}
	return ERR_OK;
}

enum err pg_conn_open(struct pg_conn *c, int64_t deadline_us, struct err_note *note)
{
	const struct pg_target *t = c->pool->o.target;
	enum err e = ERR_MEMORY;

	CHECK(c->state == PG_CLOSED && t->resolved);
	c->handle = PQconnectStartParams(t->keys, t->values, 0);
	if (c->handle == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for a database connection");
	}
	c->state = PG_CONNECTING;
	PQsetNoticeProcessor(c->handle, ignore_notice, NULL);
	e = connect_now(c, deadline_us, note);
	if (e == ERR_OK) {
		e = check_server(c, note);
	}
	if (e == ERR_OK &&
	    (PQsetnonblocking(c->handle, 1) != 0 || PQenterPipelineMode(c->handle) != 1)) {
		e = pg_conn_error(c->handle, t->what, note);
	}
	if (e != ERR_OK) {
		pg_conn_close(c);
		return e;
	}
	c->syncs = 0;
	c->broken = false;
	memset(c->prepared, 0, sizeof(c->prepared));
	return ERR_OK;
}

void pg_conn_rest(struct pg_conn *c)
{
	if (c->pool->o.loop != NULL) {
		pg_socket_watch(c, UV_READABLE);
	}
}

void pg_conn_close(struct pg_conn *c)
{
	pg_socket_forget(c);
	PQfinish(c->handle);
	c->handle = NULL;
	list_remove(&c->node);
	c->state = PG_CLOSED;
}

/* ---- flights ---- */

static void take_result(struct pg_conn *c, struct answer *a, PGresult *r)
{
	switch (PQresultStatus(r)) {
	case PGRES_PIPELINE_SYNC:
		c->syncs--;
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		PQclear(a->last);
		a->last = r;
		a->done++;
		return;
	case PGRES_PIPELINE_ABORTED:
		break;
	case PGRES_FATAL_ERROR:
	case PGRES_BAD_RESPONSE:
	case PGRES_EMPTY_QUERY:
	case PGRES_COPY_OUT:
	case PGRES_COPY_IN:
	case PGRES_COPY_BOTH:
	case PGRES_NONFATAL_ERROR:
	case PGRES_SINGLE_TUPLE:
	default:
		if (a->error == NULL) {
			a->error = r;
			return;
		}
	}
	PQclear(r);
}

/* Takes the results that are there. False: the connection is gone. */
static bool read_results(struct pg_conn *c, struct answer *a)
{
	enum {
		NULLS_MAX = 3 /* one stands between two commands */
	};
	unsigned nulls = 0;

	while (c->syncs > 0 && PQisBusy(c->handle) == 0) {
		PGresult *r = PQgetResult(c->handle);

		nulls = r == NULL ? nulls + 1 : 0;
		if (r != NULL) {
			take_result(c, a, r);
		} else if (nulls > NULLS_MAX || PQstatus(c->handle) == CONNECTION_BAD) {
			return false;
		}
	}
	return PQstatus(c->handle) != CONNECTION_BAD;
}

/* Reads what has arrived, with the bound on an answer. */
static enum err consume(struct pg_conn *c)
{
	int bytes = 0;

	if (ioctl(PQsocket(c->handle), FIONREAD, &bytes) == 0) {
		c->received += bytes;
	}
	if (c->received > PG_ANSWER_MAX) {
		return ERR_LIMIT;
	}
	/*
	 * libpq 15 may leave the rest of a TLS record (16 KiB at most) inside OpenSSL, where no
	 * event tells of it; it reads at least 8 KiB a time.
	 */
	for (int i = 0; i < (PQsslInUse(c->handle) != 0 ? 3 : 1); i++) {
		if (PQconsumeInput(c->handle) != 1) {
			return ERR_PEER_GONE;
		}
	}
	return ERR_OK;
}

static int wanted_events(struct pg_conn *c, enum err *ret_e)
{
	int left = PQflush(c->handle);

	*ret_e = left < 0 ? ERR_PEER_GONE : ERR_OK;
	return UV_READABLE | (left > 0 ? UV_WRITABLE : 0);
}

/* Sends what is left and reads what comes, until one of them went on. */
static enum err await(struct pg_conn *c, int64_t deadline_us)
{
	enum err e;
	int events = wanted_events(c, &e);

	if (e == ERR_OK) {
		e = pg_socket_wait(c, events, deadline_us);
	}
	return e == ERR_OK ? consume(c) : e;
}

static enum err explain(struct pg_conn *c, enum err e, const char *what, enum pg_fault *ret_fault,
    struct err_note *note)
{
	if (e == ERR_DEADLINE || e == ERR_CANCELLED) {
		return err_note_set(note, e, "%s: %s", what, err_text(e));
	}
	c->broken = true;
	if (e == ERR_LIMIT) {
		return err_note_set(note, e, "%s: its rows are larger than %d MiB", what,
		    PG_ANSWER_MAX / (1024 * 1024));
	}
	*ret_fault = PG_FAULT_BROKEN;
	return pg_conn_error(c->handle, what, note);
}

enum err pg_conn_fly(struct pg_conn *c, int64_t deadline_us, const char *what,
    PGresult **ret_result, unsigned *ret_done, enum pg_fault *ret_fault, struct err_note *note)
{
	struct answer a = { 0 };
	enum err e = PQpipelineSync(c->handle) == 1 ? ERR_OK : ERR_PEER_GONE;

	c->syncs += e == ERR_OK;
	c->received = 0;
	while (e == ERR_OK && c->syncs > 0) {
		e = await(c, deadline_us);
		/* Also behind an end of the connection: the server may have said why. */
		if (!read_results(c, &a) && e == ERR_OK) {
			e = ERR_PEER_GONE;
		}
	}
	*ret_fault = PG_FAULT_NONE;
	if (e == ERR_OK && a.last != NULL && PQresultMemorySize(a.last) > PG_ANSWER_MAX) {
		e = ERR_LIMIT; /* what came in a rush is counted late */
	}
	if (a.error != NULL && (e == ERR_OK || e == ERR_PEER_GONE)) {
		e = pg_error(a.error, what, ret_fault, note);
		c->broken = c->broken || *ret_fault == PG_FAULT_BROKEN;
	} else if (e != ERR_OK) {
		e = explain(c, e, what, ret_fault, note);
	}
	PQclear(a.error);
	*ret_result = a.last;
	*ret_done = a.done;
	return e;
}

enum err pg_conn_script(
    struct pg_conn *c, const char *text, const char *what, struct err_note *note)
{
	enum pg_fault fault = PG_FAULT_NONE;
	enum err e = ERR_OK;
	bool sent = c->syncs == 0 && PQexitPipelineMode(c->handle) == 1 &&
		    PQsendQuery(c->handle, text) == 1;
	PGresult *r = NULL;

	if (!sent) {
		return explain(c, ERR_PEER_GONE, what, &fault, note);
	}
	c->received = 0;
	do {
		enum err waited = ERR_OK;
		while (waited == ERR_OK && PQisBusy(c->handle) != 0) {
			waited = await(c, DEADLINE_NONE);
		}
		if (waited != ERR_OK) {
			return explain(c, waited, what, &fault, note);
		}
		r = PQgetResult(c->handle);
		if (r != NULL && PQresultStatus(r) == PGRES_FATAL_ERROR && e == ERR_OK) {
			e = pg_error(r, what, &fault, note);
		}
		PQclear(r);
	} while (r != NULL);
	c->broken = PQstatus(c->handle) == CONNECTION_BAD || PQenterPipelineMode(c->handle) != 1;
	return e;
}

/* ---- answers for nobody ---- */

void pg_conn_drain_step(struct pg_conn *c)
{
	struct answer a = { 0 };
	enum err e = consume(c);

	if (!read_results(c, &a) && e == ERR_OK) {
		e = ERR_PEER_GONE;
	}
	PQclear(a.last);
	PQclear(a.error);
	if (e == ERR_OK && c->syncs > 0) {
		int events = wanted_events(c, &e);
		if (e == ERR_OK) {
			pg_socket_watch(c, events);
			return;
		}
	}
	c->broken = c->broken || e != ERR_OK;
	if (c->broken || c->state == PG_DRAINING) {
		pg_pool_settle(c);
	}
}

void pg_conn_abandon(struct pg_conn *c)
{
	c->state = PG_DRAINING;
	c->since_us = clock_mono_us();
	c->broken = c->broken || c->pool->o.loop == NULL ||
		    PQsendQueryParams(c->handle, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 1) != 1 ||
		    PQpipelineSync(c->handle) != 1;
	if (c->broken) {
		pg_pool_settle(c);
		return;
	}
	c->syncs++;
	c->received = 0;
	pg_conn_drain_step(c);
}
