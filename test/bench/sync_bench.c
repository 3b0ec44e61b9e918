/*
 * The storage of sync against SQLite alone, on one disk and in one run.
 *
 * Uploads: 100 records of 450 bytes into the collections of random users, sixteen uploads to a
 * commit. "SQLite alone" inserts the same rows into the same tables with nothing around it;
 * "without indexes" keeps only the key. sync.write is the transaction function as the store runs
 *it.
 *
 * Layout: eight records for each of random users, as a sync brings them, durable, 32 users waiting
 * at a time: in one file, spread over eight files, or in a file for each user. Wall time counts
 * here, because most of it is waiting for the disk.
 *
 *	sync_bench [FOLDER [UPLOADS]]
 *	sync_bench FOLDER UPLOADS alone		only SQLite alone, for sync.mjs
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/sqlite.h"
#include "core/store/store.h"
#include "services/sync/db.h"
#include "services/sync/bso_record.h"
#include "services/sync/write.h"

enum {
	USERS = 20000,
	RECORDS = 100,
	PER_COMMIT = 16,
	SYNC_RECORDS = 8,
	WAITING = 32,
	FILES = 8,
	PAYLOAD = 450,
	ARENA_MAX = 4 << 20,
	MESSAGE_MAX = 256 * 1024
};

static const char insert_text[] =
    "INSERT INTO sync_bso (uid, collection, id, modified_ms, expires_ms, sortindex, payload)"
    " VALUES (?, ?, ?, ?, 0, NULL, ?)";

static char payload[PAYLOAD];
static uint64_t seed = 88172645463325252u;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int64_t random_uid(void)
{
	return 1 + (int64_t)(next() % USERS);
}

/* Twelve characters, as Firefox makes ids. */
static struct slice random_id(char out[16])
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t a = next(), b = next();

	for (int i = 0; i < 12; i++) {
		uint64_t *from = i < 6 ? &a : &b;
		out[i] = letters[*from % 64];
		*from /= 64;
	}
	return SLICE_OF(out, 12);
}

static int64_t cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + r.ru_utime.tv_usec +
	       r.ru_stime.tv_usec;
}

/* ---- a database in a file of its own ---- */

struct file {
	char path[256];
	struct sql_db *db;
	sqlite3_stmt *insert;
};

static void run(struct sql_db *db, const char *text)
{
	struct err_note note = { 0 };

	if (sql_run(db, text, &note) != ERR_OK) {
		fprintf(stderr, "%s: %s\n", text, note.text);
		abort();
	}
}

static void file_open(struct file *f, const char *folder, const char *name)
{
	struct err_note note = { 0 };

	snprintf(f->path, sizeof(f->path), "%s/%s.db", folder, name);
	CHECK(sql_open(f->path, SQL_READ_WRITE, &f->db, &note) == ERR_OK);
	CHECK(sql_migrate(f->db, "sync", sync_migrations, SYNC_MIGRATIONS, &note) == ERR_OK);
	CHECK(sqlite3_prepare_v3(sqlite_handle(f->db), insert_text, -1, SQLITE_PREPARE_PERSISTENT,
		  &f->insert, NULL) == SQLITE_OK);
}

static void file_close(struct file *f)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[300];

	sqlite3_finalize(f->insert);
	sql_close(&f->db);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path, suffixes[i]);
		unlink(path);
	}
}

static void insert(struct file *f, int64_t uid, int64_t modified_ms)
{
	char id[16];
	struct slice text = random_id(id);

	sqlite3_bind_int64(f->insert, 1, uid);
	sqlite3_bind_int64(f->insert, 2, 1);
	sqlite3_bind_text(f->insert, 3, text.ptr, (int)text.len, SQLITE_STATIC);
	sqlite3_bind_int64(f->insert, 4, modified_ms);
	sqlite3_bind_blob(f->insert, 5, payload, PAYLOAD, SQLITE_STATIC);
	CHECK(sqlite3_step(f->insert) == SQLITE_DONE);
	sqlite3_reset(f->insert);
}

