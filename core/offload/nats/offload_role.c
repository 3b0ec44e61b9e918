/*
 * Role: offload. On a server with [nats] url: what web gives it goes to helpers by NATS. To web it
 * is one more process of compute (role_table), that takes nothing while there is no helper; so the
 * server starts, and goes on, without NATS.
 */
#include <stdlib.h>

#include "core/offload/nats/nats_roles.h"
#include "core/offload/nats/nats_session.h"
#include "core/offload/offload.h"
#include "core/offload/offload_metrics.h"

enum {
	TICK_MS = 50
};

struct offload_role {
	struct role_ctx *r;
	struct nats_session nats;
	struct offload *offload;
	struct offload_cells cells;
	char helpers[SUBJECT_BYTES], answers[SUBJECT_BYTES];
	bool is_connected;
};

static enum err publish(void *arg, const char *subject, const char *reply, struct slice payload)
{
	struct offload_role *o = arg;

	return nats_session_publish(&o->nats, subject, reply, payload);
}

static void on_message(
    void *arg, struct slice subject, struct slice reply, struct slice payload, bool nobody)
{
	struct offload_role *o = arg;

	(void)reply;
	offload_message(o->offload, subject, payload, nobody);
}

static void on_state(void *arg, bool is_connected, const char *why)
{
	struct offload_role *o = arg;

	o->is_connected = is_connected;
	nats_session_log(&o->nats, is_connected, why);
	offload_connected(o->offload, is_connected);
}

static const struct nats_link_ops link_ops = { .message = on_message, .state = on_state };

static enum err make_server(struct offload_role *o, struct err_note *note)
{
	struct role_ctx *r = o->r;
	const struct offload_setup setup = { .loop = r->env.loop,
		.rows = &o->nats.rows,
		.prefix = o->nats.settings.prefix,
		.publish = publish,
		.arg = o };
	enum err e = offload_new(&setup, &o->offload);

	if (e == ERR_OK) {
		const struct rpc_executor executor = offload_executor(o->offload);
		e = rpc_server_new(
		    r->env.loop, &r->registry, role_as(r->env.role), &executor, &r->server);
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "offload: %s", err_text(e));
	}
	offload_set_server(o->offload, r->server);
	offload_subjects(o->offload, o->helpers, o->answers);
	return ERR_OK;
}

static enum err offload_start(struct role_ctx *r, struct err_note *note)
{
	struct offload_role *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	r->role_data = o;
	r->counts_busy = true;
	o->r = r;
	offload_cells_find(&o->cells, r->env.metrics);
	enum err e = nats_session_start(&o->nats, r, note);
	return e == ERR_OK ? make_server(o, note) : e;
}

static void on_round(void *arg)
{
	struct offload_role *o = arg;

	if (o->offload != NULL) {
		offload_tell(o->offload);
	}
}

static void on_tick(void *arg)
{
	struct offload_role *o = arg;

	if (o->offload != NULL) {
		offload_tick(o->offload);
		offload_cells_update(&o->cells, o->offload, o->is_connected);
		nats_session_watch(&o->nats);
	}
}

static enum err offload_prepare(struct role_ctx *r, struct err_note *note)
{
	struct offload_role *o = r->role_data;
	const struct nats_link_setup setup = { .name = "plimsoll server",
		.subject = { o->helpers, o->answers },
		.ops = &link_ops,
		.arg = o };

	loop_on_check(r->env.loop, on_round, o);
	loop_every(r->env.loop, TICK_MS, on_tick, o);
	return nats_session_open(&o->nats, r, &setup, note);
}

static void offload_stop(struct role_ctx *r)
{
	struct offload_role *o = r->role_data;

	if (o != NULL) {
		nats_session_close(&o->nats);
	}
}

const struct role_ops offload_role_ops = {
	.start = offload_start,
	.prepare = offload_prepare,
	.stop = offload_stop,
};
