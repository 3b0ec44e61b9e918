/*
 * The parts of a replay: replay_run.c (its course), replay_client.c (what a client does when),
 * replay_request.c (one request), replay_fleet.c (several processes), replay_schedule.c. It stands
 * on the parts of a load run (lab/load_priv.h): network, clock, figures, the judgement of the
 * generator. In place of activities there are clients, each with a queue of requests that are due,
 * and connections that take from it. Private to lab.
 */
#ifndef PLIMSOLL_LAB_REPLAY_PRIV_H
#define PLIMSOLL_LAB_REPLAY_PRIV_H

#include "lab/load_priv.h"
#include "lab/replay.h"

#define REPLAY_NOBODY UINT32_MAX /* more than an enum may hold */

/* One connection of a client; it lives while it has something to do, and a little longer. */
struct replay_slot {
	struct list node; /* idle ones, the longest first; else by itself */
	struct replay *replay;
	uint32_t client;
	struct client_conn *conn;
	struct buf text;
	size_t place; /* in the schedule */
	int64_t due_us, sent_us, idle_us;
	struct load_step *step;
	bool repeated;
};

struct replay_client {
	uint32_t first,
	    last; /* places in the schedule that are due, linked by next; REPLAY_NOBODY: none */
	struct replay_slot *slots[REPLAY_PARALLEL_MOST];
	unsigned n_slots, n_busy;
	uint32_t next_waiting; /* client; see replay.waiting */
	bool waits, asked, pulls;
};

struct replay {
	struct load l;
	const struct access_log *log;
	const struct replay_schedule *schedule;
	const struct replay_plan *plan;
	struct replay_result *result;
	struct replay_client *clients; /* owned */
	uint32_t *next;		       /* owned; of each place, the client's next one that is due */
	uint32_t n_clients;
	size_t begun; /* places that were due */
	uint64_t over;
	struct list idle;
	uint32_t waiting, last_waiting; /* clients that found no room; REPLAY_NOBODY: none */
	bool giving;			/* room, to them */
	unsigned rooms;
};

static inline const struct access_record *replay_record_at(const struct replay *r, size_t place)
{
	return &r->log->records[r->schedule->records[place]];
}

/* All requests count as of one activity. */
static inline struct load_activity *replay_figures(struct replay *r)
{
	return &r->l.result->activities[0];
}

/* ---- clients ---- */

/* A place of the schedule is due. */
void replay_push(struct replay *r, size_t place);

/* Closes connections that have been idle since before that, and as many more as are needed. */
void replay_drop_idle(struct replay *r, int64_t before_us, unsigned need);
void replay_drop_slot(struct replay_slot *s);

/* The request of the slot is over; the client goes on, or one that waits. */
void replay_over(struct replay_slot *s);

/* ---- requests ---- */

/* Sends the request of that place; replay_over() when it is. */
void replay_begin(struct replay_slot *s, size_t place);

/* ---- a run ---- */

/* A result without figures, for a run of that schedule. ERR_MEMORY. */
NODISCARD enum err replay_result_new(
    const struct replay_schedule *s, const struct replay_plan *plan, struct replay_result **ret);

/* The clients of a schedule that belong to one of several processes; freed by the caller.
 * ERR_MEMORY. */
NODISCARD enum err replay_schedule_share(
    const struct replay_schedule *all, unsigned share, unsigned of, struct replay_schedule *ret);

#endif
