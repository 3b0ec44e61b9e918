/*
 * Role: web. Reads, routes, admits and answers; the only role that talks to clients. It reads the
 * database through a read-only connection and asks store, signer and compute for everything else.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/role/acme.h"
#include "core/role/app.h"
#include "core/role/grace_conf.h"
#include "core/role/health_look.h"
#include "core/role/listeners.h"
#include "core/role/roles.h"
#include "core/role/role_site.h"
#include "core/role/siblings.h"
#include "core/role/tls_web.h"
#include "core/store/store.h"
#include "core/store/store_conf.h"
#include "core/tls/tls_conf.h"

enum {
	DATABASE_RETRY_US = 20000,
	DATABASE_LOG_TRIES = 250, /* 5 s: something is wrong, not only slow */
	ORIGIN_MAX = 300,
};

struct web {
	struct grace grace;			   /* of all servers of the process */
	struct role_site servers[SERVICE_MAX + 1]; /* index as listeners[] */
	struct siblings *siblings;
	struct store_timing *timing;
	struct tls_web *tls; /* NULL: off */
	struct acme acme;
	char https_origin[ORIGIN_MAX]; /* of http_redirect */
	unsigned draining;	       /* servers that have not finished */
	struct pg_target *target;      /* NULL: SQLite */
	struct pg_reach reach;
	struct pg_pool *pool;
};

/* Expected wait at a role; one that this installation does without never makes anybody wait. */
static int64_t wait_at(const struct role_ctx *r, enum role_id role)
{
	const struct rpc_pool *pool = r->env.peer[role];

	return pool == NULL ? 0 : rpc_pool_expected_wait_us(pool);
}

static int64_t mean_run_at(const struct role_ctx *r, enum role_id role)
{
	const struct rpc_pool *pool = r->env.peer[role];

	return pool == NULL ? 0 : rpc_pool_mean_run_us(pool);
}

static unsigned used_at(const struct role_ctx *r, enum role_id role)
{
	const struct rpc_pool *pool = r->env.peer[role];

	return pool == NULL ? 0 : rpc_pool_used_permille(pool);
}

static unsigned lanes_at(const struct role_ctx *r, enum role_id role)
{
	const struct rpc_pool *pool = r->env.peer[role];

	return pool == NULL ? 0 : rpc_pool_connected(pool);
}

/* SQLite has one writer; to a database server so many connections write at a time. */
static int64_t store_lanes(const struct role_ctx *r)
{
	const struct web *web = r->role_data;

	return web->pool == NULL ? 1 : conf_int(r->env.conf, "store", "pool");
}

static unsigned count_webs(const struct role_ctx *r)
{
	const struct metrics *m = r->env.metrics;
	unsigned n = 0;

	for (unsigned i = 0; i < metrics_slots(m); i++) {
		const struct metric_slot *slot = metrics_slot(m, i);
		n += atomic_load_explicit(&slot->role, memory_order_relaxed) == ROLE_WEB &&
		     atomic_load_explicit(&slot->passive, memory_order_relaxed) == 0 &&
		     atomic_load_explicit(&slot->state, memory_order_relaxed) == SLOT_SERVING;
	}
	return n;
}

static void measure(void *arg, struct grace_load *load)
{
	const struct role_ctx *r = arg;
	const struct web *web = r->role_data;

	load->compute_wait_us = wait_at(r, ROLE_COMPUTE);
	load->compute_run_us = mean_run_at(r, ROLE_COMPUTE);
	load->compute_used = used_at(r, ROLE_COMPUTE);
	load->compute_lanes = lanes_at(r, ROLE_COMPUTE);
	load->store_wait_us = wait_at(r, ROLE_STORE);
	load->store_run_us = mean_run_at(r, ROLE_STORE) / store_lanes(r);
	load->store_used = used_at(r, ROLE_STORE);
	load->webs = count_webs(r);
	load->signer_wait_us = wait_at(r, ROLE_SIGNER);
	load->signer_used = used_at(r, ROLE_SIGNER);
	load->signer_run_us = mean_run_at(r, ROLE_SIGNER);
	load->signer_lanes = lanes_at(r, ROLE_SIGNER);
	if (web->pool != NULL) {
		load->read_wait_us = pg_pool_state(web->pool).expected_wait_us;
		load->read_lanes = (unsigned)store_lanes(r);
	}
	load->tasks = task_count(r->env.loop);
	load->tasks_max = task_max(r->env.loop);
	for (size_t i = 0; i < r->env.n_services; i++) {
		const struct service *service = r->env.services[i];
		if (service->load != NULL && r->env.state[i] != NULL) {
			service->load(&r->env, r->env.state[i], load);
		}
	}
}

/* A request on a stream cannot go to the process that has its session. */
static bool offers_h2(const struct role_ctx *r, unsigned listener)
{
	return !listeners[listener].hands_over || conf_int(r->conf, "web", "instances") == 1;
}

static enum err open_server(
    struct role_ctx *r, struct role_site *s, unsigned listener, struct err_note *note)
{
	struct web *web = r->role_data;

