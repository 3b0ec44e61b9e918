/*
 * The service contract: what the core learns about a service comes from one static const struct,
 * listed in services/table.c. accounts is listed like a service although nobody can call it from
 * outside. Adding an operation is one row, one handler, one test.
 */
#ifndef PLIMSOLL_SERVICE_H
#define PLIMSOLL_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/conf/conf.h"
#include "core/ev/loop.h"
#include "core/http/http.h"
#include "core/obs/activity.h"
#include "core/obs/metric.h"
#include "core/rpc/rpc.h"
#include "core/store/sql.h"

enum {
	SERVICE_MAX = 8,
	SVC_TELL_BYTES = 16 * 1024, /* longest message of svc_tell() */
};

struct service;
struct siblings;
struct tls_keys;

/* What a role process gives to the services' code that runs in it. One per process. */
struct svc_env {
	enum role_id role;
	int instance;
	/* Web: the processes that hold realtime sessions and nothing else; 0: all do both. */
	unsigned realtime_first, realtime_n;
	struct loop *loop;
	const struct conf *conf;
	struct metrics *metrics;
	struct sql_db
	    *db; /* web: read-only connection; store: NULL (use struct txn); others NULL */
	struct rpc_pool *peer[ROLE_COUNT]; /* NULL where this role may not call */
	struct tls_keys *tls_keys;	   /* signer, with TLS on; else NULL */
	int helper_fd; /* roles that have a helper (role_def): its program, for helper_run() */
	const char *data_dir;
	const char *version;
	const struct service *const *services; /* those that are switched on */
	size_t n_services;
	void *state[SERVICE_MAX]; /* set by each service's start(), same index as services */
	/* Web: the way to the other web processes, see svc_tell(); NULL: none. */
	struct siblings *siblings;
	void (*tell_siblings)(struct siblings *s, unsigned service, struct slice message);
};

struct service {
	const char *name, *summary;
	/* Which listener of the configuration serves ops: "main" (8000), "symbols", "pairs". */
	const char *listener;
	/*
	 * Runs only where it is named, alone, and without what the others stand on: no store, no
	 * accounts. Its paths may be those of others.
	 */
	bool stands_alone;
	/* Of a service that nobody calls from outside: needs no store, so those have it, too. */
	bool carries_all;
	const struct op *ops;
	unsigned n_ops;
	op_fn *not_found, *wrong_method; /* see struct http_site; NULL: defaults */
	void (*error)(struct op_call *c, enum err e);
	void (*decorate)(struct op_call *c);
	enum shed_rank (*rank)(struct op_call *c, const struct grace_load *load);
	uint64_t (*user)(struct op_call *c);
	/*
	 * Web: adds what the service alone knows to what admission looks at. Called before requests
	 * are decided about, so it only copies. May be NULL.
	 */
	void (*load)(const struct svc_env *env, const void *state, struct grace_load *load);
	/*
	 * Names of what its rows are by rank, for [grace] (core/role/grace_conf.h); those of
	 * SHED_LATE to SHED_FIRST are there. NULL: the order is not anybody's to choose.
	 */
	const char *const *classes;
	void (*busy)(struct op_call *c);
	const struct op *admin_ops; /* served by the admin role on its loopback listener */
	unsigned n_admin_ops;
	const struct rpc_def *const *rpcs;
	unsigned n_rpcs;
	struct sql_table stmts;
	const struct migration *migrations;
	unsigned n_migrations;
	struct conf_table conf;
	const struct metric_def *metrics; /* families of one row, added to every schema */
	unsigned n_metrics;
	const struct metric_def *base_metrics; /* likewise, of what the service stands on */
	unsigned n_base_metrics;
	const struct activity *activities; /* what its users do; see core/obs/activity.h */
	unsigned n_activities;
	/*
	 * Called in every role process before the sandbox closes; env->role says where. May open
	 * files and keep state in *ret_state. stop() undoes it. Either may be NULL.
	 */
	enum err (*start)(struct svc_env *env, void **ret_state, struct err_note *note);
	void (*stop)(struct svc_env *env, void *state);
	/*
	 * Called in a task once all peers are connected and before the first request is served
	 * (web: fetch the symmetric keys from the signer, open what needs the store). May wait.
	 */
	enum err (*ready)(struct svc_env *env, void *state, struct err_note *note);
	/* SIGHUP: env->conf already holds the new values. May be NULL. */
	void (*reload)(struct svc_env *env, void *state);
	/*
	 * The process goes down: what the service itself keeps open has to end by then (monotonic).
	 * May be NULL.
	 */
	void (*drain)(struct svc_env *env, void *state, int64_t deadline_us);
	/*
	 * Web: the same service in another web process has said this by svc_tell(). Empty: what was
	 * said may be incomplete, because a process is gone, new or did not keep up: whoever relies
	 * on it looks for itself, for some time. Must not wait. May be NULL.
	 */
	void (*told)(struct svc_env *env, void *state, struct slice message);
	/*
	 * Called in the admin role in a task every few seconds: asks other roles what no counter
	 * shows and sets gauges of the service. May fail silently, it is called again. May be NULL.
	 */
	void (*watch)(struct svc_env *env, void *state);
	/* Checks the service's invariants in the database; the first broken one in note. */
	enum err (*audit)(struct sql_db *db, struct err_note *note);
	/*
	 * Replaces everything personal in the database by invented values, for a staging copy;
	 * password becomes everybody's (NULL: nobody's). Free pages are the caller's business.
	 */
	enum err (*anonymise)(struct sql_db *db, const char *password, struct err_note *note);
	/* Refuses a configuration that cannot work, in words ("plimsoll check" and start). */
	enum err (*check)(const struct conf *conf, struct err_note *note);
};

/* The state that a service's start() returned in this process. A foreign service: CHECK. */
void *svc_state(const struct svc_env *env, const struct service *s);

/* Web: tells the same service in all other web processes; at once, or what told() says. */
void svc_tell(const struct svc_env *env, const struct service *s, struct slice message);

/*
 * Checks all rows of all services: unique names, paths that start with '/', deadlines > 0, limits,
 * RPC rows with a handler, migrations numbered 1..n. ERR_INVALID with the row in note.
 */
NODISCARD enum err service_verify(
    const struct service *const *services, size_t n, struct err_note *note);

#endif
