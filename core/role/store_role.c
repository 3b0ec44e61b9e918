/*
 * Role: store. The only writer of the database, and what runs the services' transaction functions
 * for the other roles. On SQLite it opens the file and brings the tables of all services up to
 * date, many functions share a commit; on PostgreSQL it waits for the server and refuses to start
 * on tables that `plimsoll migrate` has not brought up to date.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/conf/conf.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/role/roles.h"
#include "core/store/pg_store.h"
#include "core/store/store.h"
#include "core/store/store_conf.h"

enum {
	DATABASE_RETRY_US = 50000,
	DATABASE_LOG_TRIES = 100 /* 5 s */
};

struct store_role {
	struct store *sqlite; /* one of the two */
	struct pg_store *postgres;
	struct pg_target *target;
	struct pg_reach reach;
};

static enum err migrate(struct role_ctx *r, struct sql_db *db, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < r->env.n_services && e == ERR_OK; i++) {
		const struct service *s = r->env.services[i];

		e = sql_migrate(db, s->name, s->migrations, s->n_migrations, note);
	}
	return e;
}

static int64_t slow_us(const struct role_ctx *r)
{
	return conf_ms(r->env.conf, "store", "slow_statement") * 1000;
}

static enum err open_sqlite(
    struct role_ctx *r, struct store_role *s, struct rpc_executor *ret, struct err_note *note)
{
	enum err e =
	    store_open(r->env.loop, r->env.data_dir, &r->env, r->env.metrics, &s->sqlite, note);

	if (e == ERR_OK) {
		e = migrate(r, store_db(s->sqlite), note);
	}
	if (e == ERR_OK) {
		*ret = store_executor(s->sqlite);
	}
	return e;
}

static enum err open_postgres(
    struct role_ctx *r, struct store_role *s, struct rpc_executor *ret, struct err_note *note)
{
	struct pg_pool_options o = store_pool_options(r->conf);
	enum err e = store_target(r->conf, SQL_READ_WRITE, &s->target, note);

	if (e == ERR_OK) {
		e = pg_target_resolve(s->target, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	s->reach = pg_target_reach(s->target);
	r->database = &s->reach;
	o.loop = r->env.loop;
	o.target = s->target;
	o.mode = SQL_READ_WRITE;
	o.metrics = r->env.metrics;
	e = pg_store_open(&o, &r->env, &s->postgres, note);
	if (e == ERR_OK) {
		*ret = pg_store_executor(s->postgres);
	}
	return e;
}

static void role_free(struct store_role *s)
{
	store_close(&s->sqlite);
	pg_store_close(&s->postgres);
	pg_target_free(&s->target);
	free(s);
}

static bool uses_postgres(const struct role_ctx *r)
{
	return store_is_postgres(r->env.conf);
}

static bool set_read_only(struct role_ctx *r, struct store_role *s)
{
	bool on = conf_bool(r->env.conf, "store", "read_only");

	if (s->sqlite != NULL) {
		store_set_read_only(s->sqlite, on);
	} else {
		pg_store_set_read_only(s->postgres, on);
	}
	return on;
}

static void set_slow(struct role_ctx *r, struct store_role *s)
{
	if (s->sqlite != NULL) {
		store_set_slow(s->sqlite, slow_us(r));
	} else {
		pg_store_set_slow(s->postgres, slow_us(r));
	}
}

static enum err store_role_start(struct role_ctx *r, struct err_note *note)
{
	struct store_role *s = calloc(1, sizeof(*s));
	struct rpc_executor executor = { 0 };

	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the store");
	}
	enum err e = uses_postgres(r) ? open_postgres(r, s, &executor, note)
				      : open_sqlite(r, s, &executor, note);
	if (e != ERR_OK) {
		goto fail;
	}
	e = rpc_server_new(r->env.loop, &r->registry, ROLE_STORE, &executor, &r->server);
	if (e != ERR_OK) {
		e = err_note_set(note, e, "RPC server: %s", err_text(e));
		goto fail;
	}
	if (s->sqlite != NULL) {
		store_set_server(s->sqlite, r->server);
	} else {
		pg_store_set_server(s->postgres, r->server);
	}
	set_read_only(r, s);
	set_slow(r, s);
	r->role_data = s;
	return ERR_OK;
fail:
	role_free(s);
	return e;
}

/* The tables of all services as this program knows them. ERR_NOT_FOUND: `migrate` is missing. */
static enum err check_tables(struct role_ctx *r, struct sql_db *db, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < r->env.n_services && e == ERR_OK; i++) {
		const struct service *s = r->env.services[i];

		e = s->n_migrations == 0 ? ERR_OK
					 : sql_migrated(db, s->name, s->n_migrations, note);
	}
	return e;
}

/* Waits for the server, however long it takes. */
static enum err await_postgres(struct role_ctx *r, struct pg_store *store, struct err_note *note)
{
	for (unsigned tries = 1;; tries++) {
		struct err_note why = { 0 };
		enum err e = check_tables(r, pg_pool_db(pg_store_pool(store)), &why);

		if (e == ERR_OK) {
			pg_store_serve(store);
			return ERR_OK;
		}
		if (e == ERR_NOT_FOUND || e == ERR_DENIED || e == ERR_CORRUPT) {
			return err_note_set(note, ERR_CONFIG, "%s%s", why.text,
			    e == ERR_NOT_FOUND ? ": run `plimsoll migrate`" : "");
		}
		if (tries % DATABASE_LOG_TRIES == 1) {
			LOG(LOG_WARN, "store", "waiting_for_database", LOG_C("err", why.text));
		}
		e = task_sleep(DATABASE_RETRY_US);
		if (e != ERR_OK) {
			return e;
		}
	}
}

/* The checkpoint thread is born with the sandbox that is closed by now. */
static enum err store_role_prepare(struct role_ctx *r, struct err_note *note)
{
	struct store_role *s = r->role_data;

	return s->sqlite != NULL ? store_start(s->sqlite, note)
				 : await_postgres(r, s->postgres, note);
}

static void store_role_reload(struct role_ctx *r)
{
	bool on = set_read_only(r, r->role_data);

	LOG(LOG_INFO, "store", "read_only", LOG_C("on", on ? "yes" : "no"));
	set_slow(r, r->role_data);
}

/* Draining is the RPC server's: it answers what was accepted and refuses the rest. */
static void store_role_stop(struct role_ctx *r)
{
	struct store_role *s = r->role_data;

	r->role_data = NULL;
	role_free(s);
}

const struct role_ops store_role_ops = {
	.start = store_role_start,
	.prepare = store_role_prepare,
	.reload = store_role_reload,
	.stop = store_role_stop,
};
