/*
 * Fills the database of a server that does not run with users of Sync who were here before, through
 * the code that the server itself uses: an account, its browser with a refresh token, its store's
 * number, and records. For seed004.mjs and sync_curve.mjs; models/sync.lua knows who they are.
 *
 *	sync_fill DATABASE USERS [RECORDS [BYTES]]
 *
 * User n of USERS has the refresh token sha256("refresh token of n"), the keys' fingerprint
 * sha256("key of n"), the uid n + 1, RECORDS records of BYTES in the collection history (their ids
 * are f000000, f000001, ...) and his tabs. What there is already is skipped, so a run that was
 * ended goes on.
 */
#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accounts/account.h"
#include "accounts/firefox.h"
#include "accounts/password.h"
#include "accounts/staged.h"
#include "accounts/token_user.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/store/sqlite.h"
#include "core/store/store.h"
#include "services/identity/users.h"
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/meta.h"
#include "services/sync/write.h"

enum {
	PER_COMMIT = 500, /* users */
	CHECKPOINT_EVERY = 20,
	TABS_BYTES = 1200,
	NOISE = 65536,
	ARENA_MAX = 4 << 20,
	MESSAGE_MAX = 4 << 20,
	HEX_MAX = 2 * SHA256_DIGEST_LENGTH
};

/* When the keys were made, as the model says it in X-KeyID. */
static const int64_t keys_changed_ms = INT64_C(1500000000000);

static char noise[NOISE];
static char password[PASSWORD_HASH_SIZE];

static void must(enum err e, const struct err_note *note)
{
	if (e != ERR_OK) {
		fprintf(stderr, "sync_fill: %s: %s\n", err_text(e), note->text);
		exit(1);
	}
}

static void run(struct sql_db *db, const char *text)
{
	struct err_note note = { 0 };

	must(sql_run(db, text, &note), &note);
}

