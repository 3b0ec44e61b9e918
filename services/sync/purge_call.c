/*
 * The call sync.purge: the store takes a step, the admin role asks for steps.
 */
#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/store/store.h"
#include "services/sync/purge.h"

enum {
	STEPS_MAX = 200,     /* of one turn: other things are watched, too */
	STEP_PAUSE_US = 5000 /* so that steps do not fill every commit */
};

static enum err handle_purge(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct sync_purged done;

	(void)info;
	CHECK(req.len == 0);
	enum err e = sync_purge_step(
	    t->db, t->arena, t->now_ms, SYNC_PURGE_GRACE_MS, SYNC_PURGE_ROWS, &done, note);
	if (e == ERR_OK) {
		wire_put_i64(reply, done.rows);
		wire_put_u8(reply, done.has_more ? 1 : 0);
	}
	return e;
}

bool sync_purged_take(struct slice message, struct sync_purged *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->rows = wire_take_i64(&r);
	ret->has_more = wire_take_u8(&r) != 0;
	return wire_done(&r);
}

const struct rpc_def sync_purge = {
	.name = "sync.purge",
	.from = ROLE_BIT(ROLE_ADMIN),
	.to = ROLE_STORE,
	.max_req = 0,
	.max_rep = 16,
	.deadline_ms = 10000,
	.cost_us = 2000,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_purge,
};

void sync_purge_watch(struct svc_env *env, void *state)
{
	struct sync_purged done = { .has_more = true };

	(void)state;
	for (int i = 0; done.has_more && i < STEPS_MAX; i++) {
		struct arena arena = arena_new(4096);
		struct slice reply = SLICE_EMPTY;
		struct err_note note = { 0 };
		enum err e = rpc_call(env->peer[ROLE_STORE], &sync_purge, SLICE_EMPTY,
		    DEADLINE_NONE, 0, &arena, &reply, &note);
		if (e == ERR_OK) {
			CHECK(sync_purged_take(reply, &done));
		}
		arena_reset(&arena);
		if (e != ERR_OK || task_sleep(STEP_PAUSE_US) != ERR_OK) {
			return;
		}
	}
}
