/*
 * A replay by several processes of this machine: each is forked when log and schedule are there,
 * plays the clients that are its share, and gives what it saw back. So the requests of a client
 * stay in their order, and nothing of the log is sent anywhere.
 */
#include "lab/replay_fleet.h"

#include "core/base/wire.h"
#include "lab/fleet_worker.h"
#include "lab/replay_priv.h"

enum {
	COUNTS_BYTES = 256
};

struct job {
	const struct access_log *log;
	const struct replay_schedule *schedule;
	const struct replay_plan *plan;
	unsigned processes;
};

/* clang-format off */
#define REPLAY_COUNTS(c) { &(c)->hits, &(c)->misses, &(c)->others, &(c)->none, &(c)->log_hits, &(c)->log_misses, \
	&(c)->log_others, &(c)->changed, &(c)->clients }
#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))
/* clang-format on */

/* In the process that was forked for it. */
static enum err work(void *arg, struct fleet_worker *w, unsigned number, struct err_note *note)
{
	const struct job *job = arg;
	struct replay_plan plan = *job->plan;
	struct replay_schedule share = { 0 };
	struct replay_result *r = NULL;
	struct buf own = buf_new(COUNTS_BYTES);

	fleet_worker_hook(w, &plan.load);
	enum err e = replay_schedule_share(job->schedule, number, job->processes, &share);
	if (e == ERR_OK) {
		e = replay_run(job->log, &share, &plan, &r, note);
	}
	if (e == ERR_OK) {
		const uint64_t *const counts[] = REPLAY_COUNTS(&r->counts);
		for (size_t i = 0; i < COUNT_OF(counts); i++) {
			wire_put_u64(&own, *counts[i]);
		}
		e = fleet_worker_result(w, r->load, buf_slice(&own));
	}
	buf_free(&own);
	replay_result_free(&r);
	replay_schedule_free(&share);
	return e;
}

static enum err take_counts(void *arg, struct slice own)
{
	struct replay_result *r = arg;
	struct wire_reader in = wire_reader_new(own);
	uint64_t *const counts[] = REPLAY_COUNTS(&r->counts);

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		*counts[i] += wire_take_u64(&in);
	}
	return wire_done(&in) ? ERR_OK : ERR_SYNTAX;
}

enum err replay_fleet_run(const struct access_log *log, const struct replay_schedule *schedule,
    const struct replay_plan *plan, unsigned processes, struct replay_result **ret,
    struct err_note *note)
{
	struct job job = { log, schedule, plan, processes };
	const struct fleet_plan fleet_plan = { .processes = processes, .work = work, .arg = &job };
	struct replay_result *r = NULL;
	struct fleet *fleet = NULL;

	if (schedule->n_clients < processes) {
		return err_note_set(note, ERR_INVALID,
		    "%u clients for %u processes: the requests of a client stay in one, in their order",
		    schedule->n_clients, processes);
	}
	enum err e = replay_result_new(schedule, plan, &r);
	if (e != ERR_OK) {
		return err_note_set(note, e, "no memory for a run");
	}
	e = fleet_open(&fleet_plan, &fleet, note);
	if (e == ERR_OK) {
		const struct fleet_hear hear = { take_counts, r };
		e = fleet_lead(fleet, &r->load->plan, r->load, &hear, note);
	}
	fleet_close(&fleet);
	if (e != ERR_OK) {
		replay_result_free(&r);
		return e;
	}
	*ret = r;
	return ERR_OK;
}
