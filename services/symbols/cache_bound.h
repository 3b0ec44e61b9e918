/*
 * All files of upstream servers together take no more room than [symbols] upstream_cache: those
 * that nobody has asked for in the longest time go, rows and blobs. Role: courier, which alone
 * fetches and so alone makes the store grow by them; the store removes the rows, files the blobs.
 *
 * The courier counts in memory and looks at the database only when it has just begun, or is over
 * the bound; then it removes a sixteenth at once, so that a full cache is not counted for each
 * file.
 */
#ifndef PLIMSOLL_SYMBOLS_CACHE_BOUND_H
#define PLIMSOLL_SYMBOLS_CACHE_BOUND_H

#include "core/rpc/rpc.h"

struct symbols_state;
struct symbols_settings;

/* In the state of the courier; all 0 at first. */
struct cache_bound {
	int64_t bytes; /* of the blobs of rows from upstreams, as far as is known */
	bool is_counted, is_busy;
};

/* Bytes of one file from an upstream, at most: several have room in any case. */
int64_t cache_file_max(const struct symbols_settings *s);

/*
 * Before a file is fetched, in its task; makes room where there is too little. ERR_TOO_BUSY: what
 * is here came just now, or a backup holds it: later.
 */
NODISCARD enum err cache_make_room(struct symbols_state *state);

/* After a file was stored. */
void cache_grew(struct symbols_state *state, int64_t bytes);

/* symbols.cache_trim: courier -> store; symbols.blobs_forget: courier -> files */
extern const struct rpc_def symbols_cache_trim, symbols_blobs_forget;

#endif
