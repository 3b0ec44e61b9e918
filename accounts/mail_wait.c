/*
 * See mail_wait.h. Each web process looks for itself: two reads by an index, once a second.
 */
#include "accounts/mail_wait.h"

#include "accounts/accounts_priv.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/grace/admit.h"

enum {
	LOOK_MS = 1000,
};

/* As fast as they went from the first look that is remembered to this one. */
static void measure(struct mail_wait *w, int64_t oldest, int64_t now_us)
{
	unsigned first = w->n < MAIL_WAIT_LOOKS ? 0 : w->n - MAIL_WAIT_LOOKS;
	int64_t n = oldest - w->looks[first % MAIL_WAIT_LOOKS].oldest;
	int64_t took_us = now_us - w->looks[first % MAIL_WAIT_LOOKS].at_us;

	/* A row with a lower number may be committed later, where many write at a time. */
	int64_t went = oldest - w->looks[(w->n - 1) % MAIL_WAIT_LOOKS].oldest;
	w->done += went > 0 ? went : 0;
	w->run_us = took_us / (n > 0 ? n : 1);
}

void mail_wait_look(struct mail_wait *w, int64_t oldest, int64_t newest, int64_t now_us)
{
	if (oldest == 0) { /* how fast they go is not to be seen */
		w->n = 0;
		w->wait_us = 0;
		return;
	}
	if (w->n > 0) {
		measure(w, oldest, now_us);
	}
	w->looks[w->n % MAIL_WAIT_LOOKS].oldest = oldest;
	w->looks[w->n % MAIL_WAIT_LOOKS].at_us = now_us;
	w->n++;
	w->wait_us = (newest - oldest + 1) * w->run_us;
}

static enum err read_row(struct svc_env *env, enum accounts_stmt stmt, int64_t *ret)
{
	struct err_note note = { 0 };
	struct sql_query *q;
	enum err e = sql_begin(env->db, &accounts_stmts[stmt], &q, &note);

	*ret = 0;
	if (e != ERR_OK) {
		return e;
	}
	if (stmt == STMT_OUTBOX_UNTRIED) {
		sql_bind_i64(q, "now_ms", clock_wall_ms());
	}
	e = sql_step(q);
	if (e == ERR_OK && !sql_col_is_null(q, 0)) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* A database that does not answer says nothing of mails. */
static void look(void *arg)
{
	struct accounts_state *state = arg;
	int64_t oldest, newest;

	if (read_row(state->env, STMT_OUTBOX_UNTRIED, &oldest) == ERR_OK &&
	    read_row(state->env, STMT_OUTBOX_NEWEST, &newest) == ERR_OK) {
		mail_wait_look(&state->mails, oldest, newest, clock_mono_us());
	}
	state->looks_at_mails = false;
}

static void on_time(void *arg)
{
	struct accounts_state *state = arg;

	if (!state->looks_at_mails) {
		state->looks_at_mails =
		    task_spawn(state->env->loop, look, state, DEADLINE_NONE, NULL) == ERR_OK;
	}
}

void mail_wait_start(struct svc_env *env)
{
	loop_every(env->loop, LOOK_MS, on_time, accounts_state(env));
}

void mail_wait_load(const struct svc_env *env, const void *v, struct grace_load *load)
{
	const struct accounts_state *state = v;

	(void)env;
	load->courier_wait_us = state->mails.wait_us;
	load->courier_run_us = state->mails.run_us;
	load->courier_done = state->mails.done;
}