/* The log is copied back now and then, in all variants alike. */
static void checkpoint(struct file *f)
{
	CHECK(sqlite3_wal_checkpoint_v2(
		  sqlite_handle(f->db), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK);
}

/* ---- uploads ---- */

static void upload_raw(struct file *f, int64_t i)
{
	int64_t uid = random_uid();

	for (int k = 0; k < RECORDS; k++) {
		insert(f, uid, 1000000 + i * 10);
	}
}

static void upload_sync(struct file *f, int64_t i)
{
	static struct buf records = { .max = MESSAGE_MAX }, message = { .max = MESSAGE_MAX };
	struct arena arena = arena_new(ARENA_MAX);
	struct txn t = { .db = f->db, .arena = &arena, .now_ms = 1000000 + i * 10 };
	struct buf reply = buf_new(64);
	struct err_note note = { 0 };
	const struct rpc_call_info info = { .from = ROLE_WEB };
	char id[16];

	buf_clear(&records);
	buf_clear(&message);
	for (int k = 0; k < RECORDS; k++) {
		sync_record_put(&records, &(struct sync_record){ .id = random_id(id),
					      .has_payload = true,
					      .payload = SLICE_OF(payload, PAYLOAD) });
	}
	sync_write_req_put(&message, &(struct sync_write_req){ .kind = SYNC_WRITE_PUT,
					 .uid = random_uid(),
					 .collection = SLICE("history"),
					 .item = SLICE_EMPTY,
					 .records = buf_slice(&records) });
	CHECK(sync_write.handle(&t, &info, buf_slice(&message), &reply, &note) == ERR_OK);
	buf_free(&reply);
	arena_reset(&arena);
}

static double measure_uploads(
    const char *folder, const char *name, void (*upload)(struct file *f, int64_t i), int64_t n)
{
	struct file f;

	file_open(&f, folder, "uploads");
	if (strcmp(name, "without indexes") == 0) {
		run(f.db, "DROP INDEX sync_bso_modified; DROP INDEX sync_bso_expiry");
	}
	int64_t begun_us = cpu_us(), wall_us = clock_mono_us();
	for (int64_t i = 0; i < n; i++) {
		if (i % PER_COMMIT == 0) {
			run(f.db, "BEGIN IMMEDIATE");
		}
		upload(&f, i);
		if (i % PER_COMMIT == PER_COMMIT - 1 || i == n - 1) {
			run(f.db, "COMMIT");
		}
		if (i % 256 == 255) {
			checkpoint(&f);
		}
	}
	double cpu = (double)(cpu_us() - begun_us) / (double)n;
	double wall = (double)(clock_mono_us() - wall_us) / (double)n;
	printf("%-28s %8.0f us CPU an upload, %6.2f a record; %8.0f uploads/s\n", name, cpu,
	    cpu / RECORDS, 1e6 / wall);
	fflush(stdout);
	file_close(&f);
	return cpu;
}

static void uploads(const char *folder, int64_t n)
{
	printf("uploads of %d records of %d bytes, %d to a commit, %d users\n", RECORDS, PAYLOAD,
	    PER_COMMIT, USERS);
	double plain = measure_uploads(folder, "without indexes", upload_raw, n);
	double raw = measure_uploads(folder, "SQLite alone", upload_raw, n);
	double sync = measure_uploads(folder, "sync.write", upload_sync, n);
	printf("sync.write reaches %.2f of SQLite alone, %.2f of the key alone\n", raw / sync,
	    plain / sync);
}

/* ---- layout ---- */

enum layout {
	ONE_FILE,
	SOME_FILES,
	FILE_PER_USER
};

static void syncs_of_users(const char *folder, struct file *files, enum layout layout, int64_t i)
{
	int64_t uids[WAITING];
	unsigned n = layout == ONE_FILE ? 1 : FILES;

	for (int k = 0; k < WAITING; k++) {
		uids[k] = random_uid() % 500; /* so few that each file is met several times */
	}
	if (layout == FILE_PER_USER) {
		for (int k = 0; k < WAITING; k++) {
			char name[32];
			struct file f;
			snprintf(name, sizeof(name), "user%lld", (long long)uids[k]);
			file_open(&f, folder, name);
			run(f.db, "BEGIN IMMEDIATE");
			for (int r = 0; r < SYNC_RECORDS; r++) {
				insert(&f, uids[k], 1000000 + i * 10);
			}
			run(f.db, "COMMIT");
			sqlite3_finalize(f.insert);
			sql_close(&f.db);
		}
		return;
	}
	for (unsigned k = 0; k < n; k++) {
		run(files[k].db, "BEGIN IMMEDIATE");
	}
	for (int k = 0; k < WAITING; k++) {
		for (int r = 0; r < SYNC_RECORDS; r++) {
			insert(&files[uids[k] % n], uids[k], 1000000 + i * 10);
		}
	}
	for (unsigned k = 0; k < n; k++) {
		run(files[k].db, "COMMIT");
	}
}

static void measure_layout(const char *folder, const char *name, enum layout layout, int64_t n)
{
	struct file files[FILES];
	char file[32];

	for (int k = 0; k < FILES && layout != FILE_PER_USER; k++) {
		snprintf(file, sizeof(file), "part%d", k);
		file_open(&files[k], folder, file);
	}
	int64_t begun_us = cpu_us(), wall_us = clock_mono_us();
	for (int64_t i = 0; i < n; i++) {
		syncs_of_users(folder, files, layout, i);
	}
	double syncs = (double)n * WAITING;
	double cpu = (double)(cpu_us() - begun_us), wall = (double)(clock_mono_us() - wall_us);
	printf("%-28s %8.0f syncs/s, %6.0f us CPU a sync\n", name, syncs * 1e6 / wall, cpu / syncs);
	fflush(stdout);
	for (int k = 0; k < FILES && layout != FILE_PER_USER; k++) {
		file_close(&files[k]);
	}
}

static void layouts(const char *folder)
{
	printf(
	    "\nlayout: %d records of a sync, %d users waiting at a time\n", SYNC_RECORDS, WAITING);
	measure_layout(folder, "one file", ONE_FILE, 300);
	measure_layout(folder, "eight files", SOME_FILES, 300);
	measure_layout(folder, "a file for each user", FILE_PER_USER, 30);
}

int main(int argc, char **argv)
{
	char folder[200], command[256];

	snprintf(folder, sizeof(folder), "%s/sync-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	CHECK(mkdtemp(folder) != NULL);
	memset(payload, 'p', sizeof(payload));
	int64_t n = argc > 2 ? atoll(argv[2]) : 2000;
	if (argc > 3 && strcmp(argv[3], "alone") == 0) {
		(void)measure_uploads(folder, "SQLite alone", upload_raw, n);
	} else {
		uploads(folder, n);
		layouts(folder);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? 0 : 1;
}
