/*
 * Power cuts under the transaction functions of sync: users put records, upload batches, delete
 * some, a collection and everything, while what is deleted is swept up, on a disk that fails and
 * loses its power at a random call (core/store/fault_disk.h). After each cut the database is sound,
 * the totals are right, every user's store is as after the last change that was acknowledged or
 * the one after it (so no batch is torn), and no stamp has fallen.
 *
 * POWER_ROUNDS (20; make soak takes 1,000) and POWER_SEED (printed) repeat a run's plans.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "accounts/accounts.h"
#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/ev/task.h"
#include "core/role/data_dir.h"
#include "core/store/fault_disk.h"
#include "core/store/store.h"
#include "services/sync/meta.h"
#include "services/sync/purge.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync.h"
#include "services/sync/write.h"

enum {
	ROUNDS = 20,
	FRESH_EACH = 5, /* every so many rounds begin in an empty folder */
	WRITERS = 16,
	CALLS_MAX = 1500, /* the cut comes within so many calls */
	LIFE_MS = 1500,
	USERS_PER_LIFE = 1000000,
	SAID_MAX = 200000,
	LIFE_ENDED = 4, /* exit code: an error, as after a failed write */
	RESTARTS_MAX = 10,
	MESSAGE_MAX = 64 * 1024,
	PAYLOAD = 450
};

/* What a user does one after the other, and how many records two collections hold afterwards. */
static const struct step {
	enum sync_write_kind kind;
	const char *collection;
	int from, to; /* numbers of records */
	int a, b;     /* -1: the collection is not there */
} steps[] = {
	{ SYNC_WRITE_PUT, "a", 0, 7, 7, -1 },
	{ SYNC_WRITE_APPEND, "b", 0, 5, 7, -1 },
	{ SYNC_WRITE_APPEND, "b", 4, 9, 7, -1 },
	{ SYNC_WRITE_COMMIT, "b", 9, 12, 7, 12 },
	{ SYNC_WRITE_PUT, "a", 5, 9, 9, 12 },
	{ SYNC_WRITE_DELETE_IDS, "a", 0, 3, 6, 12 },
	{ SYNC_WRITE_DELETE_COLLECTION, "a", 0, 0, -1, 12 },
	{ SYNC_WRITE_PUT, "a", 0, 2, 2, 12 },
	{ SYNC_WRITE_DELETE_ALL, "", 0, 0, -1, -1 },
};

enum {
	STEPS = sizeof(steps) / sizeof(steps[0])
};

/* Written to the pipe whole: the user's change number step is acknowledged with that stamp. */
struct said {
	int64_t uid, step, stamp_ms;
};

static const struct rpc_def *const defs[] = { &sync_write, &sync_purge };
static const struct rpc_registry registry = { defs, sizeof(defs) / sizeof(defs[0]) };
/* The purge asks accounts whose stores nobody owns any more. */
static const struct service *const services[] = { &accounts_service, &sync_service };
enum {
	N_SERVICES = 2
};

/* ---- a life: store and callers in one process ---- */

static struct life {
	struct svc_env env;
	struct metric_schema *schema;
	struct store *store;
	struct rpc_server *server;
	struct rpc_pool *web, *admin;
	int64_t next_uid;
	int said_fd;
} life;

static void fill(struct buf *records, const struct step *s)
{
	static char payload[PAYLOAD];
	char id[24];

	memset(payload, 'p', sizeof(payload));
	for (int i = s->from; i < s->to; i++) {
		snprintf(id, sizeof(id), "record%d", i);
		bool is_delete = s->kind == SYNC_WRITE_DELETE_IDS;
		sync_record_put(records, &(struct sync_record){ .id = slice_str(id),
					     .has_payload = !is_delete,
					     .payload = SLICE_OF(payload, PAYLOAD) });
	}
}

/* False: it failed, and nobody knows whether it was done. */
static bool take_step(int64_t uid, const struct step *s, int64_t *batch, int64_t *ret_stamp)
{
	struct buf records = buf_new(MESSAGE_MAX), message = buf_new(MESSAGE_MAX);
	struct arena arena = arena_new(MESSAGE_MAX);
	struct slice reply = SLICE_EMPTY;
	struct err_note note = { 0 };
	struct sync_written w;

	fill(&records, s);
	sync_write_req_put(&message, &(struct sync_write_req){ .kind = s->kind,
					 .uid = uid,
					 .collection = slice_str(s->collection),
					 .item = SLICE_EMPTY,
					 .batch = *batch,
					 .batch_lifetime_ms = 3600000,
					 .max_total_records = 100,
					 .max_total_bytes = 1000000,
					 .records = buf_slice(&records) });
	enum err e = rpc_call(
	    life.web, &sync_write, buf_slice(&message), DEADLINE_NONE, 1, &arena, &reply, &note);
	if (e == ERR_OK) {
		CHECK(sync_written_take(reply, &w) && w.outcome == SYNC_DONE);
		*batch = w.batch;
		*ret_stamp = w.stamp_ms;
	}
	buf_free(&records);
	buf_free(&message);
	arena_reset(&arena);
	return e == ERR_OK;
}

