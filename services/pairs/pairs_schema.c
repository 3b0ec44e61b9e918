/*
 * The tables of pairs. Numbers of users, couples and what they own are random, so that no two
 * places that give them out have to agree, and nobody guesses one. Times are milliseconds.
 */
#include "services/pairs/pairs_db.h"

static const char migration_1[] =
    /* A member: an account of accounts/ that uses this service. */
    "CREATE TABLE pairs_user ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " account_id BIGINT NOT NULL,"
    " couple_id BIGINT NOT NULL," /* 0: alone */
    " first_name TEXT NOT NULL,"
    " avatar TEXT NOT NULL,"
    " options TEXT NOT NULL,"	      /* JSON object of the client's own */
    " read_seq BIGINT NOT NULL,"      /* of the couple's stream */
    " not_before_ms BIGINT NOT NULL," /* sessions that began earlier are over */
    " present_ms BIGINT NOT NULL,"    /* the longest lease on being there runs until then */
    " away INTEGER NOT NULL,"	      /* there, but not looking, by all of them */
    " created_ms BIGINT NOT NULL"
    ");"
    "CREATE UNIQUE INDEX pairs_user_account ON pairs_user (account_id);"
    "CREATE INDEX pairs_user_couple ON pairs_user (couple_id);"

    "CREATE TABLE pairs_session ("
    " token_hash TEXT NOT NULL PRIMARY KEY," /* hex of SHA-256 */
    " user_id BIGINT NOT NULL,"
    " reset_ms BIGINT NOT NULL," /* the account's password_reset_ms then */
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX pairs_session_user ON pairs_session (user_id, created_ms, token_hash);"

    /* A sign-up whose mail is not answered yet; answered ones stay until they expire. */
    "CREATE TABLE pairs_signup ("
    " token_hash TEXT NOT NULL PRIMARY KEY,"
    " address_key TEXT NOT NULL,"
    " address TEXT NOT NULL,"
    " user_id BIGINT NOT NULL," /* what the member will be */
    " first_name TEXT NOT NULL,"
    " password_hash TEXT NOT NULL,"
    " idem TEXT NOT NULL," /* the client's own name of the request; empty: none */
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL,"
    " used_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX pairs_signup_address ON pairs_signup (address_key, used_ms, created_ms);"
    "CREATE INDEX pairs_signup_expiry ON pairs_signup (expires_ms, token_hash);"

    "CREATE TABLE pairs_invite ("
    " token_hash TEXT NOT NULL PRIMARY KEY,"
    " user_id BIGINT NOT NULL," /* who invites */
    " address_key TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL,"
    " expires_ms BIGINT NOT NULL,"
    " used_ms BIGINT NOT NULL"
    ");"
    "CREATE INDEX pairs_invite_user ON pairs_invite (user_id, created_ms);"
    "CREATE INDEX pairs_invite_expiry ON pairs_invite (expires_ms, token_hash);"

    "CREATE TABLE pairs_couple ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " user_a BIGINT NOT NULL,"
    " user_b BIGINT NOT NULL,"
    " head BIGINT NOT NULL," /* last number of the stream */
    " created_ms BIGINT NOT NULL,"
    " ended_ms BIGINT NOT NULL" /* 0: it stands */
    ");"

    /* All that happens to a couple, numbered without gaps from 1. */
    "CREATE TABLE pairs_stream ("
    " couple_id BIGINT NOT NULL,"
    " seq BIGINT NOT NULL,"
    " id BIGINT NOT NULL,"
    " event TEXT NOT NULL,"
    " user_id BIGINT NOT NULL," /* 0: the app's own server */
    " at_ms BIGINT NOT NULL,"
    " body TEXT NOT NULL," /* JSON object */
    " PRIMARY KEY (couple_id, seq)"
    ");"
    "CREATE UNIQUE INDEX pairs_stream_id ON pairs_stream (couple_id, id);"

    "CREATE TABLE pairs_done ("
    " user_id BIGINT NOT NULL,"
    " client_id TEXT NOT NULL,"
    " kind BIGINT NOT NULL,"
    " couple_id BIGINT NOT NULL,"
    " seq BIGINT NOT NULL," /* what it became */
    " expires_ms BIGINT NOT NULL,"
    " PRIMARY KEY (user_id, couple_id, client_id)"
    ");"
    "CREATE INDEX pairs_done_expiry ON pairs_done (expires_ms, user_id, couple_id, client_id);"

    "CREATE TABLE pairs_list ("
    " couple_id BIGINT NOT NULL,"
    " id BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " version BIGINT NOT NULL," /* of the list and its items together */
    " user_id BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL,"
    " PRIMARY KEY (couple_id, id)"
    ");"
    "CREATE TABLE pairs_item ("
    " couple_id BIGINT NOT NULL,"
    " list_id BIGINT NOT NULL,"
    " id BIGINT NOT NULL,"
    " place BIGINT NOT NULL," /* 0 to n - 1 */
    " label TEXT NOT NULL,"
    " complete INTEGER NOT NULL,"
    " important INTEGER NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL,"
    " PRIMARY KEY (couple_id, list_id, id)"
    ");"
    "CREATE INDEX pairs_item_place ON pairs_item (couple_id, list_id, place);"

    "CREATE TABLE pairs_event ("
    " couple_id BIGINT NOT NULL,"
    " id BIGINT NOT NULL,"
    " title TEXT NOT NULL,"
    " place TEXT NOT NULL,"
    " rrule TEXT NOT NULL,"
    " reminders TEXT NOT NULL," /* JSON array */
    " start_ms BIGINT NOT NULL,"
    " end_ms BIGINT NOT NULL,"
    " version BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " updated_ms BIGINT NOT NULL,"
    " PRIMARY KEY (couple_id, id)"
    ");"
    "CREATE INDEX pairs_event_start ON pairs_event (couple_id, start_ms, id);";

