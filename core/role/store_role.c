/*
 * Role: store. The only writer of the database: opens it, brings the tables of all services up to
 * date, and then runs the services' transaction functions for the other roles, many per commit.
 */
#include "core/base/check.h"
#include "core/conf/conf.h"
#include "core/obs/log.h"
#include "core/role/roles.h"
#include "core/store/store.h"

static enum err migrate(struct role_ctx *r, struct store *store, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < r->env.n_services && e == ERR_OK; i++) {
		const struct service *s = r->env.services[i];

		e = sql_migrate(store_db(store), s->name, s->migrations, s->n_migrations, note);
	}
	return e;
}

static int64_t slow_us(const struct role_ctx *r)
{
	return conf_ms(r->env.conf, "store", "slow_statement") * 1000;
}

static enum err store_role_start(struct role_ctx *r, struct err_note *note)
{
	struct store *store = NULL;
	struct rpc_executor executor;
	enum err e =
	    store_open(r->env.loop, r->env.data_dir, &r->env, r->env.metrics, &store, note);

	if (e != ERR_OK) {
		return e;
	}
	e = migrate(r, store, note);
	if (e != ERR_OK) {
		goto close;
	}
	executor = store_executor(store);
	e = rpc_server_new(r->env.loop, &r->registry, ROLE_STORE, &executor, &r->server);
	if (e != ERR_OK) {
		e = err_note_set(note, e, "RPC server: %s", err_text(e));
		goto close;
	}
	store_set_server(store, r->server);
	store_set_read_only(store, conf_bool(r->env.conf, "store", "read_only"));
	store_set_slow(store, slow_us(r));
	r->role_data = store;
	return ERR_OK;
close:
	store_close(&store);
	return e;
}

/* The checkpoint thread is born with the sandbox that is closed by now. */
static enum err store_role_prepare(struct role_ctx *r, struct err_note *note)
{
	return store_start(r->role_data, note);
}

static void store_role_reload(struct role_ctx *r)
{
	bool on = conf_bool(r->env.conf, "store", "read_only");

	store_set_read_only(r->role_data, on);
	LOG(LOG_INFO, "store", "read_only", LOG_C("on", on ? "yes" : "no"));
	store_set_slow(r->role_data, slow_us(r));
}

/* Draining is the RPC server's: it answers what was accepted and refuses the rest. */
static void store_role_stop(struct role_ctx *r)
{
	struct store *store = r->role_data;

	r->role_data = NULL;
	store_close(&store);
}

const struct role_ops store_role_ops = {
	.start = store_role_start,
	.prepare = store_role_prepare,
	.reload = store_role_reload,
	.stop = store_role_stop,
};
