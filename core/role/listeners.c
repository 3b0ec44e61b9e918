/*
 * The table of listeners and who uses them.
 */
#include "core/role/listeners.h"

#include <string.h>

const char listener_tls[] = "tls";

const struct listener listeners[] = {
	{ "main", "web", "service", "http", ROLE_WEB, false },
	{ listener_tls, "tls", "service", "https", ROLE_WEB, false },
	{ "admin", "admin", "admin", "http", ROLE_ADMIN, false },
	{ "symbols", "symbols", "symbols", "http", ROLE_WEB, false },
	{ "pairs", "pairs", "pairs", "http", ROLE_WEB, true },
};
const unsigned n_listeners = sizeof(listeners) / sizeof(listeners[0]);

_Static_assert(sizeof(listeners) / sizeof(listeners[0]) <= SERVICE_MAX + 1, "role_ctx.listen_fd");

int listener_find(const char *name)
{
	for (unsigned i = 0; name != NULL && i < n_listeners; i++) {
		if (strcmp(listeners[i].name, name) == 0) {
			return (int)i;
		}
	}
	return LISTENER_NONE;
}

bool listener_is_used(const struct app *app, uint32_t services, unsigned listener)
{
	if (listeners[listener].role == ROLE_ADMIN || listeners[listener].name == listener_tls) {
		return true;
	}
	for (size_t i = 0; i < app->n_services; i++) {
		if ((services & (1u << i)) != 0 &&
		    listener_find(app->services[i]->listener) == (int)listener) {
			return true;
		}
	}
	return false;
}
