/*
 * Inside of pairs: pairs.c (the service and its state), pairs_conf.c (keys), pairs_ops.c (rows),
 * conformance.c (the applications of the conformance suites).
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_PRIV_H
#define PLIMSOLL_PAIRS_PAIRS_PRIV_H

#include "core/realtime/socketio_server.h"
#include "services/pairs/pairs.h"

enum {
	PAIRS_CONF_KEYS = 15,
	PAIRS_OPS = 8,
};

struct pairs_state {
	struct svc_env *env;
	unsigned most_sessions;	 /* that the descriptors of this process allow */
	struct socketio *io;	 /* NULL: not in a web process */
	struct engineio *engine; /* the bare one of the conformance suites; NULL: none */
};

static inline struct pairs_state *pairs_state(const struct svc_env *env)
{
	return svc_state(env, &pairs_service);
}

/* ---- pairs_conf.c ---- */

extern const struct conf_key pairs_conf_keys[PAIRS_CONF_KEYS];
NODISCARD enum err pairs_conf_check(const struct conf *conf, struct err_note *note);

bool pairs_is_conformance(const struct conf *conf);

/* The keys as settings; the suites' own with conformance. Texts are those of conf. */
struct socketio_settings pairs_settings(const struct conf *conf, unsigned most_sessions);

/* ---- pairs_ops.c ---- */

extern const struct op pairs_ops[PAIRS_OPS];
enum err pairs_wrong_method(struct op_call *c);
void pairs_error(struct op_call *c, enum err e);
void pairs_decorate(struct op_call *c);

/* ---- conformance.c ---- */

extern const struct engineio_app conformance_engine;
extern const struct socketio_namespace conformance_namespaces[];
extern const unsigned conformance_n_namespaces;

#endif
