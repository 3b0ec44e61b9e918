/*
 * See symbols_metrics.h.
 */
#include "services/symbols/symbols_metrics.h"

enum which {
	STACKS,
	FRAMES,
	MODULES,
	MODULES_FOUND,
	INDEX_AT_HAND,
	INDEX_OPENED,
	INDEX_BUILT,
	INDEX_DAMAGED,
	INDEX_OPEN,
	FETCHED,
	FETCH_MISSING,
	FETCH_FAILED,
	FETCH_BYTES,
	FETCH_WAITING,
	FETCH_LATE,
	CACHED_BYTES,
	CACHED_REMOVED
};

/* clang-format off */
const struct metric_def symbols_metrics[SYMBOLS_METRICS] = {
	[STACKS] = { "symbols_symbolicated_stacks_total", METRIC_COUNTER, NULL, "Stacks that were symbolicated." },
	[FRAMES] = { "symbols_symbolicated_frames_total", METRIC_COUNTER, NULL, "Frames of these stacks." },
	[MODULES] = { "symbols_symbolicated_modules_total", METRIC_COUNTER, NULL, "Modules that requests for symbolication asked for." },
	[MODULES_FOUND] = { "symbols_symbolicated_modules_found_total", METRIC_COUNTER, NULL, "Those of them whose symbols are here." },
	[INDEX_AT_HAND] = { "symbols_index_at_hand_total", METRIC_COUNTER, NULL, "Indexes of symbols that were open already when a request wanted them." },
	[INDEX_OPENED] = { "symbols_index_opened_total", METRIC_COUNTER, NULL, "Indexes of symbols that were opened from their file." },
	[INDEX_BUILT] = { "symbols_index_built_total", METRIC_COUNTER, NULL, "Indexes of symbols that were built." },
	[INDEX_DAMAGED] = { "symbols_index_damaged_total", METRIC_COUNTER, NULL, "Indexes of symbols that were found damaged; they are built anew." },
	[INDEX_OPEN] = { "symbols_index_open", METRIC_GAUGE, NULL, "Indexes of symbols that are open." },
	[FETCHED] = { "symbols_upstream_fetched_seconds", METRIC_HIST, NULL, "Time to fetch a file from an upstream server and to store it." },
	[FETCH_MISSING] = { "symbols_upstream_missing_seconds", METRIC_HIST, NULL, "Time to learn that an upstream server has not got a file." },
	[FETCH_FAILED] = { "symbols_upstream_failed_total", METRIC_COUNTER, NULL, "Times that an upstream server could not tell, or sent what is no good." },
	[FETCH_BYTES] = { "symbols_upstream_bytes_total", METRIC_COUNTER, NULL, "Bytes of the files that were fetched from upstream servers, as they were sent." },
	[FETCH_WAITING] = { "symbols_upstream_waiting", METRIC_GAUGE, NULL, "Requests that wait for an upstream server." },
	[FETCH_LATE] = { "symbols_upstream_later_total", METRIC_COUNTER, NULL, "Requests that were told to ask again later, because a fetch takes long or too many are under way." },
	[CACHED_BYTES] = { "symbols_upstream_cached_bytes", METRIC_GAUGE, NULL, "Bytes of the files of upstream servers that are kept here; known since the first fetch." },
	[CACHED_REMOVED] = { "symbols_upstream_removed_total", METRIC_COUNTER, NULL, "Files of upstream servers that made room for others." },
};
/* clang-format on */

static _Atomic int64_t *cell(const struct svc_env *env, enum which which)
{
	return metric_cell(env->metrics, &symbols_metrics[which], NULL);
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

void symbols_count_fetch_wait(const struct svc_env *env, unsigned waiting, enum err e)
{
	if (env->metrics != NULL) {
		metric_set(cell(env, FETCH_WAITING), waiting);
		metric_add(cell(env, FETCH_LATE), e == ERR_DEADLINE || e == ERR_TOO_BUSY ? 1 : 0);
	}
}

void symbols_count_fetch(
    const struct svc_env *env, bool is_stored, bool is_missing, int64_t bytes, int64_t us)
{
	const struct metric_def *family = &symbols_metrics[is_stored ? FETCHED : FETCH_MISSING];

	if (env->metrics == NULL) {
		return;
	}
	if (!is_stored && !is_missing) {
		metric_add(cell(env, FETCH_FAILED), 1);
		return;
	}
	hist_record(metric_hist(env->metrics, family, NULL), us);
	metric_add(cell(env, FETCH_BYTES), bytes);
}

void symbols_count_cached(const struct svc_env *env, int64_t bytes, int64_t removed)
{
	if (env->metrics != NULL) {
		metric_set(cell(env, CACHED_BYTES), bytes);
		metric_add(cell(env, CACHED_REMOVED), removed);
	}
}
