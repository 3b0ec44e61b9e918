/*
 * See store_rig.h.
 */
#include "core/store/store_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"

enum {
	RIG_MAX_VALUE = 512 * 1024,
	RIG_MAX_REPLY = 64,
	RIG_TASKS = 4096
};

const struct migration rig_migrations[] = {
	{ 1, "CREATE TABLE item (id BIGINT PRIMARY KEY, value TEXT NOT NULL);"
	     "CREATE TABLE journal (seq {{SERIAL}}, item_id BIGINT NOT NULL);"
	     "CREATE INDEX journal_item ON journal (item_id)" },
};

enum {
	PUT_ITEM,
	PUT_JOURNAL,
	GET_ITEM
};

static const struct sql_stmt stmts[] = {
	[PUT_ITEM] = { .name = "rig.put_item",
	    .text = "INSERT INTO item (id, value) VALUES (:id, :value)"
		    " ON CONFLICT (id) DO UPDATE SET value = excluded.value",
	    .flags = SQL_WRITES },
	[PUT_JOURNAL] = { .name = "rig.put_journal",
	    .text = "INSERT INTO journal (item_id) VALUES (:id)",
	    .flags = SQL_WRITES },
	[GET_ITEM] = { .name = "rig.get_item", .text = "SELECT value FROM item WHERE id = :id" },
};
const struct sql_table rig_stmts = { stmts, sizeof(stmts) / sizeof(stmts[0]) };

struct rig_request {
	enum rig_mode mode;
	int64_t id;
	struct slice value;
};

static struct rig_request take_request(struct slice message)
{
	struct wire_reader r = wire_reader_new(message);
	struct rig_request q = { .mode = (enum rig_mode)wire_take_u8(&r) };

	q.id = wire_take_i64(&r);
	q.value = wire_take_bytes(&r);
	CHECK(wire_done(&r));
	return q;
}

static enum err put_item(struct txn *t, const struct rig_request *r, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &stmts[PUT_ITEM], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->id);
	sql_bind_text(q, "value", r->value);
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err put_journal(struct txn *t, const struct rig_request *r, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &stmts[PUT_JOURNAL], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->id);
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static void count_hook(void *env)
{
	struct rig *r = env;

	r->hooks++;
}

static void burn(struct slice text)
{
	uint64_t us = 0;
	int64_t begun_us = clock_mono_us();

	CHECK(slice_to_u64(text, 1000000, &us) == ERR_OK);
	while (clock_mono_us() - begun_us < (int64_t)us) {
	}
}