	for (size_t i = 0; i < r->env.n_services; i++) {
		const struct service *service = r->env.services[i];
		struct http_site site = { .ops = service->ops,
			.n_ops = service->n_ops,
			.not_found = service->not_found,
			.wrong_method = service->wrong_method,
			.error = service->error,
			.decorate = service->decorate,
			.rank = service->rank,
			.user = service->user,
			.busy = service->busy };
		enum err e = grace_conf_site(r->conf, service, &site, note);
		if (e != ERR_OK) {
			return e;
		}
		if (listener_find(service->listener) == (int)listener && service->n_ops > 0) {
			role_site_add(s, r, &site, (int)i);
		}
	}
	enum err e = acme_open(&web->acme, r, s, note);
	if (e != ERR_OK) {
		return e;
	}
	role_site_add_health(s, r);
	if (listener == (unsigned)listener_find("main") &&
	    conf_bool(r->conf, "tls", "http_redirect")) {
		e = slice_to_cstr(slice_str(conf_str(r->conf, "plimsoll", "public_url")),
		    web->https_origin, sizeof(web->https_origin));
		if (e != ERR_OK) {
			return err_note_set(note, ERR_CONFIG, "[plimsoll] public_url: too long");
		}
		s->https_origin = web->https_origin;
	}
	s->grace = &web->grace;
	s->http1_only = !offers_h2(r, listener);
	return role_site_open(s, r, measure, true, note);
}

/* A service that stands alone has no database. */
static bool has_store(const struct role_ctx *r)
{
	return r->env.peer[ROLE_STORE] != NULL;
}

/* The server that reads go to, while names can still be looked up. */
static enum err find_postgres(struct role_ctx *r, struct web *web, struct err_note *note)
{
	enum err e = store_target(r->conf, SQL_READ_ONLY, &web->target, note);

	if (e == ERR_OK) {
		e = pg_target_resolve(web->target, note);
	}
	if (e == ERR_OK) {
		web->reach = pg_target_reach(web->target);
		r->database = &web->reach;
	}
	return e;
}

/* The server of the listener that one is the second address of. */
static struct http_server *secured_server(const struct web *web, unsigned listener)
{
	int first = listener_find(listeners[listener].secures);

	CHECK(first >= 0 && web->servers[first].server != NULL);
	return web->servers[first].server;
}

static void web_sibling(struct role_ctx *r, unsigned instance, int fd)
{
	struct web *web = r->role_data;

	siblings_add(web->siblings, instance, fd);
}

/* Processes for realtime sessions are the last ones; at least one is for requests. */
static enum err find_realtime(struct role_ctx *r, struct err_note *note)
{
	unsigned all = (unsigned)conf_int(r->conf, "web", "instances"),
		 n = (unsigned)conf_int(r->conf, "web", "realtime_instances");

	all = all == 0 ? app_cores() : all;
	if (n > 0 && n >= all) {
		return err_note_set(note, ERR_CONFIG,
		    "[web] realtime_instances: must be below the %u of [web] instances", all);
	}
	r->env.realtime_first = all - n;
	r->env.realtime_n = n;
	return ERR_OK;
}

/* Accepts nothing: connections come from the others. */
static bool is_passive(const struct role_ctx *r)
{
	return r->env.realtime_n > 0 && (unsigned)r->env.instance >= r->env.realtime_first;
}

static enum err web_start(struct role_ctx *r, struct err_note *note)
{
	struct web *web = calloc(1, sizeof(*web));
	enum err e = ERR_OK;

	if (web == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	r->role_data = web;
	grace_init(&web->grace, rng_u64(), clock_mono_us());
	grace_conf_apply(r->conf, &web->grace);
	e = find_realtime(r, note);
	if (e != ERR_OK) {
		return e;
	}
	e = siblings_new(&r->env, &web->siblings);
	if (e == ERR_OK && store_is_postgres(r->conf) && has_store(r)) {
		e = find_postgres(r, web, note);
	}
	for (unsigned i = 0; e == ERR_OK && i < r->n_listen; i++) {
		if (r->listen_fd[i] >= 0 && listeners[i].secures == NULL) {
			e = open_server(r, &web->servers[i], i, note);
			siblings_serve(web->siblings, i, web->servers[i].server);
		}
	}
	if (e == ERR_OK && tls_is_on(r->conf)) {
		e = tls_web_open(r, &web->tls, note);
	}
	for (unsigned i = 0; e == ERR_OK && i < r->n_listen; i++) {
		if (r->listen_fd[i] >= 0 && listeners[i].secures != NULL) {
			tls_web_add(web->tls, secured_server(web, i), offers_h2(r, i));
		}
	}
	return e;
}

/* The store makes and migrates the database first; until it serves there may be no tables. */
static enum err open_database(struct role_ctx *r, const char *path, struct err_note *note)
{
	struct web *web = r->role_data;

