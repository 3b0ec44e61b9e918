/*
 * See app.h. Nothing here depends on the role that asks: an index or an offset computed in one
 * process means the same in all others.
 */
#include "core/role/app.h"

#include <sched.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/http/server.h"
#include "core/http/settings.h"
#include "core/obs/log.h"
#include "core/role/admin_watch.h"
#include "core/offload/nats_conf.h"
#include "core/offload/offload_metrics.h"
#include "core/role/listeners.h"
#include "core/role/acme.h"
#include "core/role/role_site.h"
#include "core/rpc/rpc_cells.h"
#include "core/role/tls_keys.h"
#include "core/store/store.h"
#include "core/role/grace_conf.h"
#include "core/store/store_conf.h"
#include "core/tls/tls_conf.h"

size_t app_conf_tables(const struct app *app, struct conf_table ret[APP_MAX_CONF_TABLES])
{
	size_t n = 0;

	CHECK(app->n_services <= SERVICE_MAX);
	ret[n++] = runtime_conf;
	ret[n++] = http_conf;
	ret[n++] = tls_conf;
	ret[n++] = grace_conf;
	ret[n++] = nats_conf;
	for (size_t i = 0; i < app->n_services; i++) {
		ret[n++] = app->services[i]->conf;
	}
	return n;
}

enum err app_conf_new(const struct app *app, struct conf **ret)
{
	struct conf_table tables[APP_MAX_CONF_TABLES];
	size_t n = app_conf_tables(app, tables);

	return conf_new(tables, n, ret);
}

/* Services that nobody calls from outside are what the others stand on. */
static bool is_foundation(const struct service *s)
{
	return s->listener == NULL || s->n_ops == 0;
}

static enum err add_named(const struct app *app, struct slice name, uint32_t *mask)
{
	for (size_t i = 0; i < app->n_services; i++) {
		if (slice_eq(name, slice_str(app->services[i]->name))) {
			*mask |= 1u << i;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static const struct service *find_alone(const struct app *app, uint32_t mask)
{
	for (size_t i = 0; i < app->n_services; i++) {
		if ((mask & (1u << i)) != 0 && app->services[i]->stands_alone) {
			return app->services[i];
		}
	}
	return NULL;
}

enum err app_services(const struct app *app, const struct conf *conf, const char *only,
    uint32_t *ret_mask, struct err_note *note)
{
	struct slice rest = slice_str(only != NULL ? only : conf_str(conf, "plimsoll", "services"));
	bool all = slice_eq(rest, SLICE("all"));
	uint32_t mask = 0;

	for (struct slice piece; !all && slice_split(&rest, ',', &piece);) {
		struct slice name = slice_trim(piece);
		if (add_named(app, name, &mask) != ERR_OK) {
			return err_note_set(note, ERR_CONFIG,
			    "[plimsoll] services: there is no service \"%.*s\"", SLICE_ARG(name));
		}
	}
	const struct service *alone = find_alone(app, mask);
	if (alone != NULL && (mask & (mask - 1)) != 0) {
		return err_note_set(note, ERR_CONFIG,
		    "[plimsoll] services: \"%s\" runs in a server of its own, without others",
		    alone->name);
	}
	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *service = app->services[i];
		bool foundation = is_foundation(service);
		CHECK(foundation || listener_find(service->listener) != LISTENER_NONE);
		bool is_on = alone != NULL ? foundation && service->carries_all
					   : foundation || (all && !service->stands_alone);
		mask |= is_on ? 1u << i : 0;
	}
	*ret_mask = mask;
	return ERR_OK;
}

enum err app_conf_check(const struct app *app, const struct conf *conf, struct err_note *note)
{
	struct err_note why = { 0 };
	struct http_settings settings;
	struct nats_settings nats;
	uint32_t services = 0;

	if (log_set_levels(slice_str(conf_str(conf, "log", "level")), &why) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "[log] level: %s", why.text);
	}
	enum err e = app_services(app, conf, NULL, &services, note);
	if (e == ERR_OK) {
		e = store_conf_check(conf, note);
	}
	if (e == ERR_OK) {
		e = http_settings_read(conf, &settings, note);
	}
	for (size_t i = 0; e == ERR_OK && i < app->n_services; i++) {
		struct http_site unused = { 0 };
		e = grace_conf_site(conf, app->services[i], &unused, note);
	}
	if (e == ERR_OK) {
		e = grace_conf_check(conf, note);
	}
	if (e == ERR_OK) {
		e = nats_settings_read(conf, &nats, note);
	}
	return e == ERR_OK ? tls_conf_check(conf, note) : e;
}

uint32_t app_roles(const struct app *app, uint32_t services)
{
	uint32_t roles = ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN);

