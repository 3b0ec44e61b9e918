/*
 * Asking another domain for its support document, https://HOST/.well-known/browserid?domain=DOMAIN
 * (persona.md 4.8). Web asks, the courier goes out, because it is the only role that dials. Web
 * names host and domain and nothing else: where a request may go and how is the courier's policy,
 * which a service gives it from the configuration at the start of the courier's process.
 */
#ifndef PLIMSOLL_ACCOUNTS_WELL_KNOWN_H
#define PLIMSOLL_ACCOUNTS_WELL_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/service.h"

/* Listed like a service; stands on nothing, so that a server without accounts has it, too. */
extern const struct service well_known_service;

enum {
	WELL_KNOWN_MAX_BYTES = 16 * 1024, /* of a document; those of Persona had one to three */
	WELL_KNOWN_PARALLEL_MAX = 256,
	/* Between the end of a fetch and the caller's deadline: for the way back on a busy machine.
	 */
	WELL_KNOWN_SLACK_US = 1000 * 1000
};

/* How a fetch ended. */
enum well_known_outcome {
	WELL_KNOWN_OK,
	WELL_KNOWN_STATUS,	/* an answer, but not 200 */
	WELL_KNOWN_UNREACHABLE, /* no such name, or nobody answers there */
	WELL_KNOWN_TIMEOUT,
	WELL_KNOWN_TLS,	    /* no certificate that we trust */
	WELL_KNOWN_TYPE,    /* not application/json */
	WELL_KNOWN_TOO_BIG, /* longer than WELL_KNOWN_MAX_BYTES */
	WELL_KNOWN_ADDRESS, /* its address is not one of the public internet */
	WELL_KNOWN_OUTCOMES
};

/* In words, for logs. */
const char *well_known_outcome_text(enum well_known_outcome outcome);

struct well_known_request {
	struct slice host;   /* whose document */
	struct slice domain; /* for whose addresses */
};

struct well_known_reply {
	enum well_known_outcome outcome;
	int64_t status;	    /* HTTP's, 0: none */
	int64_t max_age_ms; /* as its Cache-Control says; -1: it says nothing */
	struct slice body;
};

/* courier.well_known: web -> courier. ERR_TOO_BUSY; ERR_UNSUPPORTED: no policy. */
extern const struct rpc_def well_known_fetch;

void well_known_put_request(struct buf *out, const struct well_known_request *r);
NODISCARD bool well_known_take_request(struct slice message, struct well_known_request *ret);
void well_known_put_reply(struct buf *out, const struct well_known_reply *r);
NODISCARD bool well_known_take_reply(struct slice message, struct well_known_reply *ret);

/* What the courier may do. Strings live as long as the process; NULL or empty: none. */
struct well_known_policy {
	int64_t timeout_ms; /* for one document, name lookup and connecting included */
	unsigned parallel;  /* fetches at a time */
	bool allow_private; /* addresses that are not of the public internet */
	bool plain_http;    /* for tests: http instead of https, to loopback only */
	const char *proxy;  /* http://host:port: it resolves the names and judges the addresses */
	const char *hosts;  /* for tests: "name=address:port, ..." in the place of what DNS says */
	struct slice ca;    /* PEM of the authorities to trust in the place of the system's */
};

/* The courier's process takes its policy, once at its start. Without one nothing is fetched. */
void well_known_set_policy(struct svc_env *env, const struct well_known_policy *policy);
/* NULL: none. */
const struct well_known_policy *well_known_policy_of(const struct svc_env *env);

/* Counts how long a fetch took (the courier). */
void well_known_count(const struct svc_env *env, bool is_good, int64_t us);

#endif
