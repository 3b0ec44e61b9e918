/*
 * Heartbeats and version on every listener, answered inline at any load by the process that got the
 * request. The heartbeat looks only at state that is there anyway (slots of the metrics block), so
 * that a monitor never adds work to a full server. Balancers ask the health listener instead
 * (health_thread.c), which speaks for the whole server.
 */
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/role/health_look.h"
#include "core/role/role_site.h"

static bool database_is_there(const struct svc_env *env)
{
	return env->role != ROLE_WEB || (env->db != NULL && sql_is_there(env->db));
}

static enum err heartbeat(struct op_call *c)
{
	const struct svc_env *env = c->env;
	bool has_store = env->peer[ROLE_STORE] != NULL; /* a service that stands alone has none */
	bool well = !has_store ||
		    (health_store_serves(env->metrics, clock_mono_us()) && database_is_there(env));

	http_reply(
	    c->req, well ? 200 : 500, SLICE("text/plain"), well ? SLICE("ok") : SLICE("bad"));
	return ERR_OK;
}

/* For load balancers: this process answers; what stands behind it is not their business. */
static enum err lb_heartbeat(struct op_call *c)
{
	http_reply(c->req, 200, SLICE("application/json"), SLICE("{}"));
	return ERR_OK;
}

static enum err version(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf out = buf_new(512);
	struct json_writer w = json_writer_new(&out);
	struct slice text = SLICE_EMPTY, body = SLICE_EMPTY;

	json_begin_object(&w);
	json_put_name(&w, SLICE("name"));
	json_put_string(&w, SLICE("plimsoll"));
	json_put_name(&w, SLICE("version"));
	json_put_string(&w, slice_str(env->version));
	json_end_object(&w);
	enum err e = buf_finish(&out, &text);
	if (e == ERR_OK) {
		e = arena_copy(c->arena, text, &body);
	}
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), body);
	}
	buf_free(&out);
	return e;
}

/* clang-format off */
const struct op health_ops[] = {
	{ "health.heartbeat",   HTTP_GET, "/__heartbeat__",   COST_HEALTH, SHED_NEVER, 1000, 0, OP_INLINE | OP_ANY_SCHEME, heartbeat },
	{ "health.lbheartbeat", HTTP_GET, "/__lbheartbeat__", COST_HEALTH, SHED_NEVER, 1000, 0, OP_INLINE | OP_ANY_SCHEME, lb_heartbeat },
	{ "health.version",     HTTP_GET, "/__version__",     COST_HEALTH, SHED_NEVER, 1000, 0, OP_INLINE | OP_ANY_SCHEME, version },
};
/* clang-format on */
const unsigned n_health_ops = sizeof(health_ops) / sizeof(health_ops[0]);
