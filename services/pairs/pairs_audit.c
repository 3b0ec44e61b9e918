/*
 * Invariants of pairs' tables, and a copy of them for staging. Whole tables are read: for tests,
 * for hand and for commands.
 */
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_priv.h"

static const struct {
	enum pairs_stmt stmt;
	const char *broken; /* with the number found behind it */
} invariants[] = {
	{ PAIRS_AUDIT_STREAM, "a stream with a gap, or that is not at its head: couple" },
	{ PAIRS_AUDIT_MEMBER, "a member of a couple that is none, or another's: user" },
	{ PAIRS_AUDIT_COUPLE, "a couple that is not of two members: couple" },
	{ PAIRS_AUDIT_ITEM, "an item of a list that is none: couple" },
	{ PAIRS_AUDIT_PLACE, "a list whose places have gaps: couple" },
	{ PAIRS_AUDIT_SESSION, "a session of nobody, or with a bad token: user" },
	{ PAIRS_AUDIT_DONE, "a change that was done but is not in the stream: user" },
	{ PAIRS_AUDIT_MEDIA_BYTES, "a couple whose pictures are not as large as it says: couple" },
	{ PAIRS_AUDIT_MEDIA, "a picture of nobody, or ready without its sizes: picture" },
};

enum err pairs_audit(struct sql_db *db, struct err_note *note)
{
	for (size_t i = 0; i < sizeof(invariants) / sizeof(invariants[0]); i++) {
		int64_t found = 0;
		enum err e = pairs_number(db, invariants[i].stmt, NULL, &found, note);

		if (e == ERR_OK) {
			return err_note_set(note, ERR_CORRUPT, "pairs: %s %lld",
			    invariants[i].broken, (long long)found);
		}
		if (e != ERR_NOT_FOUND) {
			return e;
		}
	}
	return ERR_OK;
}

enum err pairs_anonymise(struct sql_db *db, const char *password, struct err_note *note)
{
	static const enum pairs_stmt all[] = { PAIRS_HIDE_USERS, PAIRS_HIDE_STREAM,
		PAIRS_HIDE_LISTS, PAIRS_HIDE_ITEMS, PAIRS_HIDE_EVENTS, PAIRS_HIDE_SESSIONS,
		PAIRS_HIDE_LEASES, PAIRS_HIDE_SIGNUPS, PAIRS_HIDE_INVITES, PAIRS_HIDE_DONE,
		PAIRS_HIDE_PICTURES, PAIRS_HIDE_BYTES };
	enum err e = ERR_OK;

	(void)password; /* those of accounts */
	for (size_t i = 0; e == ERR_OK && i < sizeof(all) / sizeof(all[0]); i++) {
		e = pairs_run(db, all[i], NULL, note);
	}
	return e;
}
