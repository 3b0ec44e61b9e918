/*
 * The invariants of symbols' tables, and the copy for staging.
 */
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_priv.h"

static const struct {
	enum symbols_stmt stmt;
	const char *broken;
} invariants[] = {
	{ SYMBOLS_AUDIT_FILE, "symbols: a stored file that cannot be" },
	{ SYMBOLS_AUDIT_UPLOAD_FILE, "symbols: a file of an upload that is not there" },
	{ SYMBOLS_AUDIT_TOKEN, "symbols: a token that cannot be" },
	{ SYMBOLS_AUDIT_LOGIN, "symbols: a session that cannot be" },
};

enum err symbols_audit(struct sql_db *db, struct err_note *note)
{
	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		struct sql_query *q;
		enum err e = symbols_begin(db, invariants[i].stmt, &q, note);
		if (e != ERR_OK) {
			return e;
		}
		e = sql_step(q);
		if (e == ERR_OK) {
			e = err_note_set(note, ERR_CORRUPT, "%s: %.*s", invariants[i].broken,
			    SLICE_ARG(sql_col_text(q, 0)));
		}
		sql_end(q);
		if (e != ERR_END) {
			return e;
		}
	}
	return ERR_OK;
}

/* Who uploaded, and the keys they did it with; modules are no persons. */
enum err symbols_anonymise(struct sql_db *db, const char *password, struct err_note *note)
{
	static const enum symbols_stmt steps[] = { SYMBOLS_HIDE_UPLOADS, SYMBOLS_HIDE_TOKENS,
		SYMBOLS_HIDE_LOGINS };
	enum err e = ERR_OK;

	(void)password;
	for (size_t i = 0; e == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sql_query *q;
		e = symbols_begin(db, steps[i], &q, note);
		if (e == ERR_OK) {
			e = sql_finish(q);
		}
	}
	return e;
}