static const char migration_2[] =
    /* Who says that a member is there: a device that asked for it, or a process with sessions. */
    "CREATE TABLE pairs_lease ("
    " user_id BIGINT NOT NULL,"
    " holder BIGINT NOT NULL,"
    " until_ms BIGINT NOT NULL,"
    " away INTEGER NOT NULL,"
    " PRIMARY KEY (user_id, holder)"
    ");";

static const char migration_3[] =
    "CREATE TABLE pairs_media ("
    " owner_id BIGINT NOT NULL," /* a couple; of an avatar the member */
    " id BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " client_id TEXT NOT NULL," /* the client's own name of the upload */
    " purpose BIGINT NOT NULL," /* enum picture_use */
    " state BIGINT NOT NULL,"	/* enum pairs_media_state */
    " format TEXT NOT NULL,"
    " caption TEXT NOT NULL,"
    " reason TEXT NOT NULL," /* why it failed */
    " bytes BIGINT NOT NULL,"
    " width BIGINT NOT NULL,"
    " height BIGINT NOT NULL,"
    " sizes TEXT NOT NULL,"
    " tries BIGINT NOT NULL,"	   /* times that somebody has taken the job */
    " crashes BIGINT NOT NULL,"	   /* times that the picture was the end of its worker */
    " lease BIGINT NOT NULL,"	   /* a random number of who has it */
    " due_ms BIGINT NOT NULL,"	   /* pending: when it may be taken */
    " expires_ms BIGINT NOT NULL," /* gone from then on; 0: never */
    " created_ms BIGINT NOT NULL,"
    " PRIMARY KEY (owner_id, id)"
    ");"
    "CREATE INDEX pairs_media_due ON pairs_media (state, due_ms, owner_id, id);"
    "CREATE INDEX pairs_media_client ON pairs_media (owner_id, user_id, client_id);"
    "CREATE INDEX pairs_media_list ON pairs_media (owner_id, created_ms, id);"
    "CREATE INDEX pairs_media_expiry ON pairs_media (expires_ms, owner_id, id);"
    /* What was uploaded, in sum; the row is locked by changes of the couple anyway. */
    "ALTER TABLE pairs_couple ADD COLUMN media_bytes BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX pairs_couple_ended ON pairs_couple (ended_ms, id);"
    "ALTER TABLE pairs_item ADD COLUMN media_id BIGINT NOT NULL DEFAULT 0;";

const struct migration pairs_migrations[PAIRS_MIGRATIONS] = {
	{ 1, migration_1 },
	{ 2, migration_2 },
	{ 3, migration_3 },
};
