/*
 * Waking the courier: the store calls it after a commit that put a mail or a post. One call is
 * under way at a time; what is committed meanwhile asks for one more. A courier that is not there
 * misses nothing: it looks when it starts, and from time to time.
 */
#include "accounts/accounts_priv.h"
#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/obs/log.h"

enum {
	WAKE_LIMIT_US = 2 * 1000 * 1000,
	WAKE_MAX = 2 /* mails, posts */
};

/* What courier.wake does in the courier's process; set at its start. */
static struct {
	void (*fn)(void *arg);
	void *arg;
} on_wake[WAKE_MAX];
static unsigned n_on_wake;

void accounts_on_courier_wake(void (*fn)(void *arg), void *arg)
{
	CHECK(n_on_wake < WAKE_MAX);
	on_wake[n_on_wake].fn = fn;
	on_wake[n_on_wake].arg = arg;
	n_on_wake++;
}

enum err accounts_wake_after_commit(struct txn *t)
{
	for (unsigned i = 0; i < t->n_after; i++) {
		if (t->after_commit[i] == accounts_wake_courier) {
			return ERR_OK;
		}
	}
	CHECK(t->n_after < sizeof(t->after_commit) / sizeof(t->after_commit[0]));
	t->after_commit[t->n_after++] = accounts_wake_courier;
	return ERR_OK;
}

static enum err handle_wake(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)reply;
	(void)note;
	for (unsigned i = 0; i < n_on_wake; i++) {
		on_wake[i].fn(on_wake[i].arg);
	}
	return ERR_OK;
}

static void wake_task(void *arg)
{
	struct accounts_state *state = arg;

	do {
		state->wake_again = false;
		enum err e = rpc_call(state->env->peer[ROLE_COURIER], &accounts_courier_wake,
		    SLICE_EMPTY, clock_mono_us() + WAKE_LIMIT_US, 0, NULL, NULL, NULL);
		if (e != ERR_OK) {
			LOG(LOG_DEBUG, "accounts", "courier_not_woken", LOG_C("err", err_text(e)));
			break;
		}
	} while (state->wake_again);
	state->waking = false;
}

void accounts_wake_courier(void *env)
{
	struct svc_env *e = env;
	struct accounts_state *state = accounts_state(e);

	if (e->peer[ROLE_COURIER] == NULL) {
		return;
	}
	if (state->waking) {
		state->wake_again = true;
		return;
	}
	state->waking = task_spawn(e->loop, wake_task, state, DEADLINE_NONE, NULL) == ERR_OK;
}

const struct rpc_def accounts_courier_wake = {
	.name = "courier.wake",
	.from = ROLE_BIT(ROLE_STORE),
	.to = ROLE_COURIER,
	.max_req = 0,
	.max_rep = 0,
	.deadline_ms = 2000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_wake,
};
