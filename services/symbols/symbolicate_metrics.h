/*
 * What symbolication counts, in web.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLICATE_METRICS_H
#define PLIMSOLL_SYMBOLS_SYMBOLICATE_METRICS_H

#include "core/service.h"
#include "services/symbols/index_shelf.h"
#include "services/symbols/symbolicate.h"

enum {
	SYMBOLICATE_METRICS = 9
};
extern const struct metric_def symbolicate_metrics[SYMBOLICATE_METRICS];

/* After a request; env may have no metrics. */
void symbolicate_count(const struct svc_env *env, const struct symbolicate_work *done,
    const struct index_shelf_state *shelf);

#endif
