/*
 * Role: admin. Shows what is going on, from the metrics block, so it has to ask nobody and answers
 * even when all others are stuck: /metrics for Prometheus, /status for `plimsoll status`, and the
 * admin rows of the services (the development outbox). Its listener is on loopback by default.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/json.h"
#include "core/role/listeners.h"
#include "core/role/roles.h"
#include "core/role/role_site.h"

enum {
	METRICS_BYTES = 16 * 1024 * 1024,
	INDEX_BYTES = 64 * 1024,
};

struct admin {
	struct role_site site;
	int listener;
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

static enum err show_metrics(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf *out = request_buf(c, METRICS_BYTES);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	metrics_write_prometheus(env->metrics, out);
	return reply_buf(c, SLICE("text/plain; version=0.0.4; charset=utf-8"), out);
}

/* What metrics_write_json() gives, with "version" and "services" (names) before it. */
static enum err show_status(struct op_call *c)
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
	json_put_name(&w, SLICE("version"));
	json_put_string(&w, slice_str(env->version));
	json_put_name(&w, SLICE("read_only"));
	json_put_bool(&w, conf_bool(env->conf, "store", "read_only"));
	json_put_name(&w, SLICE("services"));
	json_begin_array(&w);
	for (size_t i = 0; i < env->n_services; i++) {
		json_put_string(&w, slice_str(env->services[i]->name));
	}
	json_end_array(&w);
	/* The members of the other object follow in this one. */
	CHECK(slice_starts(object, SLICE("{\"")));
	buf_append_char(out, ',');
	buf_append_slice(out, slice_sub(object, 1, object.len));
	return reply_buf(c, SLICE("application/json"), out);
}

static void list_ops(struct buf *out, const struct op *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		bool plain = ops[i].method == HTTP_GET && slice_find(slice_str(ops[i].path), '{',
							      0) == slice_str(ops[i].path).len;
		if (plain) {
			buf_printf(out, "<li><a href=\"%s\">%s</a> %s</li>\n", ops[i].path,
			    ops[i].path, ops[i].name);
		}
	}
}

static enum err show_index(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf *out = request_buf(c, INDEX_BYTES);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	buf_append_str(out, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
			    "<meta name=\"viewport\" content=\"width=device-width\">"
			    "<title>Plimsoll admin</title>\n<h1>Plimsoll admin</h1>\n<ul>\n");
	list_ops(out, admin_ops + 1, n_admin_ops - 1);
	for (size_t i = 0; i < env->n_services; i++) {
		list_ops(out, env->services[i]->admin_ops, env->services[i]->n_admin_ops);
	}
	buf_append_str(out, "</ul>\n");
	return reply_buf(c, SLICE("text/html; charset=utf-8"), out);
}

/* clang-format off */
const struct op admin_ops[] = {
	{ "admin.index",   HTTP_GET, "/",        COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, show_index },
	{ "admin.metrics", HTTP_GET, "/metrics", COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, show_metrics },
	{ "admin.status",  HTTP_GET, "/status",  COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, show_status },
};
/* clang-format on */
const unsigned n_admin_ops = sizeof(admin_ops) / sizeof(admin_ops[0]);

static enum err admin_start(struct role_ctx *r, struct err_note *note)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	if (admin == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	r->role_data = admin;
	admin->listener = listener_find("admin");
	role_site_add(
	    &admin->site, r, &(struct http_site){ .ops = admin_ops, .n_ops = n_admin_ops }, -1);
	for (size_t i = 0; i < r->env.n_services; i++) {
		const struct service *s = r->env.services[i];
		const struct http_site site = { .ops = s->admin_ops, .n_ops = s->n_admin_ops };
		if (s->n_admin_ops > 0) {
			role_site_add(&admin->site, r, &site, (int)i);
		}
	}
	role_site_add_health(&admin->site, r);
	return role_site_open(&admin->site, r, NULL, false, note);
}

static enum err admin_serve(struct role_ctx *r, struct err_note *note)
{
	struct admin *admin = r->role_data;

	return role_site_listen(&admin->site, r, (unsigned)admin->listener, note);
}

static void on_drained(void *arg)
{
	role_drained(arg);
}

static void admin_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct admin *admin = r->role_data;

	role_site_drain(&admin->site, r, deadline_us, on_drained);
}

static void admin_reload(struct role_ctx *r)
{
	struct admin *admin = r->role_data;

	http_server_reload(admin->site.server, r->conf);
}

static void admin_stop(struct role_ctx *r)
{
	struct admin *admin = r->role_data;

	http_server_free(&admin->site.server);
	free(admin);
	r->role_data = NULL;
}

const struct role_ops admin_role_ops = {
	.start = admin_start,
	.serve = admin_serve,
	.drain = admin_drain,
	.reload = admin_reload,
	.stop = admin_stop,
};
