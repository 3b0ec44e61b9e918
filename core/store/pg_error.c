/*
 * What PostgreSQL's error codes mean to us (its manual, appendix A): the first two letters are a
 * class, the table has the most telling prefix first.
 */
#include <stdio.h>
#include <string.h>

#include "core/store/pg_priv.h"

struct row {
	const char *prefix;
	enum err e;
	enum pg_fault fault;
	bool quotes; /* its message may repeat values */
};

/* clang-format off */
static const struct row rows[] = {
	{ "40001", ERR_CONFLICT,      PG_FAULT_RERUN,  false }, /* not serializable */
	{ "40P01", ERR_CONFLICT,      PG_FAULT_RERUN,  false }, /* deadlock */
	{ "40",    ERR_CONFLICT,      PG_FAULT_NONE,   false },
	{ "57P01", ERR_PEER_GONE,     PG_FAULT_BROKEN, false }, /* the server or this backend is told to end */
	{ "57P02", ERR_PEER_GONE,     PG_FAULT_BROKEN, false },
	{ "57P03", ERR_PEER_GONE,     PG_FAULT_BROKEN, false }, /* it starts or stops */
	{ "57P05", ERR_PEER_GONE,     PG_FAULT_BROKEN, false }, /* idle for too long */
	{ "25P03", ERR_PEER_GONE,     PG_FAULT_BROKEN, false }, /* idle in a transaction for too long */
	{ "08",    ERR_PEER_GONE,     PG_FAULT_BROKEN, false },
	{ "57014", ERR_DEADLINE,      PG_FAULT_NONE,   false }, /* statement_timeout */
	{ "55P03", ERR_LOCKED,        PG_FAULT_NONE,   false },
	{ "53100", ERR_DISK_FULL,     PG_FAULT_NONE,   false },
	{ "53200", ERR_MEMORY,        PG_FAULT_NONE,   false },
	{ "53",    ERR_TOO_BUSY,      PG_FAULT_NONE,   false }, /* too many connections */
	{ "54",    ERR_LIMIT,         PG_FAULT_NONE,   false },
	{ "23",    ERR_EXISTS,        PG_FAULT_NONE,   false },
	{ "22",    ERR_INVALID,       PG_FAULT_NONE,   true  },
	{ "25006", ERR_DENIED,        PG_FAULT_NONE,   false }, /* only reading is allowed */
	{ "28",    ERR_DENIED,        PG_FAULT_NONE,   false }, /* who we are */
	{ "42501", ERR_DENIED,        PG_FAULT_NONE,   false },
	{ "58",    ERR_IO,            PG_FAULT_NONE,   false },
	{ "XX001", ERR_CORRUPT,       PG_FAULT_NONE,   false },
	{ "XX002", ERR_CORRUPT,       PG_FAULT_NONE,   false },
	{ "",      ERR_SYSTEM,        PG_FAULT_NONE,   false }, /* a statement that does not fit the database */
};
/* clang-format on */

static const struct row *row_of(const char *code)
{
	size_t i = 0;

	while (strncmp(code, rows[i].prefix, strlen(rows[i].prefix)) != 0) {
		i++;
	}
	return &rows[i];
}

/* Length of the first line. */
static int line_of(const char *text)
{
	return (int)strcspn(text, "\n");
}

enum err pg_error(
    const PGresult *r, const char *what, enum pg_fault *ret_fault, struct err_note *note)
{
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

	if (code == NULL) { /* libpq's own: the connection is gone */
		*ret_fault = PG_FAULT_BROKEN;
		text = PQresultErrorMessage(r);
		return err_note_set(note, ERR_PEER_GONE, "%s: %.*s", what, line_of(text), text);
	}
	const struct row *row = row_of(code);
	*ret_fault = row->fault;
	return err_note_set(note, row->e, "%s: %s (PostgreSQL code %s)", what,
	    row->quotes || text == NULL ? "a value is refused" : text, code);
}

enum err pg_conn_error(PGconn *handle, const char *what, struct err_note *note)
{
	const char *text = PQerrorMessage(handle);

	return err_note_set(note, ERR_PEER_GONE, "%s: %.*s", what, line_of(text), text);
}
