/*
 * The tables of sync. Everything of a user stands together under its uid, which is the token
 * server's number and needs no registration here (meta.h says what the one row of a user is).
 * Times are milliseconds, expires_ms 0 means never.
 */
#include "services/sync/db.h"

static const char migration_1[] =
    "CREATE TABLE sync_meta ("
    " uid {{SERIAL}}," /* always given */
    " last_ms BIGINT NOT NULL,"
    " storage_ms BIGINT NOT NULL,"
    " next_number BIGINT NOT NULL,"
    " expiry_ms BIGINT NOT NULL,"
    " collections {{BLOB}} NOT NULL"
    ");"
    "CREATE INDEX sync_meta_expiry ON sync_meta (expiry_ms, uid) WHERE expiry_ms > 0;"

    "CREATE TABLE sync_bso ("
    " uid BIGINT NOT NULL,"
    " collection BIGINT NOT NULL,"
    " id TEXT NOT NULL,"
    " modified_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL,"
    " sortindex BIGINT,"
    " payload {{BLOB}} NOT NULL,"
    " PRIMARY KEY (uid, collection, id)"
    ");"
    /* Lists of ids and counts are read from it alone. */
    "CREATE INDEX sync_bso_modified ON sync_bso (uid, collection, modified_ms, id, expires_ms);"
    "CREATE INDEX sync_bso_expiry ON sync_bso (uid, expires_ms) WHERE expires_ms > 0;"

    /* Collections that were deleted, whose records are still there. */
    "CREATE TABLE sync_garbage ("
    " uid BIGINT NOT NULL,"
    " collection BIGINT NOT NULL,"
    " PRIMARY KEY (uid, collection)"
    ");"

    /* An upload in several requests, and what each of them brought. */
    "CREATE TABLE sync_batch ("
    " uid BIGINT NOT NULL,"
    " batch BIGINT NOT NULL,"
    " collection TEXT NOT NULL,"
    " expires_ms BIGINT NOT NULL," /* -1: committed or dropped, its chunks are to be removed */
    " chunks BIGINT NOT NULL,"
    " records BIGINT NOT NULL,"
    " bytes BIGINT NOT NULL,"
    " PRIMARY KEY (uid, batch)"
    ");"
    "CREATE INDEX sync_batch_expiry ON sync_batch (expires_ms, uid, batch);"
    "CREATE TABLE sync_chunk ("
    " uid BIGINT NOT NULL,"
    " batch BIGINT NOT NULL,"
    " chunk BIGINT NOT NULL,"
    " records {{BLOB}} NOT NULL,"
    " PRIMARY KEY (uid, batch, chunk)"
    ");";

/* What only the old protocol knows (sync.md 2): two fields of records, and names of users. */
static const char migration_2[] = "ALTER TABLE sync_bso ADD COLUMN parentid TEXT;"
				  "ALTER TABLE sync_bso ADD COLUMN predecessorid TEXT;"

				  "CREATE TABLE sync_weave_user ("
				  " username TEXT NOT NULL PRIMARY KEY," /* lower case */
				  " account_id BIGINT NOT NULL,"
				  " uid BIGINT NOT NULL,"   /* of the store */
				  " address TEXT NOT NULL," /* the account's, for this user */
				  " created_ms BIGINT NOT NULL"
				  ");"
				  "CREATE UNIQUE INDEX sync_weave_user_account ON sync_weave_user"
				  " (account_id);";

const struct migration sync_migrations[SYNC_MIGRATIONS] = {
	{ 1, migration_1 },
	{ 2, migration_2 },
};
