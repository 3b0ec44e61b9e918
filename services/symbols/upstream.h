/*
 * Files that are not here, from the upstream servers of the configuration (upstream_server.h). Web
 * asks and waits, the courier fetches (upstream_work.c): whatever asks for the same file, in
 * whichever web process, shares one fetch. What has been fetched lies in the store like what was
 * uploaded, marked with the server it came from.
 *
 * Nobody is asked twice in a short time for what nobody had: that is known to all web processes of
 * the machine. A server that cannot be reached says nothing about the file, so that is not
 * remembered.
 */
#ifndef PLIMSOLL_SYMBOLS_UPSTREAM_H
#define PLIMSOLL_SYMBOLS_UPSTREAM_H

#include "core/http/http.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/upstream_server.h"

/* At the start of web and courier: reads the servers, and what else the process needs. */
NODISCARD enum err upstream_start(struct symbols_state *state, struct err_note *note);
void upstream_stop(struct symbols_state *state);

/* Monotonic: until when a request that begins now waits for upstreams, all its files together. */
int64_t upstream_wait_until_us(const struct symbols_state *state);

/*
 * Has a file fetched that is not here, from the request's task; waits for it until until_us.
 * ERR_OK: it is here now, look again. ERR_NOT_FOUND: no upstream has it. ERR_AGAIN: none has it as
 * far as can be told now, so nobody should remember it. ERR_DEADLINE: it is still being fetched,
 * ask again later; ERR_TOO_BUSY: so many wait or are fetched already that this one is not;
 * ERR_CANCELLED; errors of the disk.
 */
NODISCARD enum err upstream_get(
    struct op_call *c, const struct upstream_key *key, int64_t until_us);

/*
 * Answers ERR_DEADLINE and ERR_TOO_BUSY of upstream_get() in plain words, with Retry-After; other
 * errors are returned.
 */
NODISCARD enum err upstream_answer_later(struct op_call *c, enum err e);

/* symbols.upstream_fetch: web -> courier; symbols.cache_file: courier -> store */
extern const struct rpc_def symbols_upstream_fetch, symbols_cache_file;

/* What web says beside the key: headers of the loop guard, to be sent on. */
struct upstream_trail {
	struct slice via, forwarded;
};
void upstream_trail_put(struct buf *out, const struct upstream_trail *trail);
NODISCARD bool upstream_trail_take(struct slice message, struct upstream_trail *ret);

/* In a task of the courier; see flight_fn. */
enum err upstream_work(void *state, struct slice key, struct slice trail);

/* ---- upstream_store.c: in the courier ---- */

/* A file that has come as a draft. */
struct upstream_arrival {
	struct symbols_state *state;
	const struct upstream_key *key;
	const struct upstream_server *server;
	struct slice draft;
	bool is_gzip; /* as Content-Encoding said */
};

/*
 * Checks it, keeps it and writes its row; the draft is gone afterwards. ERR_INVALID: it is damaged,
 * or not what was asked for; else errors of the roles.
 */
NODISCARD enum err upstream_store(const struct upstream_arrival *a, struct err_note *note);

#endif
