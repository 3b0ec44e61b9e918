/*
 * What the admin role does by itself: samples the counters for the headline figures and the
 * headroom, warns near the line, answers health, has services look after their gauges, sends to
 * statsd.
 */
#ifndef PLIMSOLL_ROLE_ADMIN_WATCH_H
#define PLIMSOLL_ROLE_ADMIN_WATCH_H

#include "core/obs/capacity.h"
#include "core/obs/headline.h"
#include "core/obs/statsd.h"
#include "core/role/admin_classes.h"
#include "core/role/health_thread.h"
#include "core/role/role.h"

struct admin_watch {
	struct role_ctx *role;
	struct headline *headline;
	struct capacity *capacity;
	struct admin_classes classes;
	struct health_thread *health; /* NULL: not yet, or not any more */
	struct health_cells {
		_Atomic int64_t *load, *ready, *alive, *changes, *answers; /* in our slot */
	} cells;
	int64_t told_changes, told_answers; /* counted there already */
	bool near, was_ready;		    /* as told in the log */
	struct statsd_text *statsd;	    /* NULL: not configured */
	int statsd_fd;			    /* connected UDP; -1 */
	bool looking;			    /* the task of the services' gauges runs */
	unsigned seconds, statsd_every_s;
};

/*
 * Before the sandbox closes, because it opens the socket for statsd: afterwards this process can
 * make no other. A statsd that cannot be found is logged and left out.
 */
NODISCARD enum err admin_watch_open(
    struct admin_watch *w, struct role_ctx *r, struct err_note *note);
void admin_watch_close(struct admin_watch *w);

/* Samples every second from now on. */
void admin_watch_start(struct admin_watch *w);

/* Answers health on that socket, which is closed in any case, until admin_watch_end_health(). */
NODISCARD enum err admin_watch_health(struct admin_watch *w, int listen_fd, struct err_note *note);
void admin_watch_end_health(struct admin_watch *w);

/* After the role's configuration has changed. */
void admin_watch_reload(struct admin_watch *w);

/* What it counts itself. */
void admin_metric_schema(struct metric_schema *schema);

#endif