static enum err put(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct rig_request r = take_request(req);
	struct txn *t = role_state;
	struct rig *rig = t->env;
	enum err e;

	(void)info;
	rig->functions++;
	if (r.mode == RIG_PUT_SLOWLY) {
		burn(r.value);
	}
	e = put_item(t, &r, note);
	if (e == ERR_OK) {
		e = put_journal(t, &r, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (r.mode == RIG_PUT_THEN_FAIL) {
		return err_note_set(note, ERR_CONFLICT, "asked to fail");
	}
	if (r.mode == RIG_PUT_AND_HOOK) {
		t->after_commit[t->n_after++] = count_hook;
	}
	for (int i = 0; r.mode == RIG_PUT_LONG_REPLY && i <= RIG_MAX_REPLY; i++) {
		buf_append_char(reply, 'x');
	}
	buf_append_str(reply, "done");
	return ERR_OK;
}

static enum err get(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct rig_request r = take_request(req);
	struct txn *t = role_state;
	struct sql_query *q;
	enum err e;

	(void)info;
	if (r.mode == RIG_PUT_IN_READ) {
		return put_item(t, &r, note);
	}
	e = sql_begin(t->db, &stmts[GET_ITEM], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r.id);
	e = sql_step(q);
	if (e == ERR_OK) {
		buf_append_slice(reply, slice_sub(sql_col_text(q, 0), 0, RIG_MAX_REPLY));
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

static const struct rpc_def put_def = { .name = "rig.put",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = RIG_MAX_VALUE + 32,
	.max_rep = RIG_MAX_REPLY,
	.deadline_ms = 20000,
	.cost_us = 50,
	.flags = RPC_TXN,
	.handle = put };
static const struct rpc_def get_def = { .name = "rig.get",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 1024,
	.max_rep = RIG_MAX_REPLY,
	.deadline_ms = 20000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = get };
static const struct rpc_def *const defs[] = { &put_def, &get_def };
static const struct rpc_registry registry = { defs, 2 };

static void open_metrics(struct rig *r)
{
	size_t bytes;

	CHECK(metric_schema_new(&r->schema) == ERR_OK);
	store_metric_schema(r->schema, &rig_stmts, 1);
	bytes = metrics_block_bytes(r->schema, 1);
	r->block = metrics_block_new(r->schema, 1);
	CHECK(r->block != NULL);
	CHECK(metrics_open(r->schema, r->block, bytes, 1, 0, &r->metrics) == ERR_OK);
}

static void open_pool(struct rig *r, unsigned i, int fd)
{
	CHECK(rpc_pool_new(r->loop, &registry, ROLE_WEB, ROLE_STORE, RPC_MAX_CREDITS,
		  &r->pool[i]) == ERR_OK);
	CHECK(rpc_pool_add(r->pool[i], 0, fd) == ERR_OK);
}

void rig_serve(struct rig *r, int fd)
{
	CHECK(rpc_server_add(r->server, ROLE_WEB, fd) == ERR_OK);
}

void rig_open_callers(struct rig *r, int fd)
{
	*r = (struct rig){ 0 };
	CHECK(loop_open(RIG_TASKS, &r->loop) == ERR_OK);
	open_pool(r, 0, fd);
}

static void connect_pool(struct rig *r, unsigned i)
{
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	open_pool(r, i, fds[0]);
	rig_serve(r, fds[1]);
}

void rig_open(struct rig *r, const char *data_dir, bool with_thread)
{
	struct err_note note = { 0 };
	struct rpc_executor ex;
	enum err e;

	*r = (struct rig){ 0 };
	CHECK(loop_open(RIG_TASKS, &r->loop) == ERR_OK);
	open_metrics(r);
	e = store_open(r->loop, data_dir, r, r->metrics, &r->store, &note);
	if (e == ERR_OK) {
		e = sql_migrate(store_db(r->store), "rig", rig_migrations, RIG_MIGRATIONS, &note);
	}
	if (e == ERR_OK && with_thread) {
		e = store_start(r->store, &note);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "rig: %s: %s\n", err_text(e), note.text);
	}
	CHECK(e == ERR_OK);
	ex = store_executor(r->store);
	CHECK(rpc_server_new(r->loop, &registry, ROLE_STORE, &ex, &r->server) == ERR_OK);
	store_set_server(r->store, r->server);
	connect_pool(r, 0);
	connect_pool(r, 1);
}

void rig_close(struct rig *r)
{
	CHECK(r->running == 0);
	rpc_pool_free(&r->pool[0]);
	rpc_pool_free(&r->pool[1]);
	store_set_server(r->store, NULL);
	rpc_server_free(&r->server);
	store_close(&r->store);
	loop_close(&r->loop);
	metrics_close(&r->metrics);
	metric_schema_free(&r->schema);
	free(r->block);
}

enum err rig_call_now(struct rig *r, struct rig_call *c)
{
	bool reads = c->mode == RIG_GET || c->mode == RIG_PUT_IN_READ;
	struct buf message = buf_new(RIG_MAX_VALUE + 32);
	struct arena arena = arena_new(4096);
	struct slice reply = SLICE_EMPTY;

	memset(&c->note, 0, sizeof(c->note));
	wire_put_u8(&message, (uint8_t)c->mode);
	wire_put_i64(&message, c->id);
	wire_put_bytes(&message, c->value);
	CHECK(!message.failed);
	c->e = rpc_call(r->pool[c->pool], reads ? &get_def : &put_def, buf_slice(&message),
	    c->timeout_us == 0 ? DEADLINE_NONE : clock_mono_us() + c->timeout_us, 1, &arena, &reply,
	    &c->note);
	snprintf(c->reply, sizeof(c->reply), "%.*s", SLICE_ARG(reply));
	arena_reset(&arena);
	buf_free(&message);
	return c->e;
}

static void call_task(void *arg)
{
	struct rig_call *c = arg;

	(void)rig_call_now(c->rig, c);
	if (c->ended != NULL) {
		c->ended(c);
	}
	c->task = NULL;
	if (--c->rig->running == 0) {
		loop_stop(c->rig->loop);
	}
}

void rig_start(struct rig *r, struct rig_call *c)
{
	c->rig = r;
	r->running++;
	CHECK(task_spawn(r->loop, call_task, c, DEADLINE_NONE, &c->task) == ERR_OK);
}

void rig_finish(struct rig *r)
{
	while (r->running > 0) {
		loop_run(r->loop);
	}
}

enum err rig_do(struct rig *r, enum rig_mode mode, int64_t id, const char *value)
{
	struct rig_call c = { .mode = mode, .id = id, .value = slice_str(value) };

	rig_start(r, &c);
	rig_finish(r);
	return c.e;
}