	roles |= find_alone(app, services) == NULL ? ROLE_BIT(ROLE_STORE) : 0;

	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *s = app->services[i];
		for (unsigned k = 0; (services & (1u << i)) != 0 && k < s->n_rpcs; k++) {
			roles |= s->rpcs[k]->from | ROLE_BIT(s->rpcs[k]->to);
		}
	}
	return roles & ROLE_ALL & ~ROLE_BIT(ROLE_SUPERVISOR);
}

enum err app_registry(const struct app *app, const struct rpc_def ***ret_defs, unsigned *ret_n)
{
	static const struct rpc_def *const own[] = { &tls_sign_row, &tls_state_row };
	const struct rpc_def **defs = calloc(APP_MAX_RPCS, sizeof(*defs));
	unsigned n = 0;

	if (defs == NULL) {
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *s = app->services[i];
		for (unsigned k = 0; k < s->n_rpcs; k++) {
			CHECK(n < APP_MAX_RPCS);
			defs[n++] = s->rpcs[k];
		}
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		CHECK(n < APP_MAX_RPCS);
		defs[n++] = own[i];
	}
	*ret_defs = defs;
	*ret_n = n;
	return ERR_OK;
}

/* The rows of a service on the listener of the web or of the admin role. */
static void add_ops(struct metric_schema *schema, const struct op *ops, unsigned n)
{
	const struct http_site site = { .ops = ops, .n_ops = n };
	const struct http_site *const sites[] = { &site };

	http_metric_schema(schema, sites, 1);
}

enum err app_metric_schema(const struct app *app, struct metric_schema **ret)
{
	struct metric_schema *schema = NULL;
	struct sql_table statements[SERVICE_MAX];
	enum err e = metric_schema_new(&schema);

	if (e != ERR_OK) {
		return e;
	}
	CHECK(app->n_services <= SERVICE_MAX);
	add_ops(schema, health_ops, n_health_ops);
	add_ops(schema, admin_ops, n_admin_ops);
	add_ops(schema, acme_ops, n_acme_ops);
	admin_metric_schema(schema);
	metric_schema_add(schema, &tls_expiry_metric, NULL);
	for (size_t i = 0; i < app->n_services; i++) {
		const struct service *s = app->services[i];
		add_ops(schema, s->ops, s->n_ops);
		add_ops(schema, s->admin_ops, s->n_admin_ops);
		for (unsigned k = 0; k < s->n_metrics; k++) {
			metric_schema_add(schema, &s->metrics[k], NULL);
		}
		for (unsigned k = 0; k < s->n_base_metrics; k++) {
			metric_schema_add(schema, &s->base_metrics[k], NULL);
		}
		statements[i] = s->stmts;
	}
	rpc_metric_schema(schema);
	offload_metric_schema(schema);
	store_metric_schema(schema, statements, (unsigned)app->n_services);
	pg_metric_schema(schema);
	*ret = schema;
	return ERR_OK;
}

unsigned app_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return 1;
	}
	int n = CPU_COUNT(&set);
	return n < 1 ? 1 : (unsigned)n;
}
