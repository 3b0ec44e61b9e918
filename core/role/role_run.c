/*
 * A role process while it runs: stamps its metric slot, listens to the supervisor (new peers, new
 * configuration, drain), and takes the last steps of the start in a task, because services may
 * have to ask other roles first.
 *
 * The supervisor decides when a process ends, so SIGTERM from anybody else is ignored (a service
 * manager sends it to the whole group, and a store that left before web would lose requests). When
 * the supervisor dies, the control socket ends and the process drains by itself; the kernel also
 * sends SIGTERM then, whose handler sets an alarm for the case that the loop hangs.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/role_proc.h"

enum {
	ORPHAN_ALARM_S = 20,
	ORPHAN_DRAIN_MS = 10000,
	PEER_POLL_US = 2000,
	DRAIN_SLACK_US = 500000,
	CPU_TICKS = 2, /* ticks of ROLE_TICK_MS between stamps of the processor time */
	FLUSH_TICKS = 4,
	LAG_TICKS = 200, /* of one of the two windows of the largest lag: whoever asks once in 15 s
			    sees it */
};

static pid_t supervisor_pid;

static void on_sigterm(int signum)
{
	(void)signum;
	if (getppid() != supervisor_pid) {
		alarm(ORPHAN_ALARM_S);
	}
}

void role_signals(void)
{
	const struct sigaction action = { .sa_handler = on_sigterm, .sa_flags = SA_RESTART };

	supervisor_pid = getppid();
	sigaction(SIGTERM, &action, NULL);
}

/* ---- stamps ---- */

static void on_round(void *arg)
{
	struct role_proc *p = arg;

	metric_set(&p->slot->alive_us, loop_now_us(p->r.env.loop));
	metric_set(&p->slot->tasks, task_count(p->r.env.loop));
}

/* Shows the largest lag of the last one or two windows. */
static void note_lag(struct role_proc *p, int64_t lag_us)
{
	if (p->ticks % LAG_TICKS == 0) {
		p->lag_before_us = p->lag_now_us;
		p->lag_now_us = 0;
	}
	p->lag_now_us = lag_us > p->lag_now_us ? lag_us : p->lag_now_us;
	metric_set(&p->slot->loop_lag_us,
	    p->lag_now_us > p->lag_before_us ? p->lag_now_us : p->lag_before_us);
}

static void on_tick(void *arg)
{
	struct role_proc *p = arg;
	struct loop *l = p->r.env.loop;

	note_lag(p, loop_lag_max_us(l));
	loop_lag_max_reset(l);
	p->ticks++;
	if (p->ticks % CPU_TICKS == 0) {
		metric_set(&p->slot->cpu_us, clock_cpu_us());
		if (!p->r.counts_busy) {
			metric_set(&p->slot->busy_us, loop_busy_us(l));
		}
		rpc_cells_update(&p->rpc_cells, p->r.env.peer, p->r.server);
	}
	if (p->ticks % FLUSH_TICKS == 0) {
		log_flush();
	}
	if (p->r.draining && loop_now_us(l) > p->drain_until_us) {
		LOG(LOG_WARN, "role", "drain_overdue", LOG_I("tasks", task_count(l)));
		loop_stop(l);
	}
}

/* ---- end ---- */

