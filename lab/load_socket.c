/*
 * Sockets of a run: their activity waits for them, for an acknowledgement or an event, and each
 * wait is a step with its figures. Everything else of a session happens beside, also while the
 * activity thinks.
 */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "lab/load_priv.h"
#include "lab/user_socket.h"

static void check_wait(struct load_run *run);

/* Something came on a socket of the run, or its end. */
static void on_changed(void *arg)
{
	struct load_run *run = arg;

	if (run->socket_waits) {
		check_wait(run);
	}
}

enum err load_socket_open(void *arg, struct user_socket *u, const struct socket_options *o,
    uint64_t seed, struct err_note *note)
{
	struct load_run *run = arg;
	struct socket_options options = *o;

	options.patience_s = run->load->plan.timeout_s;
	enum err e =
	    socket_open(&run->load->client, &options, seed, on_changed, run, &u->session, note);

	if (e == ERR_OK) {
		list_push(&run->sockets, &u->node);
	} else if (e != ERR_PEER_GONE) {
		run->load->result->own_faults++;
	}
	return e;
}

void load_socket_ask(void *arg, const struct user_socket_ask *ask)
{
	struct load_run *run = arg;
	struct slice name = slice_sub(ask->name, 0, sizeof(run->socket_event) - 1);

	run->asked = RUN_SOCKET;
	run->socket_kind = ask->kind;
	run->socket = ask->socket;
	run->socket_id = ask->id;
	run->socket_patience_s = ask->seconds;
	memcpy(run->socket_event, name.ptr, name.len);
	run->socket_event[name.len] = '\0';
	load_run_set_step(run, ask->step);
}

void load_socket_begin(struct load_run *run)
{
	struct load_step *step = load_run_step(run);
	double patience_s =
	    run->socket_patience_s < 0 ? run->load->plan.timeout_s : run->socket_patience_s;

	run->sent_us = clock_mono_us();
	run->socket_deadline_us = run->sent_us + (int64_t)(patience_s * 1e6);
	run->socket_waits = true;
	if (step != NULL) {
		step->sent++;
		hdr_record(&run->load->result->lateness, run->sent_us - run->step_intended_us);
		if (!run->has_sent) {
			hdr_record(&run->load->result->first_lateness,
			    run->sent_us - run->step_intended_us);
		}
		run->has_sent = true;
	}
	check_wait(run);
}

/* ---- the end of a wait ---- */

struct result {
	enum user_socket_kind kind;
	bool came;
	struct slice json;
};

static int push_result(lua_State *L)
{
	const struct result *r = lua_touserdata(L, 1);

	user_socket_push_result(L, r->kind, r->came, r->json);
	return 1;
}

static void hand_over(struct load_run *run, const struct result *r)
{
	struct script *s = run->load->model->script;
	struct err_note note = { 0 };

	lua_pushcfunction(s->lua, push_result);
	lua_pushlightuserdata(s->lua, (void *)(uintptr_t)r);
	lua_xmove(run->co, s->lua, 1);
	if (script_call(s, s->lua, 2, 1, &note) != ERR_OK) {
		load_run_fail(run, "%s", note.text);
		return;
	}
	lua_xmove(s->lua, run->co, 1);
	load_run_resume(run, 1);
}

static void came(struct load_run *run, struct slice json)
{
	struct load_step *step = load_run_step(run);
	int64_t now_us = clock_mono_us();
	const struct result r = { run->socket_kind, true, json };

	run->socket_waits = false;
	if (step != NULL) {
		step->done++;
		hdr_record(&step->latency, now_us - run->step_intended_us);
		hdr_record(&step->service, now_us - run->sent_us);
		hdr_record(&run->load->result->service, now_us - run->sent_us);
	}
	load_run_note_right(run, now_us);
	run->step_intended_us = now_us;
	hand_over(run, &r);
}

static void never_came(struct load_run *run, enum load_outcome outcome, const char *why)
{
	struct load_step *step = load_run_step(run);

	run->socket_waits = false;
	if (step != NULL) {
		step->refused += outcome == RUN_REFUSED ? 1 : 0;
		step->failed += outcome == RUN_REFUSED ? 0 : 1;
	}
	if (outcome == RUN_REFUSED) {
		load_run_end(run, RUN_REFUSED);
	} else {
		load_run_fail(run, "socket: %s", why);
	}
}

/* The time that the model gave is over: no failure. */
static void gave_up(struct load_run *run)
{
	const struct result r = { run->socket_kind, false, SLICE_EMPTY };

	run->socket_waits = false;
	run->step_intended_us = clock_mono_us(); /* the sweep is no exact clock */
	hand_over(run, &r);
}

/* Is what is waited for there? With its JSON, if it has any. */
static bool is_there(struct load_run *run, struct slice *ret_json)
{
	struct socket_session *s = run->socket->session;

	switch (run->socket_kind) {
	case USER_SOCKET_CONNECT:
		return socket_state(s) == SOCKET_CONNECTED;
	case USER_SOCKET_CALL:
		return socket_take_ack(s, run->socket_id, ret_json);
	case USER_SOCKET_WAIT:
		return socket_take_event(s, slice_str(run->socket_event), ret_json);
	case USER_SOCKET_CLOSE:
		return socket_state(s) == SOCKET_LEFT;
	}
	return false;
}

/* Goes on where what is waited for is there; the run may be gone behind it. */
static void check_wait(struct load_run *run)
{
	enum socket_state state = socket_state(run->socket->session);
	struct slice json = SLICE_EMPTY;

	if (is_there(run, &json)) {
		came(run, json);
	} else if (state == SOCKET_CLOSED || state == SOCKET_REFUSED) {
		never_came(run, state == SOCKET_REFUSED ? RUN_REFUSED : RUN_FAILED,
		    socket_why(run->socket->session));
	}
}

static void look_at(struct load_run *run, int64_t now_us)
{
	static const char *const names[] = { [USER_SOCKET_CONNECT] = "connect",
		[USER_SOCKET_CALL] = "acknowledgement",
		[USER_SOCKET_WAIT] = NULL,
		[USER_SOCKET_CLOSE] = "close" };
	char why[80];

	for (struct list *node = run->sockets.next; node != &run->sockets; node = node->next) {
		struct user_socket *u = LIST_OF(node, struct user_socket, node);
		bool is_awaited = run->socket_waits && run->socket == u;
		if (u->session != NULL && !is_awaited) {
			socket_tick(u->session, now_us); /* tells nobody: nobody waits for it */
		}
	}
	if (!run->socket_waits) {
		return;
	}
	if (now_us < run->socket_deadline_us) {
		socket_tick(run->socket->session, now_us);
	} else if (run->socket_patience_s >= 0) {
		gave_up(run);
	} else {
		(void)snprintf(why, sizeof(why), "%s: nothing came in time",
		    names[run->socket_kind] == NULL ? run->socket_event : names[run->socket_kind]);
		never_came(run, RUN_FAILED, why);
	}
}

void load_sockets_sweep(void *arg)
{
	struct load *l = arg;
	int64_t now_us = clock_mono_us();
	struct list *next = NULL;

	for (struct list *node = l->runs.next; node != &l->runs; node = next) {
		struct load_run *run = LIST_OF(node, struct load_run, node);
		next = node->next; /* a run ends no other */
		if (!list_is_empty(&run->sockets)) {
			look_at(run, now_us);
		}
	}
}

void load_sockets_close(struct load_run *run)
{
	for (struct list *node; (node = list_pop(&run->sockets)) != NULL;) {
		socket_close(&LIST_OF(node, struct user_socket, node)->session);
	}
}
