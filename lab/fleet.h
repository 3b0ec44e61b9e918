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

/* Who is to be there. */
struct fleet_plan {
	unsigned processes; /* of this machine */
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

/* As load_run(); text is the model's, which each generator reads itself. */
NODISCARD enum err fleet_run(struct fleet *c, struct model *m, struct slice text,
    const struct load_plan *plan, struct load_result **ret, struct err_note *note);

/* Ends whoever is still there. */
void fleet_close(struct fleet **c);

/* The other side: joins the leader at HOST:PORT, with that many processes, and does one job. */
NODISCARD enum err fleet_join(const char *leader, struct slice token, unsigned processes,
    const char *from, struct err_note *note);

#endif
