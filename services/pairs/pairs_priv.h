/*
 * Inside of pairs: pairs.c (the service and its state), pairs_conf.c (keys), pairs_ops.c (rows),
 * conformance.c (the applications of the conformance suites); in web api*.c (the calls of the API)
 * and live*.c (live sessions); in the store pairs_change.c and what stands in pairs_change_priv.h.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_PRIV_H
#define PLIMSOLL_PAIRS_PAIRS_PRIV_H

#include "core/realtime/socketio_server.h"
#include "services/pairs/api_rows.h"
#include "services/pairs/media_jobs.h"
#include "services/pairs/pairs.h"
#include "services/pairs/live_sessions.h"
#include "services/pairs/pairs_fanout.h"
#include "services/pairs/signup_first.h"
#include "services/pairs/signup_gate.h"

enum {
	PAIRS_CONF_KEYS = 39,
	PAIRS_SOCKET_OPS = 8 + 1, /* and the host of pictures */
	PAIRS_UPLOAD_MAX =
	    64 * 1024 * 1024, /* bytes of a picture; what max_upload can be at most */
	PAIRS_PAGE_OPS = 5,
	PAIRS_OPS = PAIRS_SOCKET_OPS + API_ROWS + PAIRS_PAGE_OPS, /* in this order */
};

struct pairs_state {
	struct svc_env *env;
	unsigned most_sessions;	 /* that the descriptors of this process allow */
	struct socketio *io;	 /* NULL: not in a web process */
	struct engineio *engine; /* the bare one of the conformance suites; NULL: none */
	struct live *live;	 /* likewise */
	struct pairs_fanout fanout;
	struct signup_gate gate;
	struct blob_store *blobs; /* of pictures; web, media: to read; files: to write; else NULL */
	struct media_jobs jobs;
	unsigned uploads; /* that are on their way in this process */
	struct signup_first first;
};

static inline struct pairs_state *pairs_state(const struct svc_env *env)
{
	return svc_state(env, &pairs_service);
}

/* ---- pairs_conf.c ---- */

extern const struct conf_key pairs_conf_keys[PAIRS_CONF_KEYS];
NODISCARD enum err pairs_conf_check(const struct conf *conf, struct err_note *note);

bool pairs_is_conformance(const struct conf *conf);

/* The keys as settings; with conformance the suites' where none is set. Texts are those of conf. */
struct socketio_settings pairs_settings(const struct conf *conf, unsigned most_sessions);

/* ---- pairs_ops.c ---- */

extern const struct op pairs_ops[PAIRS_OPS];
enum err pairs_wrong_method(struct op_call *c);
void pairs_error(struct op_call *c, enum err e);

/* ---- pairs_rank.c: what gives way to sign-ups ---- */

enum shed_rank pairs_rank(struct op_call *c, const struct grace_load *load);
/* arg: struct pairs_state. May a new session be opened? */
bool pairs_may_open(void *arg);

/* ---- api_call.c, api_site.c ---- */

op_fn pairs_api, pairs_not_found;
/* Errors and headers of whatever is not a path of the protocols. */
void api_error(struct op_call *c, enum err e);
void pairs_decorate(struct op_call *c);

/* ---- pairs_page.c ---- */

op_fn pairs_page, pairs_page_signup, pairs_page_file, pairs_page_about;
/* The Content-Security-Policy of what is a page or loaded by one; empty: it is neither. */
struct slice pairs_page_policy(const struct op_call *c);

/* ---- pairs_audit.c ---- */

NODISCARD enum err pairs_audit(struct sql_db *db, struct err_note *note);
NODISCARD enum err pairs_anonymise(struct sql_db *db, const char *password, struct err_note *note);

/* ---- conformance.c ---- */

extern const struct engineio_app conformance_engine;
extern const struct socketio_namespace conformance_namespaces[];
extern const unsigned conformance_n_namespaces;

#endif
