/*
 * Role: admin. Shows what is going on, from the metrics block, so it has to ask nobody and answers
 * even when all others are stuck: the live page, /metrics for Prometheus, /status for `plimsoll
 * status`, and the admin rows of the services (the development outbox). Its listener is on loopback
 * by default. Life and rows of the role are here, the answers in admin_pages.c, the headline
 * figures in admin_watch.c.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/role/admin_pages.h"
#include "core/role/admin_watch.h"
#include "core/role/listeners.h"
#include "core/role/role_site.h"
#include "core/role/roles.h"

struct admin {
	struct role_site site;
	struct admin_watch watch;
	int listener, health; /* indices of listeners[] */
};

/* clang-format off */
const struct op admin_ops[] = {
	{ "admin.metrics", HTTP_GET, "/metrics",       COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, admin_show_metrics },
	{ "admin.status",  HTTP_GET, "/status",        COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, admin_show_status },
	{ "admin.live",    HTTP_GET, "/live",          COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, admin_show_live },
	{ "admin.index",   HTTP_GET, "/",              COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, admin_show_page },
	{ "admin.file",    HTTP_GET, "/files/{rest*}", COST_HEALTH, SHED_NEVER, 5000, 0, OP_INLINE, admin_show_file },
};
/* clang-format on */
const unsigned n_admin_ops = sizeof(admin_ops) / sizeof(admin_ops[0]);
const unsigned n_admin_links = 3;

static enum err admin_start(struct role_ctx *r, struct err_note *note)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	if (admin == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	r->role_data = admin;
	admin->listener = listener_find("admin");
	admin->health = listener_find("health");
	enum err e = admin_watch_open(&admin->watch, r, note);
	if (e != ERR_OK) {
		return e;
	}
	role_site_add(&admin->site, r,
	    &(struct http_site){ .ops = admin_ops, .n_ops = n_admin_ops, .state = &admin->watch },
	    -1);
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
	int *health_fd = &r->listen_fd[admin->health];

	admin_watch_start(&admin->watch);
	CHECK(*health_fd >= 0);
	enum err e = admin_watch_health(&admin->watch, *health_fd, note);
	*health_fd = -1;
	return e == ERR_OK ? role_site_listen(&admin->site, r, (unsigned)admin->listener, note) : e;
}

static void on_drained(void *arg)
{
	role_drained(arg);
}

static void admin_drain(struct role_ctx *r, int64_t deadline_us)
{
	struct admin *admin = r->role_data;

	/* While nobody else answers yet there is nobody to leave it to. */
	if (!r->drain_accepts) {
		admin_watch_end_health(&admin->watch);
	}
	role_site_drain(&admin->site, r, deadline_us, on_drained);
}

static void admin_reload(struct role_ctx *r)
{
	struct admin *admin = r->role_data;

	http_server_reload(admin->site.server, r->conf);
	admin_watch_reload(&admin->watch);
}

static void admin_stop(struct role_ctx *r)
{
	struct admin *admin = r->role_data;

	http_server_free(&admin->site.server);
	admin_watch_close(&admin->watch);
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
