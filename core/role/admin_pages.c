/*
 * Role: admin. /metrics, /status, and the live page with the data that it polls. Everything comes
 * from memory, so it is answered inline even when all other roles are stuck.
 */
#include "core/role/admin_pages.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/http/asset.h"
#include "core/role/admin_watch.h"
#include "core/role/app.h"
#include "core/role/role_site.h"
#include "web/assets.h"

enum {
	METRICS_BYTES = 16 * 1024 * 1024,
	LIVE_BYTES = 2 * 1024 * 1024,
	WARNINGS_SHOWN = 12,
};

static void free_buf(void *arg)
{
	struct buf *b = arg;

	buf_free(b);
	free(b);
}

/* A buffer that lives as long as the request, or NULL. */
static struct buf *request_buf(struct op_call *c, size_t max)
{
	struct buf *b = malloc(sizeof(*b));

	if (b == NULL) {
		return NULL;
	}
	*b = buf_new(max);
	if (arena_defer(c->arena, free_buf, b) != ERR_OK) {
		free(b);
		return NULL;
	}
	return b;
}

static enum err reply_buf(struct op_call *c, struct slice type, const struct buf *b)
{
	struct slice body = SLICE_EMPTY;
	enum err e = buf_finish(b, &body);

	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
		http_reply(c->req, 200, type, body);
	}
	return e;
}

enum err admin_show_metrics(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const struct admin_watch *watch = c->state;
	struct buf *out = request_buf(c, METRICS_BYTES);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	metrics_write_prometheus(env->metrics, out);
	headline_write_prometheus(watch->headline, out);
	capacity_write_prometheus(watch->capacity, out);
	admin_classes_write_prometheus(&watch->classes, out);
	return reply_buf(c, SLICE("text/plain; version=0.0.4; charset=utf-8"), out);
}

/* ---- what /status and /live have in common ---- */

static void put_str(struct json_writer *w, const char *name, const char *value)
{
	json_put_name(w, slice_str(name));
	json_put_string(w, slice_str(value));
}

