/*
 * What the admin role does by itself: samples the counters for the headline figures, has services
 * look after their gauges, sends to statsd.
 */
#ifndef PLIMSOLL_ROLE_ADMIN_WATCH_H
#define PLIMSOLL_ROLE_ADMIN_WATCH_H

#include "core/obs/headline.h"
#include "core/obs/statsd.h"
#include "core/role/role.h"

struct admin_watch {
	struct role_ctx *role;
	struct headline *headline;
	struct statsd_text *statsd; /* NULL: not configured */
	int statsd_fd;		    /* connected UDP; -1 */
	bool looking;		    /* the task of the services' gauges runs */
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

#endif