static void user_task(void *arg)
{
	(void)arg;
	for (;;) {
		int64_t uid = life.next_uid++, batch = 0, stamp_ms = 0;
		for (int i = 0; i < STEPS; i++) {
			if (!take_step(uid, &steps[i], &batch, &stamp_ms)) {
				_exit(LIFE_ENDED);
			}
			const struct said s = { uid, i, stamp_ms };
			CHECK(write(life.said_fd, &s, sizeof(s)) == sizeof(s));
			if (uid % STEPS == i) {
				break; /* some stores stay as they are at each step */
			}
		}
	}
}

static void purge_task(void *arg)
{
	(void)arg;
	for (;;) {
		struct arena arena = arena_new(4096);
		struct slice reply = SLICE_EMPTY;
		struct err_note note = { 0 };
		if (rpc_call(life.admin, &sync_purge, SLICE_EMPTY, DEADLINE_NONE, 1, &arena, &reply,
			&note) != ERR_OK ||
		    task_sleep(1000) != ERR_OK) {
			_exit(LIFE_ENDED);
		}
		arena_reset(&arena);
	}
}

static void end_task(void *arg)
{
	(void)arg;
	if (task_sleep((int64_t)LIFE_MS * 1000) == ERR_OK) {
		fault_disk_cut();
	}
}

static void must(enum err e)
{
	if (e != ERR_OK) {
		_exit(LIFE_ENDED);
	}
}

static void open_metrics(const struct sql_table *tables)
{
	CHECK(metric_schema_new(&life.schema) == ERR_OK);
	store_metric_schema(life.schema, tables, N_SERVICES);
	size_t bytes = metrics_block_bytes(life.schema, 1);
	void *block = metrics_block_new(life.schema, 1);
	CHECK(block != NULL);
	CHECK(metrics_open(life.schema, block, bytes, 1, 0, &life.env.metrics) == ERR_OK);
}

static void connect_role(enum role_id from, struct rpc_pool **ret)
{
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	CHECK(rpc_pool_new(life.env.loop, &registry, from, ROLE_STORE, 64, ret) == ERR_OK);
	CHECK(rpc_pool_add(*ret, 0, fds[0]) == ERR_OK);
	CHECK(rpc_server_add(life.server, from, fds[1]) == ERR_OK);
}

_Noreturn static void live(const char *data_dir, int64_t first_uid, int said_fd)
{
	static char absolute[DATA_DIR_MAX];
	struct err_note note = { 0 };
	const struct sql_table tables[N_SERVICES] = { accounts_service.stmts, sync_service.stmts };
	int lock = -1;

	must(data_dir_open(data_dir, absolute, &lock, &note));
	life = (struct life){ .next_uid = first_uid, .said_fd = said_fd };
	life.env = (struct svc_env){ .role = ROLE_STORE,
		.data_dir = absolute,
		.services = services,
		.n_services = N_SERVICES };
	CHECK(loop_open(WRITERS + 8, &life.env.loop) == ERR_OK);
	open_metrics(tables);
	must(store_open(life.env.loop, absolute, &life.env, life.env.metrics, &life.store, &note));
	for (unsigned i = 0; i < N_SERVICES; i++) {
		const struct service *s = services[i];
		must(sql_migrate(
		    store_db(life.store), s->name, s->migrations, s->n_migrations, &note));
	}
	must(store_start(life.store, &note));
	struct rpc_executor ex = store_executor(life.store);
	CHECK(rpc_server_new(life.env.loop, &registry, ROLE_STORE, &ex, &life.server) == ERR_OK);
	store_set_server(life.store, life.server);
	connect_role(ROLE_WEB, &life.web);
	connect_role(ROLE_ADMIN, &life.admin);
	for (int i = 0; i < WRITERS; i++) {
		CHECK(task_spawn(life.env.loop, user_task, NULL, DEADLINE_NONE, NULL) == ERR_OK);
	}
	CHECK(task_spawn(life.env.loop, purge_task, NULL, DEADLINE_NONE, NULL) == ERR_OK);
	CHECK(task_spawn(life.env.loop, end_task, NULL, DEADLINE_NONE, NULL) == ERR_OK);
	for (;;) {
		loop_run(life.env.loop);
	}
}

/* ---- rounds ---- */