/* The first digits of SHA-256 of "WHAT n", as hex and NUL. */
static void hex_of(const char *what, int64_t n, size_t digits, char out[HEX_MAX + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %lld", what, (long long)n);
	struct buf hex = buf_new(HEX_MAX);

	CHECK(SHA256((const unsigned char *)text, (size_t)len, digest) != NULL);
	enc_hex(&hex, SLICE_OF(digest, sizeof(digest)));
	CHECK(slice_to_cstr(slice_sub(buf_slice(&hex), 0, digits), out, HEX_MAX + 1) == ERR_OK);
	buf_free(&hex);
}

/* ---- an account, its browser, its store's number ---- */

static void add_browser(
    struct txn *t, const struct account *account, int64_t n, struct err_note *note)
{
	char token[HEX_MAX + 1], hash[TOKEN_HASH_HEX + 1];

	hex_of("refresh token of", n, HEX_MAX, token);
	must(token_hash(slice_str(token), hash), note);
	const struct firefox_client client = { .id = slice_str(hash),
		.account_id = account->id,
		.secret = SLICE(""),
		.client_id = SLICE("5882386c6d801776"),
		.scope = SLICE("profile https://identity.mozilla.com/apps/oldsync"),
		.agent = SLICE("sync_fill"),
		.reset_ms = account->password_reset_ms };
	must(firefox_client_add(t, &client, note), note);
}

/* False: there is such an account. */
static bool add_account(struct txn *t, int64_t n)
{
	struct err_note note = { 0 };
	char address[64], uid[HEX_MAX + 1], print[HEX_MAX + 1], wrapped[HEX_MAX + 1];
	struct account account;
	struct firefox_account fx;
	struct token_user user;
	enum token_verdict verdict;
	int64_t id = 0;

	(void)snprintf(address, sizeof(address), "%lld@loadtest.domain", (long long)n);
	enum err e = user_create(t, slice_str(address), slice_str(password), &id, &note);
	if (e == ERR_EXISTS) {
		return false;
	}
	must(e, &note);
	must(account_by_id(t->db, t->arena, id, &account, &note), &note);
	hex_of("account", n, FIREFOX_UID_HEX, uid);
	hex_of("key of", n, TOKEN_STATE_MAX, print);
	hex_of("wrapped", n, HEX_MAX, wrapped);
	must(firefox_account_need(t, id, slice_str(uid), &fx, &note), &note);
	fx.keys_ms = keys_changed_ms;
	fx.key_print = slice_str(print);
	fx.wrap_kb = slice_str(wrapped);
	must(firefox_set_keys(t, &fx, &note), &note);
	add_browser(t, &account, n, &note);
	const struct token_claims claims = { .fxa_uid = slice_str(uid),
		.generation = account.password_reset_ms > keys_changed_ms
				  ? account.password_reset_ms
				  : keys_changed_ms,
		.keys_changed_ms = keys_changed_ms,
		.client_state = slice_str(print) };
	must(token_user_settle(t, &claims, SLICE(""), true, &verdict, &user, &note), &note);
	if (verdict != TOKEN_NEW || user.uid != n + 1) {
		fprintf(stderr, "sync_fill: user %lld has the uid %lld: not an empty database\n",
		    (long long)n, (long long)user.uid);
		exit(1);
	}
	return true;
}

/* ---- records ---- */

static void write_collection(
    struct txn *t, int64_t uid, struct slice collection, int64_t records, size_t bytes)
{
	static struct buf list = { .max = MESSAGE_MAX }, message = { .max = MESSAGE_MAX };
	const struct rpc_call_info info = { .from = ROLE_WEB };
	struct buf reply = buf_new(64);
	struct err_note note = { 0 };
	struct sync_written written;
	char id[32];

	buf_clear(&list);
	buf_clear(&message);
	for (int64_t i = 0; i < records; i++) {
		size_t from = (size_t)(uid * 7919 + i * 104729) % (NOISE - bytes);
		(void)snprintf(id, sizeof(id), "f%06lld", (long long)i);
		sync_record_put(&list, &(struct sync_record){ .id = slice_str(id),
					   .has_payload = true,
					   .payload = SLICE_OF(noise + from, bytes) });
	}
	sync_write_req_put(&message, &(struct sync_write_req){ .kind = SYNC_WRITE_PUT,
					 .uid = uid,
					 .collection = collection,
					 .item = SLICE_EMPTY,
					 .records = buf_slice(&list) });
	CHECK(!message.failed);
	must(sync_write.handle(t, &info, buf_slice(&message), &reply, &note), &note);
	CHECK(sync_written_take(buf_slice(&reply), &written) && written.outcome == SYNC_DONE);
	buf_free(&reply);
}

/* ---- all of them ---- */

static int64_t fill(struct sql_db *db, int64_t users, int64_t records, size_t bytes)
{
	struct arena arena = arena_new(ARENA_MAX);
	int64_t made = 0, commits = 0;

	for (int64_t n = 0; n < users; n++) {
		struct txn t = { .db = db, .arena = &arena, .now_ms = clock_wall_ms() };
		if (n % PER_COMMIT == 0) {
			run(db, "BEGIN IMMEDIATE");
		}
		if (add_account(&t, n)) {
			write_collection(&t, n + 1, SLICE("history"), records, bytes);
			write_collection(&t, n + 1, SLICE("tabs"), 1, TABS_BYTES);
			made++;
		}
		arena_reset(&arena);
		if (n % PER_COMMIT == PER_COMMIT - 1 || n == users - 1) {
			run(db, "COMMIT");
			commits++;
		}
		if (commits == CHECKPOINT_EVERY || n == users - 1) {
			commits = 0;
			CHECK(sqlite3_wal_checkpoint_v2(sqlite_handle(db), NULL,
				  SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK);
		}
	}
	return made;
}

static void make_noise(void)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t seed = 88172645463325252u;

	for (size_t i = 0; i < NOISE; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		noise[i] = letters[seed % 64];
	}
}

int main(int argc, char **argv)
{
	struct err_note note = { 0 };
	struct sql_db *db = NULL;
	struct stat file;

	if (argc < 3) {
		fprintf(stderr, "sync_fill DATABASE USERS [RECORDS [BYTES]]\n");
		return 2;
	}
	int64_t users = atoll(argv[2]), records = argc > 3 ? atoll(argv[3]) : 17;
	int64_t bytes = argc > 4 ? atoll(argv[4]) : 450;
	CHECK(users > 0 && records >= 0 && bytes > 0 && bytes < NOISE / 2);
	make_noise();
	must(password_hash(SLICE("THE PASSWORD"), 4, password), &note);
	must(sql_open(argv[1], SQL_READ_WRITE, &db, &note), &note);
	run(db, "PRAGMA synchronous = OFF"); /* what is half filled is filled anew */
	run(db, "PRAGMA cache_size = -262144");
	int64_t begun_us = clock_mono_us();
	int64_t made = fill(db, users, records, (size_t)bytes);
	sql_close(&db);
	double seconds = (double)(clock_mono_us() - begun_us) / 1e6;
	CHECK(stat(argv[1], &file) == 0);
	printf("%lld users with %lld records each in %.1f s; the database has %.2f GB\n",
	    (long long)made, (long long)records + 1, seconds, (double)file.st_size / 1e9);
	return 0;
}
