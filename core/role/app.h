/*
 * What follows from the list of services, computed the same way in the supervisor and in every role
 * process: metric schema, RPC rows, which services and roles are switched on.
 */
#ifndef PLIMSOLL_ROLE_APP_H
#define PLIMSOLL_ROLE_APP_H

#include "core/obs/metric.h"
#include "core/role/role.h"

enum {
	APP_MAX_RPCS = 256
};

/*
 * Mask over app->services of those that run: only, or those of [plimsoll] services; those without
 * a listener (accounts) always but under one that stands alone. ERR_CONFIG: an unknown name, or
 * others beside one that stands alone, in note.
 */
NODISCARD enum err app_services(const struct app *app, const struct conf *conf, const char *only,
    uint32_t *ret_mask, struct err_note *note);

/* Mask of the roles that those services need: web and admin always, store but for one that stands
 * alone, others by RPC rows. */
uint32_t app_roles(const struct app *app, uint32_t services);

/* The rows of all built-in services in order, then the runtime's own (the index is the wire's
 * type). Free *ret_defs. */
NODISCARD enum err app_registry(
    const struct app *app, const struct rpc_def ***ret_defs, unsigned *ret_n);

/* Families of every role and every built-in service. */
NODISCARD enum err app_metric_schema(const struct app *app, struct metric_schema **ret);

/* Processor cores that this process may use. */
unsigned app_cores(void);

#endif