static int exit_code_of(enum err e)
{
	return e == ERR_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

/* A peer that died while we started is no reason to give up: the supervisor starts us again. */
static bool is_passing(enum err e)
{
	return e == ERR_PEER_GONE || e == ERR_OUTCOME_UNKNOWN || e == ERR_TOO_BUSY ||
	       e == ERR_DEADLINE || e == ERR_CANCELLED || e == ERR_DRAINING;
}

void role_fail(struct role_proc *p, int exit_code, const struct err_note *note, enum err e)
{
	struct buf body = buf_new(1024);
	const char *text = note->text[0] == '\0' ? err_text(e) : note->text;

	p->exit_code = exit_code == EXIT_FAILED ? exit_code_of(e) : exit_code;
	if (is_passing(e)) {
		LOG(LOG_WARN, "role", "start_failed", LOG_C("err", text));
	} else {
		control_put_failed(
		    &body, &(struct control_failed){ p->exit_code, slice_str(text) });
		if (control_send(&p->control, CONTROL_FAILED, buf_slice(&body), NULL, 0) !=
		    ERR_OK) {
			LOG(LOG_ERROR, "role", "start_failed", LOG_C("err", text));
		}
	}
	buf_free(&body);
}

void role_drained(struct role_ctx *r)
{
	loop_stop(r->env.loop);
}

static void on_server_drained(void *arg)
{
	role_drained(arg);
}

static void drain_services(struct role_proc *p, int64_t deadline_us)
{
	struct svc_env *env = &p->r.env;

	for (size_t i = 0; i < env->n_services; i++) {
		if (env->services[i]->drain != NULL) {
			env->services[i]->drain(env, env->state[i], deadline_us);
		}
	}
}

static void drain(struct role_proc *p, const struct control_drain *d)
{
	int64_t now_us = clock_mono_us();

	if (p->r.draining) {
		return;
	}
	p->r.draining = true;
	p->slot->state = SLOT_DRAINING;
	p->r.idle_until_us = now_us + (d->idle_ms < d->ms ? d->idle_ms : d->ms) * 1000;
	p->r.drain_accepts = d->accepts;
	p->drain_until_us = now_us + d->ms * 1000 + DRAIN_SLACK_US;
	if (!p->serving) {
		loop_stop(p->r.env.loop);
		return;
	}
	drain_services(p, now_us + d->ms * 1000);
	if (p->ops->drain != NULL) {
		p->ops->drain(&p->r, now_us + d->ms * 1000);
	} else if (p->r.server != NULL) {
		rpc_server_drain(p->r.server, on_server_drained, &p->r);
	} else {
		role_drained(&p->r);
	}
}

/* ---- beginning to serve ---- */

static enum err serve(struct role_proc *p, struct err_note *note)
{
	enum err e = p->ops->serve == NULL ? ERR_OK : p->ops->serve(&p->r, note);

	if (e == ERR_OK && !p->r.draining) {
		p->slot->state = SLOT_SERVING;
		p->serving = true;
	}
	return e;
}

static void fail_if(struct role_proc *p, enum err e, const struct err_note *note)
{
	if (e != ERR_OK) {
		role_fail(p, EXIT_FAILED, note, e);
		loop_stop(p->r.env.loop);
	}
}

static void serve_task(void *arg)
{
	struct role_proc *p = arg;
	struct err_note note = { 0 };
	enum err e = serve(p, &note);

	p->boot_task = NULL;
	fail_if(p, e, &note);
}

/* An upgrade: everybody of the new program is ready, so the old one stops accepting. */
static void begin_after_hold(struct role_proc *p)
{
	p->hold = false;
	/* One that was started again meanwhile sees by itself that it need not wait any more. */
	if (p->serving || p->r.draining || p->boot_task != NULL) {
		return;
	}
	fail_if(p, task_spawn(p->r.env.loop, serve_task, p, DEADLINE_NONE, &p->boot_task),
	    &(struct err_note){ 0 });
}

/* ---- messages of the supervisor ---- */

static void add_sibling(struct role_proc *p, unsigned instance, int fd)
{
	if (p->ops->sibling != NULL) {
		p->ops->sibling(&p->r, instance, fd);
	} else {
		close(fd);
	}
}

static void add_peer(struct role_proc *p, const struct control_message *m)
{
	struct control_peer peer;

	CHECK(m->n_fds == 1 && control_take_peer(m->body, &peer));
	if (peer.role == p->r.env.role) {
		add_sibling(p, peer.instance, m->fds[0]);
		return;
	}
	struct rpc_pool *pool = p->r.env.peer[peer.role];
	CHECK(peer.callee ? p->r.server != NULL : pool != NULL);
	enum err e = peer.callee ? rpc_server_add(p->r.server, peer.role, m->fds[0])
				 : rpc_pool_add(pool, peer.instance, m->fds[0]);
	if (e != ERR_OK) {
		/* Nobody would offer the peer again: the process that takes our place gets it. */
		LOG(LOG_ERROR, "role", "peer_refused", LOG_C("peer", role_name(peer.role)),
		    LOG_C("err", err_text(e)));
		drain(p, &(struct control_drain){ .ms = ORPHAN_DRAIN_MS });
	}
}

static void reload(struct role_proc *p, struct slice exported)
{
	struct svc_env *env = &p->r.env;
	struct conf *next = NULL;
	struct err_note note = { 0 };
	enum err e = app_conf_new(p->r.app, &next);

	if (e == ERR_OK) {
		e = conf_import(next, exported);
	}
	if (e == ERR_OK) {
		e = log_set_levels(slice_str(conf_str(next, "log", "level")), &note);
	}
	if (e != ERR_OK) {
		LOG(LOG_ERROR, "role", "reload_failed", LOG_C("err", err_text(e)));
		conf_free(&next);
		return;
	}
	/* A task may hold a text of the old one across a wait, so it goes eight reloads later. */
	struct conf **old = &p->old[p->n_reloads++ % ROLE_OLD_CONFS];
	conf_free(old);
	*old = p->r.conf;
	p->r.conf = next;
	env->conf = next;
	if (p->ops->reload != NULL) {
		p->ops->reload(&p->r);
	}
	for (size_t i = 0; i < env->n_services; i++) {
		if (env->services[i]->reload != NULL) {
			env->services[i]->reload(env, env->state[i]);
		}
	}
}

static void on_message(struct role_proc *p, const struct control_message *m)
{
	struct control_drain d;

	switch (m->kind) {
	case CONTROL_PEER:
		add_peer(p, m);
		break;
	case CONTROL_RELOAD:
		reload(p, m->body);
		break;
	case CONTROL_DRAIN:
		CHECK(control_take_drain(m->body, &d));
		drain(p, &d);
		break;
	case CONTROL_SERVE:
		begin_after_hold(p);
		break;
	case CONTROL_TLS:
		CHECK(p->ops->tls != NULL);
		p->ops->tls(&p->r, m);
		break;
	case CONTROL_NONE:
	case CONTROL_START:
	case CONTROL_READY:
	case CONTROL_FAILED:
	case CONTROL_HANDOVER:
	case CONTROL_NEED_STORE:
	case CONTROL_STORE_FREE:
	case CONTROL_TAKE_OVER:
	case CONTROL_KINDS:
	default:
		/* Nothing that the supervisor sends to a running role. */
		CHECK(m->kind == CONTROL_DRAIN);
	}
}

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct role_proc *p = poll->data;
	struct control_message m;
	enum err e = ERR_OK;

	(void)events;
	while (status == 0 && (e = control_receive(&p->control, &m)) == ERR_OK) {
		on_message(p, &m);
	}
	if (status != 0 || e != ERR_AGAIN) {
		LOG(LOG_WARN, "role", "supervisor_gone", LOG_I("drain_ms", ORPHAN_DRAIN_MS));
		uv_poll_stop(poll);
		drain(p, &(struct control_drain){ .ms = ORPHAN_DRAIN_MS });
	}
}