	if (!health_store_serves(r->env.metrics, clock_mono_us())) {
		return err_note_set(note, ERR_AGAIN, "the store does not serve yet");
	}
	if (web->pool != NULL) {
		r->env.db = pg_pool_is_up(web->pool) ? pg_pool_db(web->pool) : NULL;
		return r->env.db != NULL ? ERR_OK
					 : err_note_set(note, ERR_AGAIN, "no connection yet");
	}
	enum err e = sql_open(path, SQL_READ_ONLY, &r->env.db, note);
	if (e == ERR_OK) {
		store_timing_attach(web->timing, r->env.db);
	}
	return e;
}

static void set_slow(const struct role_ctx *r)
{
	const struct web *web = r->role_data;

	store_timing_set_slow(web->timing, conf_ms(r->env.conf, "store", "slow_statement") * 1000);
}

static enum err open_pool(struct role_ctx *r, struct web *web, struct err_note *note)
{
	struct pg_pool_options o = store_pool_options(r->conf);

	o.loop = r->env.loop;
	o.target = web->target;
	o.mode = SQL_READ_ONLY;
	o.metrics = r->env.metrics;
	enum err e = pg_pool_open(&o, &web->pool, note);
	if (e == ERR_OK) {
		store_timing_attach(web->timing, pg_pool_db(web->pool));
	}
	return e;
}

static enum err web_prepare(struct role_ctx *r, struct err_note *note)
{
	struct web *web = r->role_data;
	char path[STORE_PATH_MAX];
	enum err e = store_db_path(r->env.data_dir, path, sizeof(path));

	if (e != ERR_OK) {
		return err_note_set(note, e, "the path of the data directory is too long");
	}
	e = store_timing_new(r->env.metrics, &web->timing);
	if (e == ERR_OK) {
		set_slow(r);
	}
	if (e == ERR_OK && web->tls != NULL) {
		e = tls_web_begin(web->tls, note);
	}
	if (!has_store(r)) {
		return e;
	}
	if (e == ERR_OK && web->target != NULL) {
		e = open_pool(r, web, note);
	}
	for (unsigned tries = 1; e == ERR_OK; tries++) {
		struct err_note why = { 0 };
		if (open_database(r, path, &why) == ERR_OK) {
			return ERR_OK;
		}
		if (tries % DATABASE_LOG_TRIES == 0) {
			LOG(LOG_WARN, "web", "waiting_for_database", LOG_C("err", why.text));
		}
		e = task_sleep(DATABASE_RETRY_US);
	}
	return e;
}

static enum err listen_tls(struct role_ctx *r, unsigned listener, struct err_note *note)
{
	struct web *web = r->role_data;
	int *fd = &r->listen_fd[listener];
	enum err e = http_server_listen_tls(secured_server(web, listener), *fd);

	*fd = -1;
	return e == ERR_OK ? e : err_note_set(note, e, "cannot accept: %s", err_text(e));
}

static enum err web_serve(struct role_ctx *r, struct err_note *note)
{
	struct web *web = r->role_data;
	enum err e = ERR_OK;

	siblings_begin(web->siblings);
	atomic_store_explicit(&metrics_own_slot(r->env.metrics)->passive, is_passive(r) ? 1 : 0,
	    memory_order_relaxed);
	for (unsigned i = 0; e == ERR_OK && i < r->n_listen; i++) {
		if (is_passive(r)) {
			role_site_begin(&web->servers[i], r);
		} else if (web->servers[i].server != NULL) {
			e = role_site_listen(&web->servers[i], r, i, note);
		} else if (r->listen_fd[i] >= 0 && listeners[i].secures != NULL) {
			e = listen_tls(r, i, note);
		}
	}
	return e;
}

static void on_drained(void *arg)
{
	struct role_ctx *r = arg;
	struct web *web = r->role_data;

	CHECK(web->draining > 0);
	web->draining--;
	if (web->draining == 0) {
		role_drained(r);
	}
}

static void web_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct web *web = r->role_data;

	web->draining = 1; /* ours, so that none of them finishes for all */
	for (unsigned i = 0; i < r->n_listen; i++) {
		if (web->servers[i].server != NULL) {
			web->draining++;
			role_site_drain(&web->servers[i], r, deadline_us, on_drained);
		}
	}
	on_drained(r);
}

static void web_reload(struct role_ctx *r)
{
	struct web *web = r->role_data;

	grace_conf_apply(r->conf, &web->grace);
	if (web->timing != NULL) {
		set_slow(r);
	}
	for (unsigned i = 0; i < r->n_listen; i++) {
		if (web->servers[i].server != NULL) {
			http_server_reload(web->servers[i].server, r->conf);
		}
	}
	if (web->tls != NULL) {
		tls_web_reload(web->tls);
	}
}

static void web_stop(struct role_ctx *r)
{
	struct web *web = r->role_data;

	for (unsigned i = 0; i < r->n_listen; i++) {
		http_server_free(&web->servers[i].server);
	}
	siblings_free(&web->siblings);
	tls_web_close(&web->tls);
	acme_close(&web->acme);
	sql_close(&r->env.db);
	pg_pool_close(&web->pool);
	pg_target_free(&web->target);
	store_timing_free(&web->timing);
	free(web);
	r->role_data = NULL;
}

const struct role_ops web_role_ops = {
	.start = web_start,
	.prepare = web_prepare,
	.serve = web_serve,
	.drain = web_drain,
	.reload = web_reload,
	.sibling = web_sibling,
	.stop = web_stop,
};
