/*
 * What the files of web_rig.h share.
 */
#ifndef PLIMSOLL_IDENTITY_WEB_RIG_PRIV_H
#define PLIMSOLL_IDENTITY_WEB_RIG_PRIV_H

#include "core/service.h"
#include "services/identity/web_rig.h"

enum {
	REQUEST_ARENA = 4 * 1024 * 1024
};

struct http_req {
	struct browser *browser;
	struct arena *arena;
	enum http_method method;
	struct slice path, query, body, rest;
	struct op_call call;
	bool replied;
};

/* Of the web role that was started, and what the service keeps there. */
struct svc_env *rig_web_env(void);
void *rig_identity_state(void);

#endif
