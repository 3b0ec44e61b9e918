/*
 * Keys of the tally are the message's: a kind and five texts, as wire.h writes them.
 */
#include "services/symbols/missing.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/store/store.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/tally.h"

enum {
	KEYS_MAX = 16384, /* different ones between two sendings, in this process */
	LOOK_MS = 1000,
	ROW_REST_US = 2500, /* after each row that was sent: 400 rows a second in the long run */
	REST_MAX_US = 10000000,
	ROWS_PER_CALL = 200,
	MESSAGE_MAX = ROWS_PER_CALL * (TALLY_KEY_MAX + 16),
	SEND_DEADLINE_US = 10000000,
	DAY_MS = 86400000,
	HOUR_MS = 3600000,
};

enum kind {
	KIND_MISS,
	KIND_USE,
	KIND_USE_TRY,
	KINDS
};

struct symbols_counts {
	struct svc_env *env;
	struct tally *tally;
	struct buf key; /* of the row that is being counted; its memory stays */
	bool sending;
	int64_t rest_until_us;
	int64_t lost; /* counts that found no room since it was last said */
};

struct row {
	enum kind kind;
	struct symbol_key key;
	struct slice code_file, code_id;
};

static void row_put(struct buf *out, const struct row *r)
{
	wire_put_u8(out, (uint8_t)r->kind);
	wire_put_bytes(out, r->key.debug_file);
	wire_put_bytes(out, r->key.debug_id);
	wire_put_bytes(out, r->key.file);
	wire_put_bytes(out, r->code_file);
	wire_put_bytes(out, r->code_id);
}

static void row_take(struct wire_reader *r, struct row *ret)
{
	uint8_t kind = wire_take_u8(r);

	CHECK(kind < KINDS);
	*ret = (struct row){ .kind = (enum kind)kind, .key.debug_file = wire_take_bytes(r) };
	ret->key.debug_id = wire_take_bytes(r);
	ret->key.file = wire_take_bytes(r);
	ret->code_file = wire_take_bytes(r);
	ret->code_id = wire_take_bytes(r);
}

/* ---- web: sending ---- */

/* What cannot be told now is counted again, unless it may have been written. */
static void put_back(struct symbols_counts *c, struct slice message)
{
	struct wire_reader r = wire_reader_new(message);

	while (r.rest.len > 0) {
		int64_t n = wire_take_i64(&r);
		struct slice key = wire_take_bytes(&r);
		c->lost += tally_add(c->tally, key, n) ? 0 : n;
	}
}

static enum err send_some(struct symbols_counts *c, struct buf *message)
{
	struct rpc_pool *store = c->env->peer[ROLE_STORE];
	struct arena arena = arena_new(4096);
	struct err_note note = { 0 };
	char key[TALLY_KEY_MAX];
	size_t len = 0;
	int64_t n = 0;

	buf_clear(message);
	for (unsigned i = 0; i < ROWS_PER_CALL && tally_take(c->tally, key, &len, &n); i++) {
		wire_put_i64(message, n);
		wire_put_bytes(message, SLICE_OF(key, len));
	}
	CHECK(!message->failed);
	enum err e = rpc_call(store, &symbols_count, buf_slice(message),
	    clock_mono_us() + SEND_DEADLINE_US, 0, &arena, NULL, &note);
	if (e != ERR_OK && e != ERR_OUTCOME_UNKNOWN && e != ERR_DEADLINE) {
		put_back(c, buf_slice(message));
	}
	arena_reset(&arena);
	return e;
}

static void send_all(void *arg)
{
	struct symbols_counts *c = arg;
	struct buf message = buf_new(MESSAGE_MAX);
	int64_t rest_us = (int64_t)tally_size(c->tally) * ROW_REST_US;
	enum err e = ERR_OK;

	while (e == ERR_OK && tally_size(c->tally) > 0) {
		e = send_some(c, &message);
	}
	if (c->lost > 0) {
		LOG(LOG_WARN, "symbols", "counts_lost", LOG_I("n", c->lost));
		c->lost = 0;
	}
	buf_free(&message);
	c->rest_until_us = clock_mono_us() + (rest_us < REST_MAX_US ? rest_us : REST_MAX_US);
	c->sending = false;
}

