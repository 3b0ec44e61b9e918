/*
 * What the service counts.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_METRICS_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_METRICS_H

#include "core/service.h"
#include "services/symbols/index_shelf.h"
#include "services/symbols/symbolicate.h"

enum {
	SYMBOLS_METRICS = 17
};
extern const struct metric_def symbols_metrics[SYMBOLS_METRICS];

/* Where there are no metrics in env, nothing is counted. */

/* In web, after a request for symbolication. */
void symbolicate_count(const struct svc_env *env, const struct symbolicate_work *done,
    const struct index_shelf_state *shelf);

/* In web, after a request that waited for an upstream, which ended so; so many wait now. */
void symbols_count_fetch_wait(const struct svc_env *env, unsigned waiting, enum err e);

/* In the courier, after an upstream was asked: it had the file, it had it not, or neither is known.
 */
void symbols_count_fetch(
    const struct svc_env *env, bool is_stored, bool is_missing, int64_t bytes, int64_t us);

/* In the courier: bytes of what is kept of upstreams, and how many files were removed just now. */
void symbols_count_cached(const struct svc_env *env, int64_t bytes, int64_t removed);

#endif
