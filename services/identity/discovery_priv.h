/*
 * Role: web. Inside of discovery.h: discovery.c looks domains up, discovery_seen.c has the table of
 * those whose provider was seen at work.
 */
#ifndef PLIMSOLL_IDENTITY_DISCOVERY_PRIV_H
#define PLIMSOLL_IDENTITY_DISCOVERY_PRIV_H

#include "core/base/list.h"
#include "services/identity/discovery.h"
#include "services/identity/provider_cache.h"

struct discovery {
	struct svc_env *env;
	const char *own_host;
	struct providers *configured;
	struct provider_cache *known;
	struct list lookups; /* struct lookup.node: under way */
	unsigned n_lookups;
	enum {
		LOOK_NOWHERE,
		LOOK_HERE,
		LOOK_EVERYWHERE
	} reach;
};

/* discovery_seen.c: a look-up has found that the provider works; failures are logged. In a task. */
void discovery_record_seen(struct discovery *d, struct slice domain);

#endif
