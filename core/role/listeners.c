/*
 * The table of listeners and who uses them.
 */
#include "core/role/listeners.h"

#include <string.h>

/* clang-format off */
const struct listener listeners[] = {
	{ "main",        "web",     "listen",     "web",         "service", "http",  ROLE_WEB,   false, NULL },
	{ "tls",         "tls",     "listen",     "tls",         "service", "https", ROLE_WEB,   false, "main" },
	{ "admin",       "admin",   "listen",     "admin",       "admin",   "http",  ROLE_ADMIN, false, NULL },
	{ "health",      "health",  "listen",     "health",      "health",  "http",  ROLE_ADMIN, false, NULL },
	{ "symbols",     "symbols", "listen",     "symbols",     "symbols", "http",  ROLE_WEB,   false, NULL },
	{ "symbols_tls", "symbols", "tls_listen", "symbols_tls", "symbols", "https", ROLE_WEB,   false, "symbols" },
	{ "pairs",       "pairs",   "listen",     "pairs",       "pairs",   "http",  ROLE_WEB,   true,  NULL },
	{ "pairs_tls",   "pairs",   "tls_listen", "pairs_tls",   "pairs",   "https", ROLE_WEB,   true,  "pairs" },
};
/* clang-format on */
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
	if (listeners[listener].role == ROLE_ADMIN) {
		return true;
	}
	if (listeners[listener].secures != NULL) {
		listener = (unsigned)listener_find(listeners[listener].secures);
	}
	for (size_t i = 0; i < app->n_services; i++) {
		if ((services & (1u << i)) != 0 &&
		    listener_find(app->services[i]->listener) == (int)listener) {
			return true;
		}
	}
	return false;
}