void symbols_counts_send(struct symbols_counts *c)
{
	if (c->sending || tally_size(c->tally) == 0 || c->env->peer[ROLE_STORE] == NULL) {
		return;
	}
	c->sending = task_spawn(c->env->loop, send_all, c, DEADLINE_NONE, NULL) == ERR_OK;
}

/* Who writes many rows waits longer, and then finds more counts for the same row. */
static void on_time(void *arg)
{
	struct symbols_counts *c = arg;

	if (clock_mono_us() >= c->rest_until_us || tally_size(c->tally) > KEYS_MAX / 2) {
		symbols_counts_send(c);
	}
}

enum err symbols_counts_new(struct svc_env *env, struct symbols_counts **ret)
{
	struct symbols_counts *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return ERR_MEMORY;
	}
	c->env = env;
	c->key = buf_new(TALLY_KEY_MAX);
	enum err e = tally_new(KEYS_MAX, &c->tally);
	if (e != ERR_OK) {
		free(c);
		return e;
	}
	loop_every(env->loop, LOOK_MS, on_time, c);
	*ret = c;
	return ERR_OK;
}

void symbols_counts_free(struct symbols_counts **c)
{
	if (*c != NULL) {
		tally_free(&(*c)->tally);
		buf_free(&(*c)->key);
		free(*c);
		*c = NULL;
	}
}

/* ---- web: counting ---- */

static void add(struct symbols_counts *c, const struct row *r)
{
	buf_clear(&c->key);
	row_put(&c->key, r);
	if (c->key.failed || !tally_add(c->tally, buf_slice(&c->key), 1)) {
		c->lost++;
	}
}

void symbols_count_miss(struct symbols_counts *c, const struct symbol_key *key,
    struct slice code_file, struct slice code_id)
{
	const struct row r = {
		.kind = KIND_MISS, .key = *key, .code_file = code_file, .code_id = code_id
	};
	const size_t lens[] = { key->debug_file.len, key->debug_id.len, key->file.len,
		code_file.len, code_id.len };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		if (lens[i] > MISSING_VALUE_MAX) {
			return;
		}
	}
	add(c, &r);
}

void symbols_count_use(struct symbols_counts *c, const struct symbol_file *f, int64_t now_ms)
{
	const struct row r = { .kind = f->is_try ? KIND_USE_TRY : KIND_USE,
		.key = f->key,
		.code_file = SLICE_EMPTY,
		.code_id = SLICE_EMPTY };

	/* Of those of upstreams, to the hour: the order in which they go is made of it. */
	int64_t grain_ms = f->upstream.len > 0 ? HOUR_MS : DAY_MS;

	if (f->used_ms / grain_ms < now_ms / grain_ms) {
		add(c, &r);
	}
}

/* ---- store ---- */

static enum err write_miss(struct txn *t, const struct row *r, int64_t n, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(t->db, SYMBOLS_MISSING_ADD, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "debug_file", r->key.debug_file);
	sql_bind_text(q, "debug_id", r->key.debug_id);
	sql_bind_text(q, "file", r->key.file);
	sql_bind_text(q, "code_file", r->code_file);
	sql_bind_text(q, "code_id", r->code_id);
	sql_bind_i64(q, "misses", n);
	sql_bind_i64(q, "modified_ms", t->now_ms);
	return sql_finish(q);
}

static enum err handle_count(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	enum err e = ERR_OK;

	(void)info;
	(void)reply;
	while (e == ERR_OK && r.rest.len > 0) {
		struct row row;
		int64_t n = wire_take_i64(&r);
		struct wire_reader key = wire_reader_new(wire_take_bytes(&r));
		row_take(&key, &row);
		CHECK(!r.bad && wire_done(&key));
		e = row.kind == KIND_MISS ? write_miss(t, &row, n, note)
					  : symbol_file_set_used(t->db, &row.key,
						row.kind == KIND_USE_TRY, t->now_ms, note);
	}
	return e;
}

/* Not idempotent: what is told twice would count twice. */
const struct rpc_def symbols_count = {
	.name = "symbols.count",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = MESSAGE_MAX,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 2000,
	.flags = RPC_TXN,
	.handle = handle_count,
};
