/*
 * What web and admin have in common: one HTTP server per listener, whose sites are the services'
 * rows and our own (health for everybody, counters for admin).
 */
#ifndef PLIMSOLL_ROLE_ROLE_SITE_H
#define PLIMSOLL_ROLE_ROLE_SITE_H

#include <stdbool.h>

#include "core/http/server.h"
#include "core/role/role.h"

/* Answered at any load on each listener, unless a service has the path itself (health.c). */
extern const struct op health_ops[];
extern const unsigned n_health_ops;

/* The admin listener's own (admin_role.c). */
extern const struct op admin_ops[];
extern const unsigned n_admin_ops;
extern const unsigned n_admin_links; /* how many of the first are for people and their programs */

enum {
	SITE_MAX = SERVICE_MAX + 3,
	SITE_MAX_HEALTH = 4
};

/* A server and its sites; zeroed memory is an empty one. */
struct role_site {
	struct http_server *server; /* NULL: nothing to serve */
	struct http_site sites[SITE_MAX];
	const struct http_site *list[SITE_MAX];
	int service[SITE_MAX]; /* index in env.services whose state the site gets; -1: ours */
	unsigned n;
	const char *https_origin;	   /* see struct http_server_options */
	bool http1_only;		   /* likewise */
	struct grace *grace;		   /* of all servers of the process; NULL: its own */
	struct op health[SITE_MAX_HEALTH]; /* rows of health_ops that no service has */
};

/* Adds a site. ops must stay where they are. service: see above; -1: the site's state is kept. */
void role_site_add(
    struct role_site *s, struct role_ctx *r, const struct http_site *site, int service);

/* Adds the rows of health_ops whose path none of the sites has. */
void role_site_add_health(struct role_site *s, struct role_ctx *r);

/* Makes the server, before the services start. ERR_CONFIG with the row in note. */
NODISCARD enum err role_site_open(struct role_site *s, struct role_ctx *r, http_load_fn *load,
    bool access_log, struct err_note *note);

/* Gives the sites their services' state: for connections that others have accepted. */
void role_site_begin(struct role_site *s, struct role_ctx *r);

/* The same, and begins to accept on the listener's socket. */
NODISCARD enum err role_site_listen(
    struct role_site *s, struct role_ctx *r, unsigned listener, struct err_note *note);

/* Drains the server as the supervisor said; done(r) when it has. */
void role_site_drain(
    struct role_site *s, struct role_ctx *r, int64_t deadline_us, void (*done)(void *arg));

#endif
