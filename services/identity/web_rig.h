/*
 * For unit tests: a web role without sockets. Requests go straight to the handlers of the service's
 * rows, calls to other roles go straight to the handlers of their rows, and the database is a real
 * one in a temporary folder. This file stands in the place of the HTTP server and of rpc_call().
 */
#ifndef PLIMSOLL_IDENTITY_WEB_RIG_H
#define PLIMSOLL_IDENTITY_WEB_RIG_H

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/http/http.h"
#include "core/service.h"

enum {
	RIG_HEADERS = 16
};

/* A browser: its cookie jar, and the last answer it got. */
struct browser {
	char cookies[4096]; /* "a=b; c=d" */
	char csrf[64];	    /* of the last session_context */
	/* Sent with each request when set. */
	const char *origin, *user_agent, *content_type;
	const char *address; /* NULL: 192.0.2.1 */

	int status;
	bool refused;	     /* counted as refused for load */
	enum shed_rank rank; /* which admission would have heard of */
	struct arena arena;  /* holds the answer until the next request */
	struct slice content_type_got, body;
	const struct json *json; /* of a JSON answer */
	struct http_header headers[RIG_HEADERS];
	unsigned n_headers;
};

/* Starts the service in a new folder; one at a time. settings: "section.name=value", NULL ends. */
void rig_start(const char *const *settings);
void rig_stop(void);

/* Changes a setting while it runs. */
void rig_set(const char *setting);

/* Has every call of that row fail from now on; NULL: none. */
void rig_fail(const struct rpc_def *def, enum err e);

/* Runs SQL, or reads the number or text it yields (text lives until rig_stop). */
void rig_sql(const char *sql);
int64_t rig_number(const char *sql);
const char *rig_text(const char *sql);

/* Checks the invariants of all services. */
void rig_audit(void);

void browser_init(struct browser *b);
void browser_fini(struct browser *b);

/* One request; target is path and query, body NULL for GET. */
void browser_send(struct browser *b, const char *method, const char *target, const char *body);
void browser_get(struct browser *b, const char *target);
/* POST of JSON members (without braces); the CSRF token is added. */
void browser_post(struct browser *b, const char *target, const char *members);
/* GET session_context, keeps its token. */
void browser_context(struct browser *b);

/* Header of the last answer, or NULL. */
const char *browser_header(struct browser *b, const char *name);
/* Members of the last JSON answer. */
bool browser_flag(struct browser *b, const char *name);
const char *browser_text(struct browser *b, const char *name); /* NULL: not there */
int64_t browser_number(struct browser *b, const char *name);
/* The body as text. */
const char *browser_body(struct browser *b);

#endif
