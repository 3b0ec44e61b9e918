/*
 * The tables of symbols. A stored file is found by its key: debug file, debug id (folded to upper
 * case) and file name, once for regular uploads and once for those of try builds. What it holds
 * lies outside, as a blob (core/blob) that several keys may share. Times are milliseconds.
 */
#include "services/symbols/symbols_db.h"

static const char migration_1[] =
    "CREATE TABLE symbols_file ("
    " debug_file TEXT NOT NULL,"
    " debug_id TEXT NOT NULL,"
    " file TEXT NOT NULL,"
    " is_try INTEGER NOT NULL,"
    " blob TEXT NOT NULL,"	    /* its name; begins with the SHA-256 of the content */
    " size BIGINT NOT NULL,"	    /* of the content */
    " stored_size BIGINT NOT NULL," /* of the blob */
    " md5 TEXT NOT NULL,"	    /* of the content: how clients of the protocol name it */
    " code_file TEXT NOT NULL,"	    /* these are empty where they are not known */
    " code_id TEXT NOT NULL,"	    /* upper case */
    " build_id TEXT NOT NULL," /* lower case; of ELF the whole, of which debug_id has 16 bytes */
    " generator TEXT NOT NULL,"
    " upload BIGINT NOT NULL,"
    " modified_ms BIGINT NOT NULL,"
    " used_ms BIGINT NOT NULL," /* last download, to the day (of upstreams: the hour); 0: none */
    " PRIMARY KEY (debug_file, debug_id, file, is_try)"
    ");"
    "CREATE INDEX symbols_file_code ON symbols_file (code_id, code_file, modified_ms);"
    "CREATE INDEX symbols_file_blob ON symbols_file (blob);"

    "CREATE TABLE symbols_upload ("
    " id {{SERIAL}},"
    " email TEXT NOT NULL,"
    " is_try INTEGER NOT NULL,"
    " filename TEXT NOT NULL,"
    " download_url TEXT NOT NULL,"  /* empty: it was sent */
    " redirect_urls TEXT NOT NULL," /* JSON */
    " size BIGINT NOT NULL,"
    " content_hash TEXT NOT NULL,"
    " files BIGINT NOT NULL,"
    " skipped_keys TEXT NOT NULL," /* JSON */
    " ignored_keys TEXT NOT NULL," /* JSON */
    " created_ms BIGINT NOT NULL,"
    " completed_ms BIGINT NOT NULL" /* 0: not yet, or it broke off */
    ");"
    "CREATE INDEX symbols_upload_email ON symbols_upload (email, id);"
    "CREATE INDEX symbols_upload_hash ON symbols_upload (content_hash, id);"

    "CREATE TABLE symbols_upload_file ("
    " id {{SERIAL}},"
    " upload BIGINT NOT NULL,"
    " debug_file TEXT NOT NULL,"
    " debug_id TEXT NOT NULL,"
    " file TEXT NOT NULL,"
    " is_try INTEGER NOT NULL,"
    " is_compressed INTEGER NOT NULL,"
    " is_update INTEGER NOT NULL,"
    " size BIGINT NOT NULL,"
    " md5 TEXT NOT NULL,"     /* as announced (upload v2); else empty */
    " session TEXT NOT NULL," /* of upload v2: the name in its URL; else empty */
    " created_ms BIGINT NOT NULL,"
    " completed_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX symbols_upload_file_upload ON symbols_upload_file (upload, id);"
    "CREATE INDEX symbols_upload_file_session ON symbols_upload_file (session)"
    " WHERE session <> '';"

    "CREATE TABLE symbols_token ("
    " id {{SERIAL}},"
    " key_hash TEXT NOT NULL,"	/* SHA-256; the key itself is nowhere */
    " key_start TEXT NOT NULL," /* its first digits, to tell tokens apart */
    " email TEXT NOT NULL,"
    " permissions BIGINT NOT NULL," /* enum symbols_permission */
    " notes TEXT NOT NULL,"
    " is_blocked INTEGER NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE UNIQUE INDEX symbols_token_key ON symbols_token (key_hash);"
    "CREATE INDEX symbols_token_email ON symbols_token (email, id);"

    "CREATE TABLE symbols_missing ("
    " debug_file TEXT NOT NULL,"
    " debug_id TEXT NOT NULL,"
    " file TEXT NOT NULL,"
    " code_file TEXT NOT NULL,"
    " code_id TEXT NOT NULL,"
    " misses BIGINT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " modified_ms BIGINT NOT NULL,"
    " PRIMARY KEY (debug_file, debug_id, file, code_file, code_id)"
    ");"
    "CREATE INDEX symbols_missing_modified ON symbols_missing (modified_ms, debug_file, debug_id,"
    " file, code_file, code_id);";

/*
 * What debuggers ask by. build_id was there, but of .sym files alone; elf_kind (enum elf_kind) and
 * elf_size, of the ELF file itself, are 0 where a file is none, or was stored before it was looked
 * into. The last index is for clients that change the case of names (Windows).
 */
static const char migration_2[] =
    "ALTER TABLE symbols_file ADD COLUMN elf_kind INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE symbols_file ADD COLUMN elf_size BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX symbols_file_build ON symbols_file (build_id, is_try, modified_ms)"
    " WHERE build_id <> '';"
    "CREATE INDEX symbols_file_any_case ON symbols_file (LOWER(debug_file), debug_id, is_try,"
    " modified_ms);";

/* People who are signed in at the pages. */
static const char migration_logins[] =
    "CREATE TABLE symbols_login ("
    " key_hash TEXT NOT NULL PRIMARY KEY," /* SHA-256 of what the cookie holds */
    " email TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX symbols_login_email ON symbols_login (email, created_ms);"
    "CREATE INDEX symbols_login_expires ON symbols_login (expires_ms);";

/* Where a file was fetched from; those that were uploaded are from nowhere. */
static const char migration_upstream[] =
    "ALTER TABLE symbols_file ADD COLUMN upstream TEXT NOT NULL DEFAULT '';";

/* Which of them nobody has asked for in the longest time, and how much all of them take. */
static const char migration_cached[] =
    "UPDATE symbols_file SET used_ms = modified_ms WHERE upstream <> '' AND used_ms = 0;"
    "CREATE INDEX symbols_file_cached ON symbols_file (used_ms, modified_ms, stored_size)"
    " WHERE upstream <> '';";

const struct migration symbols_migrations[SYMBOLS_MIGRATIONS] = {
	{ 1, migration_1 },
	{ 2, migration_2 },
	{ 3, migration_logins },
	{ 4, migration_upstream },
	{ 5, migration_cached },
};
