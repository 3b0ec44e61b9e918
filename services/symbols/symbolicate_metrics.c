/*
 * See symbolicate_metrics.h.
 */
#include "services/symbols/symbolicate_metrics.h"

enum which {
	STACKS,
	FRAMES,
	MODULES,
	MODULES_FOUND,
	INDEX_AT_HAND,
	INDEX_OPENED,
	INDEX_BUILT,
	INDEX_DAMAGED,
	INDEX_OPEN
};

/* clang-format off */
const struct metric_def symbolicate_metrics[SYMBOLICATE_METRICS] = {
	[STACKS] = { "symbols_symbolicated_stacks_total", METRIC_COUNTER, NULL, "Stacks that were symbolicated." },
	[FRAMES] = { "symbols_symbolicated_frames_total", METRIC_COUNTER, NULL, "Frames of these stacks." },
	[MODULES] = { "symbols_symbolicated_modules_total", METRIC_COUNTER, NULL, "Modules that requests for symbolication asked for." },
	[MODULES_FOUND] = { "symbols_symbolicated_modules_found_total", METRIC_COUNTER, NULL, "Those of them whose symbols are here." },
	[INDEX_AT_HAND] = { "symbols_index_at_hand_total", METRIC_COUNTER, NULL, "Indexes of symbols that were open already when a request wanted them." },
	[INDEX_OPENED] = { "symbols_index_opened_total", METRIC_COUNTER, NULL, "Indexes of symbols that were opened from their file." },
	[INDEX_BUILT] = { "symbols_index_built_total", METRIC_COUNTER, NULL, "Indexes of symbols that were built." },
	[INDEX_DAMAGED] = { "symbols_index_damaged_total", METRIC_COUNTER, NULL, "Indexes of symbols that were found damaged; they are built anew." },
	[INDEX_OPEN] = { "symbols_index_open", METRIC_GAUGE, NULL, "Indexes of symbols that are open." },
};
/* clang-format on */

static _Atomic int64_t *cell(const struct svc_env *env, enum which which)
{
	return metric_cell(env->metrics, &symbolicate_metrics[which], NULL);
}

void symbolicate_count(const struct svc_env *env, const struct symbolicate_work *done,
    const struct index_shelf_state *shelf)
{
	if (env->metrics == NULL) {
		return;
	}
	metric_add(cell(env, STACKS), done->stacks);
	metric_add(cell(env, FRAMES), done->frames);
	metric_add(cell(env, MODULES), done->modules);
	metric_add(cell(env, MODULES_FOUND), done->modules_found);
	metric_set(cell(env, INDEX_AT_HAND), (int64_t)shelf->at_hand);
	metric_set(cell(env, INDEX_OPENED), (int64_t)shelf->opened);
	metric_set(cell(env, INDEX_BUILT), (int64_t)shelf->built);
	metric_set(cell(env, INDEX_DAMAGED), (int64_t)shelf->damaged);
	metric_set(cell(env, INDEX_OPEN), shelf->open);
}
