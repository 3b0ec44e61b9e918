/*
 * The store engine's life and queues. Requests are queued as they arrive; after each round of the
 * loop the check hook answers the reads and commits the writes. Reads (rows without RPC_TXN) run
 * before the batch and outside of any transaction, so that nobody is ever told of a write that a
 * failing commit takes back; the connection refuses them to write.
 */
#include "core/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/store/sqlite.h"
#include "core/store/store_priv.h"

enum {
	FIRST_WORK_US = 50, /* guesses until measured */
	FIRST_COMMIT_US = 2000
};

static struct list *queue_of(struct store *s, const struct rpc_def *def, unsigned **ret_count)
{
	bool writes = (def->flags & RPC_TXN) != 0;

	*ret_count = writes ? &s->n_writes : &s->n_reads;
	return writes ? &s->writes : &s->reads;
}

/* What a request that arrives now would wait for its answer. */
static int64_t expected_wait_us(const struct store *s)
{
	int64_t n = (int64_t)s->n_writes + s->n_reads;

	return n * s->work_us + (1 + n / STORE_BATCH_MAX) * s->commit_us;
}

static void publish(struct store *s)
{
	unsigned n = s->n_reads + s->n_writes;
	int64_t wait_us = expected_wait_us(s);

	if (s->server != NULL) {
		rpc_server_set_queue(s->server, n, wait_us);
	}
	if (s->cells.slot != NULL) {
		metric_set(&s->cells.slot->queue_len, n);
		metric_set(&s->cells.slot->queue_wait_us, wait_us);
	}
}

void store_answer_error(struct store *s, struct rpc_request *q, enum err e, enum store_outcome o)
{
	metric_add(s->cells.outcome[o], 1);
	rpc_reply(q, e, SLICE_EMPTY, NULL);
}

/* ---- executor ---- */

static void on_request(void *arg, struct rpc_request *q)
{
	struct store *s = arg;
	struct rpc_request_view v = rpc_request_view(q);
	unsigned *count;
	struct list *queue = queue_of(s, v.def, &count);

	if (s->read_only && (v.def->flags & RPC_TXN) != 0) {
		store_answer_error(s, q, ERR_READ_ONLY, STORE_REFUSED);
		return;
	}
	if (s->n_reads + s->n_writes >= STORE_QUEUE_MAX ||
	    v.arrived_us + expected_wait_us(s) >= v.info.deadline_us) {
		store_answer_error(s, q, ERR_TOO_BUSY, STORE_REFUSED);
		return;
	}
	list_push(queue, rpc_request_node(q));
	*count += 1;
	publish(s);
}

/* The caller has given up. Requests of the batch that is being answered are in no queue. */
static void on_cancel(void *arg, struct rpc_request *q)
{
	struct store *s = arg;
	struct list *node = rpc_request_node(q);
	unsigned *count;

	if (!list_is_empty(node)) {
		(void)queue_of(s, rpc_request_view(q).def, &count);
		*count -= 1;
		list_remove(node);
		store_answer_error(s, q, ERR_CANCELLED, STORE_CANCELLED);
	}
}

static void run_read(struct store *s, struct rpc_request *q)
{
	struct rpc_request_view v = rpc_request_view(q);
	struct arena arena = arena_new(STORE_ARENA_MAX);
	struct txn t = { .db = s->db, .arena = &arena, .now_ms = clock_wall_ms(), .env = s->env };
	struct buf reply = buf_new(v.def->max_rep);
	struct err_note note = { 0 };
	struct slice bytes = SLICE_EMPTY;
	int64_t begun_us = clock_mono_us();
	uint64_t before = trace_set(v.info.trace);
	enum err e = v.def->handle(&t, &v.info, v.payload, &reply, &note);

	(void)trace_set(before);

	CHECK(sql_running(s->db) == 0 && t.n_after == 0);
	if (e == ERR_OK) {
		e = buf_finish(&reply, &bytes);
	}
	metric_add(s->cells.reads, 1);
	rpc_request_ran(q, clock_mono_us() - begun_us);
	rpc_reply(q, e, e == ERR_OK ? bytes : SLICE_EMPTY, e == ERR_OK ? NULL : &note);
	buf_free(&reply);
	arena_reset(&arena);
}

static void run_reads(struct store *s)
{
	int64_t begun_us = clock_mono_us(), now_us = begun_us;
	struct list *node;

	sql_refuse_writes(s->db, true);
	for (unsigned n = 0; n < STORE_BATCH_MAX && now_us - begun_us < s->batch_work_us; n++) {
		node = list_pop(&s->reads);
		if (node == NULL) {
			break;
		}
		struct rpc_request *q = rpc_request_of(node);
		s->n_reads--;
		if (rpc_request_view(q).info.deadline_us <= now_us) {
			store_answer_error(s, q, ERR_DEADLINE, STORE_EXPIRED);
		} else {
			run_read(s, q);
		}
		now_us = clock_mono_us();
	}
	sql_refuse_writes(s->db, false);
}

