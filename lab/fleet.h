/*
 * Several generators that make one run: processes of this machine, one per core (a generator is one
 * thread), and other machines that join over TCP. Each has its share of the users and of the rate,
 * its own part of the seed, and measures by its own clock; they begin together. Histograms are
 * added up, and there is one report. Causes for which one of them is void make the whole void.
 */
#ifndef PLIMSOLL_LAB_FLEET_H
#define PLIMSOLL_LAB_FLEET_H

#include "core/base/err.h"
#include "core/base/slice.h"
#include "lab/load.h"

enum {
	FLEET_MAX = 64,
	FLEET_TOKEN_BYTES = 256,
};

struct fleet_worker;

/* What a process of this machine does, in the place of jobs that it gets by messages; arg is that
 * of the plan, number from 0 on. */
typedef enum err fleet_work_fn(
    void *arg, struct fleet_worker *w, unsigned number, struct err_note *note);

/* Who is to be there. */
struct fleet_plan {
	unsigned processes;  /* of this machine */
	fleet_work_fn *work; /* or NULL: fleet_run() says what */
	void *arg;
	unsigned joined;    /* of other machines */
	const char *listen; /* HOST:PORT where they join; with joined > 0 */
	struct slice token; /* that they know */
};

struct fleet;

/*
 * Starts the processes and waits for the others, with lines about it on standard error. ERR_LIMIT,
 * ERR_SYSTEM, ERR_INVALID (the address), ERR_CANCELLED (Ctrl-C).
 */
NODISCARD enum err fleet_open(
    const struct fleet_plan *plan, struct fleet **ret, struct err_note *note);

unsigned fleet_size(const struct fleet *c);

/*
 * As load_run(); text is the model's, which each generator reads itself. One run after the other:
 * users of the same model stay who they are. ERR_PEER_GONE: a generator is gone since the last run.
 */
NODISCARD enum err fleet_run(struct fleet *c, struct model *m, struct slice text,
    const struct load_plan *plan, struct load_result **ret, struct err_note *note);

/* What a generator says of its own beside a load result; NULL: it says nothing. */
struct fleet_hear {
	enum err (*fn)(void *arg, struct slice own);
	void *arg;
};

/* Lets generators that know what to do begin together, and adds what they did to r, which knows its
 * activities already. */
NODISCARD enum err fleet_lead(struct fleet *c, const struct load_plan *plan, struct load_result *r,
    const struct fleet_hear *hear, struct err_note *note);

/* Ends whoever is still there. */
void fleet_close(struct fleet **c);

/* The other side: joins the leader at HOST:PORT, with that many processes, until it has no more to
 * do. */
NODISCARD enum err fleet_join(const char *leader, struct slice token, unsigned processes,
    const char *from, struct err_note *note);

#endif
