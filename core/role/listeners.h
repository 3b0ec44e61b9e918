/*
 * The addresses on which the program may listen. A service names its listener in its row; the
 * configuration says the address; the supervisor binds it before it forks and hands the socket to
 * the processes of the role that serves it.
 */
#ifndef PLIMSOLL_ROLE_LISTENERS_H
#define PLIMSOLL_ROLE_LISTENERS_H

#include <stdbool.h>

#include "core/role/role.h"

struct listener {
	const char *name;	   /* as in struct service */
	const char *section, *key; /* of its address in the configuration */
	const char *socket;	   /* what a service manager, or the program before, calls it */
	const char *title;	   /* for people, at start */
	const char *scheme;	   /* of its addresses, likewise */
	enum role_id role;	   /* who accepts on it */
	/*
	 * Its services hand connections to other processes (http_hand_over()). HTTP/2, which has
	 * requests of many sessions on one connection, is not offered there while there are any.
	 */
	bool hands_over;
	/* It is a second address of the listener of that name, whose connections begin with TLS. */
	const char *secures;
};

extern const struct listener listeners[];
extern const unsigned n_listeners; /* at most SERVICE_MAX + 1 */

enum {
	LISTENER_NONE = -1
};

/* Index of the listener of that name, or LISTENER_NONE (also for NULL). */
int listener_find(const char *name);

/* Whether one of the services that are switched on (mask over app->services) needs it. */
bool listener_is_used(const struct app *app, uint32_t services, unsigned listener);

#endif