struct book {
	struct said said[SAID_MAX];
	unsigned n, acknowledged, cuts, restarts, unknown;
	int64_t next_uid;
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static struct fault_plan plan_of(uint64_t seed, uint64_t round)
{
	static const enum fault_kind kinds[] = { FAULT_NONE, FAULT_NONE, FAULT_WRITE, FAULT_SHORT,
		FAULT_SYNC, FAULT_ANY };
	uint64_t z = (seed + round) * 0x9e3779b97f4a7c15u;

	z ^= z >> 29;
	return (struct fault_plan){ .seed = z,
		.cut_at = 1 + (unsigned)(z % CALLS_MAX),
		.keep_some = (z >> 20) % 2 == 0,
		.kind = kinds[(z >> 24) % 6],
		.fail_at = 1 + (unsigned)((z >> 32) % 300),
		.fail_n = 1 + (unsigned)((z >> 48) % 3),
		.fail_errno = (z >> 56) % 2 == 0 ? EIO : ENOSPC };
}

/* One process. True: it ended by itself, and another may follow on the same disk. */
static bool live_once(const char *data_dir, struct book *b)
{
	struct said s;
	int fds[2], status;

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		fault_disk_use();
		live(data_dir, b->next_uid, fds[1]);
	}
	close(fds[1]);
	b->next_uid += USERS_PER_LIFE;
	while (read(fds[0], &s, sizeof(s)) == sizeof(s)) {
		assert_true(b->n < SAID_MAX);
		b->said[b->n++] = s;
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && fault_disk_was_cut()) {
		b->cuts++;
		return false;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != LIFE_ENDED || fault_disk_faults() == 0) {
		fail_msg("a life ended with status %x", (unsigned)status);
	}
	b->restarts++;
	return true;
}

static int64_t count_of(struct sync_meta *m, const char *name)
{
	const struct sync_collection *c = sync_meta_find(m, slice_str(name));

	return c == NULL ? -1 : c->count;
}

/* s is the last that was acknowledged to its user. */
static void check_user(struct sql_db *db, const struct said *s, struct book *b)
{
	struct arena arena = arena_new(64 * 1024);
	struct sync_meta *m = sync_meta_new(&arena, s->uid);
	struct err_note note = { 0 };
	int64_t next = s->step + 1 < STEPS ? s->step + 1 : s->step;

	if (sync_meta_load(db, m, false, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	int64_t in_a = count_of(m, "a"), in_b = count_of(m, "b");
	bool is_there = in_a == steps[s->step].a && in_b == steps[s->step].b;
	bool is_next = in_a == steps[next].a && in_b == steps[next].b;
	if ((!is_there && !is_next) || m->last_ms < s->stamp_ms) {
		fail_msg("user %lld after step %lld: %lld records in a, %lld in b, last stamp %lld "
			 "of %lld",
		    (long long)s->uid, (long long)s->step, (long long)in_a, (long long)in_b,
		    (long long)m->last_ms, (long long)s->stamp_ms);
	}
	b->unknown += is_there ? 0 : 1;
	arena_reset(&arena);
}

static int by_user(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	return x->uid != y->uid ? (x->uid > y->uid) - (x->uid < y->uid)
				: (x->step > y->step) - (x->step < y->step);
}

static void check_all(const char *path, struct book *b)
{
	const struct service *s = &sync_service;
	struct err_note note = { 0 };
	struct sql_db *db = NULL;

	if (sql_open(path, SQL_READ_WRITE, &db, &note) != ERR_OK ||
	    sql_migrate(db, s->name, s->migrations, s->n_migrations, &note) != ERR_OK ||
	    s->audit(db, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	qsort(b->said, b->n, sizeof(b->said[0]), by_user);
	for (unsigned i = 0; i < b->n; i++) {
		const struct said *t = &b->said[i];
		bool is_last = i + 1 == b->n || t[1].uid != t->uid;
		if (!is_last && t->stamp_ms > 0 && t[1].stamp_ms > 0 &&
		    t[1].stamp_ms <= t->stamp_ms) {
			fail_msg("user %lld: a stamp fell", (long long)t->uid);
		}
		if (is_last) {
			check_user(db, t, b);
		}
	}
	sql_close(&db);
}

static void test_power_cuts_lose_no_change(void **state)
{
	uint64_t rounds = setting("POWER_ROUNDS", ROUNDS);
	uint64_t seed = setting("POWER_SEED", 1 + rng_below(1000000000));
	struct book *b = calloc(1, sizeof(*b));
	char root[64] = "/tmp/sync-power-XXXXXX", data[80], folder[96], path[128];

	(void)state;
	assert_non_null(b);
	print_message("POWER_SEED=%llu\n", (unsigned long long)seed);
	assert_non_null(mkdtemp(root));
	snprintf(data, sizeof(data), "%s/data", root);
	snprintf(folder, sizeof(folder), "%s/db", data);
	snprintf(path, sizeof(path), "%s/plimsoll.db", folder);
	for (uint64_t round = 0; round < rounds; round++) {
		const struct fault_plan plan = plan_of(seed, round);
		if (round % FRESH_EACH == 0) {
			fault_disk_remove(root);
			assert_int_equal(mkdir(root, 0700), 0);
			b->n = 0;
			b->next_uid = 1;
		}
		fault_disk_new(root, &plan);
		unsigned lives = 0;
		while (live_once(data, b) && ++lives < RESTARTS_MAX) {
		}
		mkdir(data, 0700);
		mkdir(folder, 0700);
		check_all(path, b);
		b->acknowledged = b->n > b->acknowledged ? b->n : b->acknowledged;
	}
	print_message("%u changes acknowledged at most on one disk, %u cuts, %u restarts, %u done "
		      "and not told\n",
	    b->acknowledged, b->cuts, b->restarts, b->unknown);
	assert_true(b->acknowledged > 100 && b->cuts > rounds / 3);
	fault_disk_remove(root);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_power_cuts_lose_no_change) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
