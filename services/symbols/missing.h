/*
 * What is counted by the way: symbols that were asked for and are not there, and the day on which a
 * file was last used. Web counts in memory, each request exactly once, and sends the counts to the
 * store: within a second where they are few, within ten where they are thousands of rows, so that
 * what is asked for often is one row for many requests. A process that goes down sends them first;
 * one that is killed takes at most those of its last seconds with it.
 */
#ifndef PLIMSOLL_SYMBOLS_MISSING_H
#define PLIMSOLL_SYMBOLS_MISSING_H

#include "core/rpc/rpc.h"
#include "core/service.h"
#include "services/symbols/symbol_file.h"

enum {
	MISSING_VALUE_MAX = 150 /* bytes; a request with a longer one is not counted */
};

struct symbols_counts;

/* In web: starts to count and to send. */
NODISCARD enum err symbols_counts_new(struct svc_env *env, struct symbols_counts **ret);
void symbols_counts_free(struct symbols_counts **c);

/* Sends what has been counted now; returns before it is sent. */
void symbols_counts_send(struct symbols_counts *c);

/* A GET that found nothing; code_file and code_id as the client gave them, or empty. */
void symbols_count_miss(struct symbols_counts *c, const struct symbol_key *key,
    struct slice code_file, struct slice code_id);

/* A file was downloaded: remembers it if its row does not say so for this day. */
void symbols_count_use(struct symbols_counts *c, const struct symbol_file *f, int64_t now_ms);

/* symbols.count: web -> store. */
extern const struct rpc_def symbols_count;

#endif