/* The check hook: once per round of the loop. */
static void on_round(void *arg)
{
	struct store *s = arg;
	bool may_write;

	if (s->n_reads + s->n_writes == 0) {
		return;
	}
	run_reads(s);
	may_write = s->n_writes > 0 && checkpointer_enter(s->checkpointer);
	if (may_write) {
		store_commit(s);
		checkpointer_leave(s->checkpointer, s->wal_bytes);
		metric_set(s->cells.wal_bytes, s->wal_bytes);
	}
	publish(s);
	if (s->n_reads > 0 || (may_write && s->n_writes > 0)) {
		loop_again(s->loop);
	}
}

/* The gate is open again: the round that this wakes does the rest. */
static void on_gate_opened(void *arg)
{
	struct store *s = arg;

	loop_again(s->loop);
}

static int on_wal_commit(void *arg, sqlite3 *handle, const char *schema, int frames)
{
	enum {
		FRAME_BYTES = 4096 + 24
	};
	struct store *s = arg;

	(void)handle;
	(void)schema;
	s->wal_bytes = (int64_t)frames * FRAME_BYTES;
	return SQLITE_OK;
}

/* ---- life ---- */

enum err store_db_path(const char *data_dir, char *out, size_t out_size)
{
	int n = snprintf(out, out_size, "%s/db/plimsoll.db", data_dir);

	return n > 0 && (size_t)n < out_size ? ERR_OK : ERR_LIMIT;
}

static enum err make_folder(const char *data_dir, struct err_note *note)
{
	char path[STORE_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/db", data_dir);

	CHECK(n > 0 && (size_t)n < sizeof(path)); /* store_db_path() was longer */
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return err_note_set(
		    note, err_from_errno(errno), "folder %s: %s", path, strerror(errno));
	}
	return ERR_OK;
}

enum err store_open(struct loop *l, const char *data_dir, void *env, struct metrics *metrics,
    struct store **ret, struct err_note *note)
{
	char path[STORE_PATH_MAX];
	struct checkpoint_cells cells = store_checkpoint_cells(metrics);
	struct store *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the store");
	}
	s->loop = l;
	s->env = env;
	s->batch_work_us = STORE_BATCH_WORK_US;
	s->work_us = FIRST_WORK_US;
	s->commit_us = FIRST_COMMIT_US;
	list_init(&s->reads);
	list_init(&s->writes);
	store_cells_find(&s->cells, metrics);
	e = store_db_path(data_dir, path, sizeof(path));
	if (e != ERR_OK) {
		e = err_note_set(note, ERR_CONFIG, "the path of the data folder is too long");
		goto fail;
	}
	e = make_folder(data_dir, note);
	if (e == ERR_OK) {
		e = sql_open(path, SQL_READ_WRITE, &s->db, note);
	}
	if (e == ERR_OK) {
		e = store_settle_log(s->db, note);
	}
	if (e == ERR_OK) {
		e = checkpointer_open(l, path, &cells, on_gate_opened, s, &s->checkpointer, note);
	}
	if (e == ERR_OK) {
		e = store_timing_new(metrics, &s->timing);
	}
	if (e != ERR_OK) {
		goto fail;
	}
	store_timing_attach(s->timing, s->db);
	sqlite3_wal_hook(sqlite_handle(s->db), on_wal_commit, s);
	loop_on_check(l, on_round, s);
	*ret = s;
	return ERR_OK;
fail:
	store_close(&s);
	return e;
}

enum err store_start(struct store *s, struct err_note *note)
{
	return checkpointer_start(s->checkpointer, note);
}

static void refuse_all(struct store *s, struct list *queue)
{
	struct list *node;

	while ((node = list_pop(queue)) != NULL) {
		store_answer_error(s, rpc_request_of(node), ERR_DRAINING, STORE_REFUSED);
	}
}

void store_close(struct store **sp)
{
	struct store *s = *sp;

	if (s == NULL) {
		return;
	}
	refuse_all(s, &s->reads);
	refuse_all(s, &s->writes);
	checkpointer_close(&s->checkpointer);
	sql_close(&s->db);
	store_timing_free(&s->timing);
	free(s);
	*sp = NULL;
}

void store_set_read_only(struct store *s, bool on)
{
	s->read_only = on;
}

struct sql_db *store_db(struct store *s)
{
	return s->db;
}

struct rpc_executor store_executor(struct store *s)
{
	return (struct rpc_executor){ .execute = on_request, .cancel = on_cancel, .arg = s };
}

void store_set_server(struct store *s, struct rpc_server *server)
{
	s->server = server;
	publish(s);
}

void store_set_slow(struct store *s, int64_t slow_us)
{
	store_timing_set_slow(s->timing, slow_us);
}
