/*
 * See role_site.h. Servers are made before the sandbox closes and before the services have state,
 * so that wrong rows stop the start and files the server watches can be opened; the state is filled
 * in when serving begins.
 */
#include "core/role/role_site.h"

#include <string.h>
#include <unistd.h>

#include "core/base/check.h"

void role_site_add(
    struct role_site *s, struct role_ctx *r, const struct http_site *site, int service)
{
	CHECK(s->n < SITE_MAX);
	s->sites[s->n] = *site;
	s->sites[s->n].env = &r->env;
	s->service[s->n] = service;
	s->list[s->n] = &s->sites[s->n];
	s->n++;
}

static bool has_path(const struct role_site *s, const char *path)
{
	for (unsigned i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < s->sites[i].n_ops; k++) {
			if (strcmp(s->sites[i].ops[k].path, path) == 0) {
				return true;
			}
		}
	}
	return false;
}

void role_site_add_health(struct role_site *s, struct role_ctx *r)
{
	unsigned n = 0;

	CHECK(n_health_ops <= SITE_MAX_HEALTH);
	for (unsigned i = 0; i < n_health_ops; i++) {
		if (!has_path(s, health_ops[i].path)) {
			s->health[n++] = health_ops[i];
		}
	}
	role_site_add(s, r, &(struct http_site){ .ops = s->health, .n_ops = n }, -1);
}

/* The handlers of a turn read one state of the database. */
static void on_turn(void *arg, bool on)
{
	struct role_ctx *r = arg;

	if (r->env.db == NULL) {
		return;
	}
	if (on) {
		sql_snapshot_begin(r->env.db);
	} else {
		sql_snapshot_end(r->env.db);
	}
}

enum err role_site_open(struct role_site *s, struct role_ctx *r, http_load_fn *load,
    bool access_log, struct err_note *note)
{
	const struct http_server_options options = { .sites = s->list,
		.n_sites = s->n,
		.conf = r->conf,
		.metrics = r->env.metrics,
		.load = load,
		.load_arg = r,
		.grace = s->grace,
		.access_log = access_log,
		.proxied = r->env.role == ROLE_WEB,
		.https_origin = s->https_origin,
		.http1_only = s->http1_only,
		.reads_wait = r->database != NULL,
		.turn = on_turn,
		.turn_arg = r };

	return http_server_new(r->env.loop, &options, &s->server, note);
}

void role_site_begin(struct role_site *s, struct role_ctx *r)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->service[i] >= 0) {
			s->sites[i].state = r->env.state[s->service[i]];
		}
	}
}

enum err role_site_listen(
    struct role_site *s, struct role_ctx *r, unsigned listener, struct err_note *note)
{
	role_site_begin(s, r);
	int fd = r->listen_fd[listener];
	r->listen_fd[listener] = -1;
	CHECK(fd >= 0);
	enum err e = http_server_listen(s->server, fd);
	return e == ERR_OK ? e : err_note_set(note, e, "cannot accept: %s", err_text(e));
}

void role_site_drain(
    struct role_site *s, struct role_ctx *r, int64_t deadline_us, void (*done)(void *arg))
{
	http_server_drain(s->server, &(struct http_drain){ .deadline_us = deadline_us,
					 .idle_until_us = r->idle_until_us,
					 .accepts = r->drain_accepts,
					 .done = done,
					 .arg = r });
}