/* ---- the last steps of the start ---- */

static bool peers_are_there(const struct role_proc *p)
{
	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		const struct rpc_pool *pool = p->r.env.peer[role];
		if (pool != NULL && rpc_pool_connected(pool) == 0) {
			return false;
		}
	}
	return true;
}

static enum err get_ready(struct role_proc *p, struct err_note *note)
{
	struct svc_env *env = &p->r.env;
	enum err e = ERR_OK;

	while (e == ERR_OK && !peers_are_there(p)) {
		e = task_sleep(PEER_POLL_US);
	}
	if (e == ERR_OK && p->ops->prepare != NULL) {
		e = p->ops->prepare(&p->r, note);
	}
	for (size_t i = 0; e == ERR_OK && i < env->n_services; i++) {
		const struct service *s = env->services[i];
		e = s->ready == NULL ? ERR_OK : s->ready(env, env->state[i], note);
		if (e != ERR_OK) {
			return err_note_set(note, e, "%s: %s", s->name, err_text(e));
		}
	}
	return e;
}

static void boot_task(void *arg)
{
	struct role_proc *p = arg;
	struct err_note note = { 0 };
	enum err e = get_ready(p, &note);

	if (e == ERR_OK && (!p->hold || p->ops->serve == NULL)) {
		e = serve(p, &note);
	}
	p->boot_task = NULL;
	if (p->r.draining) {
		return;
	}
	if (e == ERR_OK) {
		e = control_send(&p->control, CONTROL_READY, SLICE_EMPTY, NULL, 0);
	}
	fail_if(p, e, &note);
}

void role_run(struct role_proc *p)
{
	struct loop *l = p->r.env.loop;
	struct err_note note = { 0 };

	loop_on_check(l, on_round, p);
	loop_every(l, ROLE_TICK_MS, on_tick, p);
	CHECK(uv_poll_init(loop_uv(l), &p->control_poll, p->control.fd) == 0);
	p->control_poll.data = p;
	CHECK(uv_poll_start(&p->control_poll, UV_READABLE, on_control) == 0);
	enum err e = task_spawn(l, boot_task, p, DEADLINE_NONE, &p->boot_task);
	if (e != ERR_OK) {
		role_fail(p, EXIT_FAILED, &note, e);
		return;
	}
	loop_run(l);
}