static void put_warnings(struct json_writer *w, const struct metrics *m)
{
	struct metric_warning warnings[WARNINGS_SHOWN];
	unsigned n = metrics_warnings(m, warnings, WARNINGS_SHOWN);

	json_put_name(w, SLICE("warnings"));
	json_begin_array(w);
	for (unsigned i = 0; i < n; i++) {
		json_begin_object(w);
		json_put_name(w, SLICE("at_ms"));
		json_put_i64(w, warnings[i].wall_ms);
		put_str(w, "line", warnings[i].text);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_health(struct json_writer *w, const struct admin_watch *watch)
{
	json_put_name(w, SLICE("load"));
	if (watch->health == NULL) {
		json_put_null(w);
		return;
	}
	const struct health_report *r = health_thread_report(watch->health);
	json_begin_object(w);
	json_put_name(w, SLICE("permille"));
	json_put_i64(w, metric_get(&r->load_permille));
	json_put_name(w, SLICE("ready"));
	json_put_bool(w, atomic_load_explicit(&r->ready, memory_order_relaxed) != 0);
	json_end_object(w);
}

/*
 * version, services, now_ms, cores, fullest, headline, capacity, classes, load, warnings: members
 * of an open object.
 */
static void put_common(
    struct json_writer *w, const struct svc_env *env, const struct admin_watch *watch)
{
	put_str(w, "version", env->version);
	json_put_name(w, SLICE("read_only"));
	json_put_bool(w, conf_bool(env->conf, "store", "read_only"));
	json_put_name(w, SLICE("services"));
	json_begin_array(w);
	for (size_t i = 0; i < env->n_services; i++) {
		json_put_string(w, slice_str(env->services[i]->name));
	}
	json_end_array(w);
	json_put_name(w, SLICE("now_ms"));
	json_put_i64(w, clock_wall_ms());
	json_put_name(w, SLICE("cores"));
	json_put_i64(w, app_cores());
	put_str(w, "fullest", headline_fullest(watch->headline));
	json_put_name(w, SLICE("headline"));
	headline_put_json(watch->headline, w);
	json_put_name(w, SLICE("capacity"));
	capacity_put_json(watch->capacity, w);
	json_put_name(w, SLICE("classes"));
	admin_classes_put_json(&watch->classes, w);
	put_health(w, watch);
	put_warnings(w, env->metrics);
}

/* What metrics_write_json() gives, behind the members of put_common(). */
enum err admin_show_status(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf *out = request_buf(c, METRICS_BYTES), *counters = request_buf(c, METRICS_BYTES);
	struct slice object = SLICE_EMPTY;

	if (out == NULL || counters == NULL) {
		return ERR_MEMORY;
	}
	metrics_write_json(env->metrics, counters);
	enum err e = buf_finish(counters, &object);
	if (e != ERR_OK) {
		return e;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	put_common(&w, env, c->state);
	/* The members of the other object follow in this one. */
	CHECK(slice_starts(object, SLICE("{\"")));
	buf_append_char(out, ',');
	buf_append_slice(out, slice_sub(object, 1, object.len));
	return reply_buf(c, SLICE("application/json"), out);
}

/* ---- the live page ---- */

static void put_links_of(struct json_writer *w, const struct op *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct slice path = slice_str(ops[i].path);
		if (ops[i].method == HTTP_GET && slice_find(path, '{', 0) == path.len) {
			json_put_string(w, path);
		}
	}
}

static void put_links(struct json_writer *w, const struct svc_env *env)
{
	json_put_name(w, SLICE("links"));
	json_begin_array(w);
	put_links_of(w, admin_ops, n_admin_links);
	for (size_t i = 0; i < env->n_services; i++) {
		put_links_of(w, env->services[i]->admin_ops, env->services[i]->n_admin_ops);
	}
	json_end_array(w);
}

/* The table of figures and activities, for the page's labels: at its first poll only. */
static void put_tables(struct json_writer *w, const struct svc_env *env)
{
	json_put_name(w, SLICE("figures"));
	json_begin_array(w);
	for (unsigned i = 0; i < HEADLINE_COUNT; i++) {
		const struct headline_def *d = &headline_defs[i];
		json_begin_object(w);
		put_str(w, "name", d->name);
		put_str(w, "title", d->title);
		put_str(w, "unit", d->unit);
		put_str(w, "help", d->help);
		put_str(w, "act", d->act);
		json_end_object(w);
	}
	json_end_array(w);
	json_put_name(w, SLICE("activities"));
	json_begin_object(w);
	for (size_t i = 0; i < env->n_services; i++) {
		for (unsigned k = 0; k < env->services[i]->n_activities; k++) {
			const struct activity *a = &env->services[i]->activities[k];
			put_str(w, a->name, a->help);
		}
	}
	json_end_object(w);
}

/*
 * ?since=N: points of the history behind that number; ?history=no: none of it; without either all,
 * and the tables.
 */
enum err admin_show_live(struct op_call *c)
{
	const struct svc_env *env = c->env;
	const struct admin_watch *watch = c->state;
	struct buf *out = request_buf(c, LIVE_BYTES);
	struct slice text = SLICE_EMPTY;
	uint64_t since = 0;

	if (out == NULL) {
		return ERR_MEMORY;
	}
	bool history = !http_query_get(c->req, SLICE("history"), &text);
	bool first = history && !http_query_get(c->req, SLICE("since"), &text);
	if (history && !first && slice_to_u64(text, INT64_MAX, &since) != ERR_OK) {
		return ERR_INVALID;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	put_common(&w, env, watch);
	if (history) {
		json_put_name(&w, SLICE("history"));
		headline_put_history(watch->headline, since, &w);
	}
	json_put_name(&w, SLICE("processes"));
	metrics_put_processes(env->metrics, &w);
	json_put_name(&w, SLICE("refused_why"));
	metrics_put_rows(env->metrics, "http_refusals_total", &w);
	json_put_name(&w, SLICE("refused_op"));
	metrics_put_rows(env->metrics, "http_refused_total", &w);
	if (first) {
		put_tables(&w, env);
		put_links(&w, env);
	}
	json_end_object(&w);
	return reply_buf(c, SLICE("application/json"), out);
}

static enum err reply_file(struct op_call *c, struct slice name)
{
	const char *path = arena_printf(c->arena, "admin/%.*s", SLICE_ARG(name));

	if (path == NULL) {
		return ERR_MEMORY;
	}
	const struct asset *asset = asset_find(&web_assets, slice_str(path));
	if (asset == NULL) {
		return ERR_NOT_FOUND;
	}
	http_add_header(c->req, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	http_add_header(c->req, SLICE("Referrer-Policy"), SLICE("no-referrer"));
	http_add_header(c->req, SLICE("Content-Security-Policy"),
	    SLICE("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
		  "connect-src 'self'; base-uri 'none'; form-action 'none'; "
		  "frame-ancestors 'none'"));
	asset_reply(c, asset, SLICE("no-cache"));
	return ERR_OK;
}

enum err admin_show_page(struct op_call *c)
{
	return reply_file(c, SLICE("live.html"));
}

enum err admin_show_file(struct op_call *c)
{
	return reply_file(c, http_param(c->req, "rest"));
}
