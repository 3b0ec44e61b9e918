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

/* Users of the storage, as the token server knows them: token_user.h. */
static const char migration_6[] =
    "CREATE TABLE token_user ("
    " uid {{SERIAL}},"
    " fxa_uid TEXT NOT NULL," /* whose store it is: Firefox's name of an account */
    " node TEXT NOT NULL,"    /* URL of the server that has it; empty: this one */
    " generation BIGINT NOT NULL,"
    " keys_changed_ms BIGINT NOT NULL,"
    " client_state TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " replaced_ms BIGINT NOT NULL" /* 0, or when another store took its place */
    ");"
    "CREATE INDEX token_user_fxa ON token_user (fxa_uid, generation, created_ms, uid);"

    /* How many users there are on nodes other than this server. */
    "CREATE TABLE token_node ("
    " node TEXT NOT NULL PRIMARY KEY,"
    " users BIGINT NOT NULL"
    ");";

/* What Firefox needs of an account beside its password: firefox.h. */
static const char migration_7[] =
    "CREATE TABLE firefox_account ("
    " account_id BIGINT NOT NULL PRIMARY KEY,"
    " uid TEXT NOT NULL,"	/* 32 hex digits: what Firefox calls the account */
    " keys_ms BIGINT NOT NULL," /* when kB was made; 0: there is none yet */
    " key_print TEXT NOT NULL," /* of kB, 32 hex digits: X-Client-State */
    " wrap_kb TEXT NOT NULL,"	/* kB, wrapped by the page with the password */
    " recovery TEXT NOT NULL,"	/* kB, wrapped with the recovery key; empty: none */
    " created_ms BIGINT NOT NULL"
    ");"
    "CREATE UNIQUE INDEX firefox_account_uid ON firefox_account (uid);"

    /* A browser that is signed in: a session, or a refresh token. */
    "CREATE TABLE firefox_client ("
    " id TEXT NOT NULL PRIMARY KEY," /* Hawk id of a session, hash of a refresh token */
    " account_id BIGINT NOT NULL,"
    " kind TEXT NOT NULL,"   /* session or refresh */
    " secret TEXT NOT NULL," /* a session's Hawk key, sealed; empty for a refresh token */
    " client_id TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " agent TEXT NOT NULL,"
    " reset_ms BIGINT NOT NULL," /* the account's password_reset_ms then */
    " created_ms BIGINT NOT NULL,"
    " last_ms BIGINT NOT NULL,"
    " device_id TEXT NOT NULL," /* 32 hex digits; empty: it has not told */
    " device_name TEXT NOT NULL,"
    " device_type TEXT NOT NULL,"
    " device_info TEXT NOT NULL" /* JSON: push subscription, commands */
    ");"
    "CREATE INDEX firefox_client_account ON firefox_client (account_id, id);"

    /* An authorization code of OAuth that waits for its use. */
    "CREATE TABLE firefox_code ("
    " code_hash TEXT NOT NULL PRIMARY KEY,"
    " account_id BIGINT NOT NULL,"
    " session_id TEXT NOT NULL,"
    " client_id TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " challenge TEXT NOT NULL,"
    " keys_jwe TEXT NOT NULL,"
    " offline INTEGER NOT NULL," /* 1: a refresh token is wanted */
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX firefox_code_expiry ON firefox_code (expires_ms);"

    /* Access tokens that were destroyed before their time. */
    "CREATE TABLE firefox_revoked ("
    " token_hash TEXT NOT NULL PRIMARY KEY,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX firefox_revoked_expiry ON firefox_revoked (expires_ms);"

    /* What one device asks another one to do, such as to open a tab. */
    "CREATE TABLE firefox_command ("
    " id {{SERIAL}},"
    " account_id BIGINT NOT NULL,"
    " device_id TEXT NOT NULL,"
    " sender TEXT NOT NULL,"
    " command TEXT NOT NULL,"
    " payload TEXT NOT NULL," /* JSON, encrypted for the device */
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX firefox_command_device ON firefox_command (account_id, device_id, id);"
    "CREATE INDEX firefox_command_expiry ON firefox_command (expires_ms);";

/* Notices to the app's own server: posts.h. */
static const char migration_8[] = "CREATE TABLE post ("
				  " post_key TEXT NOT NULL PRIMARY KEY,"
				  " seq BIGINT NOT NULL,"
				  " body TEXT NOT NULL,"
				  " n BIGINT NOT NULL," /* how many it stands for */
				  " created_ms BIGINT NOT NULL,"
				  " next_try_ms BIGINT NOT NULL,"
				  " tries BIGINT NOT NULL"
				  ");"
				  "CREATE INDEX post_due ON post (next_try_ms, post_key);";

/* Browsers that want to be told, and posts that have an address of their own: push.h. */
static const char migration_9[] =
    "CREATE TABLE push_subscription ("
    " owner TEXT NOT NULL,"   /* "pairs:17" */
    " session TEXT NOT NULL," /* what the service calls the session that it belongs to */
    " id BIGINT NOT NULL,"
    " endpoint_hash TEXT NOT NULL," /* hex of SHA-256 */
    " endpoint TEXT NOT NULL,"
    " p256dh TEXT NOT NULL,"
    " auth TEXT NOT NULL,"
    " with_text INTEGER NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " PRIMARY KEY (owner, session)"
    ");"
    "CREATE UNIQUE INDEX push_subscription_endpoint ON push_subscription (endpoint_hash);"
    "CREATE INDEX push_subscription_id ON push_subscription (owner, id);"
    "ALTER TABLE post ADD COLUMN target TEXT NOT NULL DEFAULT '';"; /* empty: the server of posts */

/*
 * What deleted accounts have left elsewhere, until that is removed as well: gone.h. The generation
 * is TOKEN_USER_RETIRED.
 */
static const char migration_10[] =
    "CREATE TABLE account_gone ("
    " account_id BIGINT NOT NULL PRIMARY KEY"
    ");"
    "INSERT INTO account_gone (account_id) SELECT id FROM account WHERE deleted_ms > 0;"
    "CREATE TABLE store_gone ("
    " uid BIGINT NOT NULL PRIMARY KEY,"
    " due_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX store_gone_due ON store_gone (due_ms, uid);"
    "INSERT INTO store_gone (uid, due_ms)"
    " SELECT uid, 0 FROM token_user WHERE generation = 9223372036854775807;";

const struct migration accounts_migrations[ACCOUNTS_MIGRATIONS] = {
	{ 1, migration_1 },
	{ 2, migration_2 },
	{ 3, migration_3 },
	{ 4, migration_4 },
	{ 5, migration_5 },
	{ 6, migration_6 },
	{ 7, migration_7 },
	{ 8, migration_8 },
	{ 9, migration_9 },
	{ 10, migration_10 },
};
