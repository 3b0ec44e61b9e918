/*
 * The tables of accounts/, in the common part of SQLite and PostgreSQL. Point lookups only: an
 * address finds its account, an account its addresses, a token or an address its staged change.
 * Identifiers of accounts are never used again, times are milliseconds since 1970.
 */
#include "accounts/accounts_priv.h"

static const char migration_1[] =
    "CREATE TABLE account ("
    " id {{SERIAL}},"
    /* Text of password.h, NULL: no password (the account's addresses have providers). */
    " password_hash TEXT,"
    /* What a client does to the password before it sends it: kdf.h. */
    " kdf TEXT NOT NULL,"
    " kdf_salt TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    /* Sessions that remember another value are over. */
    " password_reset_ms BIGINT NOT NULL,"
    " failed_logins INTEGER NOT NULL,"
    " failed_last_ms BIGINT NOT NULL,"
    /* 0, or when it was deleted: the row stays so that the number is never used again. */
    " deleted_ms BIGINT NOT NULL"
    ");"

    "CREATE TABLE email ("
    " address_key TEXT NOT NULL PRIMARY KEY," /* lower case */
    " account_id BIGINT NOT NULL,"
    " address TEXT NOT NULL," /* as its owner wrote it */
    " kind TEXT NOT NULL,"    /* last used as: secondary or primary */
    " verified INTEGER NOT NULL,"
    " added_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX email_account ON email (account_id, address_key);"

    /* A change that waits for its mailed token; one per address. */
    "CREATE TABLE staged ("
    " token_hash TEXT NOT NULL PRIMARY KEY," /* hex of SHA-256 of the token */
    " address_key TEXT NOT NULL,"
    " address TEXT NOT NULL,"
    " new_account INTEGER NOT NULL,"
    " account_id BIGINT," /* the account it changes; NULL for a new one */
    " password_hash TEXT,"
    " kdf TEXT NOT NULL,"
    " kdf_salt TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE UNIQUE INDEX staged_address ON staged (address_key);"
    "CREATE INDEX staged_expiry ON staged (expires_ms);"
    "CREATE INDEX staged_account ON staged (account_id);"

    "CREATE TABLE outbox ("
    " id {{SERIAL}},"
    " recipient TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " subject TEXT NOT NULL,"
    " link TEXT NOT NULL," /* this and the parts are emptied once the mail is sent */
    " site TEXT NOT NULL,"
    " body_text TEXT NOT NULL,"
    " body_html TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " next_try_ms BIGINT NOT NULL," /* while leased: when the lease runs out */
    " tries INTEGER NOT NULL,"
    " lease BIGINT NOT NULL,"  /* 0: not leased */
    " state INTEGER NOT NULL," /* enum outbox_state */
    " sent_ms BIGINT NOT NULL,"
    " error TEXT NOT NULL"
    ");"
    "CREATE INDEX outbox_due ON outbox (state, next_try_ms);"
    "CREATE INDEX outbox_state ON outbox (state, id);";

static const char migration_2[] =
    /* new, add, reset, reverify, transition: enum staged_kind */
    "ALTER TABLE staged ADD COLUMN kind TEXT NOT NULL DEFAULT 'new';"
    /* Sent to the address since a token of it was answered last. */
    "ALTER TABLE staged ADD COLUMN mails INTEGER NOT NULL DEFAULT 1;"
    /* The token itself, with [identity] test_doors only; else empty. */
    "ALTER TABLE staged ADD COLUMN test_token TEXT NOT NULL DEFAULT '';"
    /* 1: its operator has locked it; nobody logs in. */
    "ALTER TABLE account ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;"

    /* Wrong passwords in a row for an account from one client. */
    "CREATE TABLE login_failure ("
    " account_id BIGINT NOT NULL,"
    " client TEXT NOT NULL," /* address, or network of IPv6 */
    " failures INTEGER NOT NULL,"
    " last_ms BIGINT NOT NULL,"
    " PRIMARY KEY (account_id, client)"
    ");"
    "CREATE INDEX login_failure_age ON login_failure (last_ms);";

/* Providers of other domains: idp.h. */
static const char migration_3[] = "CREATE TABLE idp ("
				  " domain TEXT NOT NULL PRIMARY KEY," /* lower case */
				  " last_seen_ms BIGINT NOT NULL"
				  ");";

static const char migration_4[] =
    /* 1: looks after this server; its pages of administration are for this account. */
    "ALTER TABLE account ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;";

/* What is known about mail to an address: mail_address.h. */
static const char migration_5[] = "CREATE TABLE mail_address ("
				  " address_key TEXT NOT NULL PRIMARY KEY,"
				  " verp TEXT NOT NULL," /* token of its return path */
				  " mailed_ms BIGINT NOT NULL,"
				  " soft INTEGER NOT NULL,"
				  " hard_ms BIGINT NOT NULL," /* 0: nothing came back for good */
				  " status TEXT NOT NULL,"
				  " told TEXT NOT NULL"
				  ");"
				  "CREATE UNIQUE INDEX mail_address_verp ON mail_address (verp);"
				  "CREATE INDEX mail_address_age ON mail_address (mailed_ms);"
				  "CREATE INDEX mail_address_hard ON mail_address (hard_ms);"
				  "ALTER TABLE outbox ADD COLUMN verp TEXT NOT NULL DEFAULT '';";

const struct migration accounts_migrations[ACCOUNTS_MIGRATIONS] = {
	{ 1, migration_1 },
	{ 2, migration_2 },
	{ 3, migration_3 },
	{ 4, migration_4 },
	{ 5, migration_5 },
};
