/*
 * Work that is done once however many ask for it: whoever asks for what is under way waits for its
 * end. Each piece runs in a task of its own and goes on when the one who began it has gone; others
 * want it, too. Bounded in pieces, in those that run at a time, and in those that wait.
 */
#ifndef PLIMSOLL_SYMBOLS_FLIGHT_H
#define PLIMSOLL_SYMBOLS_FLIGHT_H

#include "core/base/slice.h"
#include "core/ev/loop.h"

struct flights;

/*
 * In a task: does the work of that key; what it returns goes to all who wait. extra is what the one
 * who began it has said beside.
 */
typedef enum err flight_fn(void *arg, struct slice key, struct slice extra);

struct flight_limits {
	/* Running, waiting for their turn, and remembered; the latter give way. */
	unsigned flights;
	unsigned running;
	unsigned waiters;  /* of all flights */
	int64_t linger_us; /* how long one that went well is remembered: who asks late gets it */
};

NODISCARD enum err flights_new(struct loop *l, const struct flight_limits *limits, flight_fn *run,
    void *arg, struct flights **ret);

/* With work under way nothing is freed: the process ends. */
void flights_free(struct flights **f);

/*
 * From a task: begins the work unless it is under way, and waits for its end until deadline_us; a
 * deadline that is over only begins it. What the work returned, or ERR_TOO_BUSY: no room;
 * ERR_DEADLINE: it goes on; ERR_CANCELLED; ERR_DRAINING: flights_drain() was called.
 */
NODISCARD enum err flights_join(
    struct flights *f, struct slice key, struct slice extra, int64_t deadline_us);

/* Those that wait now. */
unsigned flights_waiting(const struct flights *f);

/* The process is to end: cancels the work, and nothing new begins. */
void flights_drain(struct flights *f);

#endif
