/*
 * Admission: pure functions over a clock and a few measurements; no sockets, no loop. The web role
 * measures (queue delay, expected wait at compute, store, signer and database), asks before the
 * body is read, and answers a refusal at once with a Retry-After that spreads the retries.
 */
#ifndef PLIMSOLL_GRACE_ADMIT_H
#define PLIMSOLL_GRACE_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grace/cost.h"
#include "core/grace/promised.h"
#include "core/grace/resource.h"

/* What the admission decision looks at; filled by the web role each loop round. */
struct grace_load {
	int64_t loop_delay_us; /* standing delay of requests in the web process' class queues */
	int64_t refusal_us;    /* what it takes of the loop to refuse one; 0: not known */
	int64_t compute_wait_us, store_wait_us, signer_wait_us; /* expected wait of a new call */
	int64_t read_wait_us;	/* for a connection to a database server */
	int64_t compute_run_us; /* mean time of a job there lately */
	int64_t store_run_us;	/* of a call to the store, over how many it does at a time */
	int64_t signer_run_us, read_run_us;
	/* Of a mail that is put into the outbox now, and the time between two that go out of it. */
	int64_t courier_wait_us, courier_run_us;
	int64_t courier_done;		      /* mails that have gone out, since some time */
	unsigned compute_lanes, signer_lanes; /* how many at a time; 0: one */
	unsigned read_lanes;		      /* 0: there is no database server */
	/* How many of the calls that they take at a time are under way, in thousandths. */
	unsigned compute_used, store_used, signer_used;
	unsigned webs; /* processes that let in beginnings, each for its share; 0: one */
	unsigned tasks, tasks_max;
};

/* Why admission said no: what was short. Those before GRACE_TASKS have a controller each. */
enum grace_refusal {
	GRACE_COMPUTE, /* the expected wait there is too long, or its budget is others' */
	GRACE_STORE,
	GRACE_SIGNER,
	GRACE_READ,    /* connections to a database server */
	GRACE_COURIER, /* mails wait too long before they go out */
	GRACE_LOOP,    /* requests stand in the web process' own queues */
	GRACE_TASKS,   /* too few tasks left */
	GRACE_REFUSALS
};

enum {
	GRACE_RESOURCES = GRACE_TASKS
};

/* Their names, as labels of metrics. */
extern const char *const grace_refusal_names[GRACE_REFUSALS];

/* What is asked for. */
struct grace_ask {
	enum cost_class cost;
	enum shed_rank rank;
	/*
	 * It is the first of several requests, and later ones write: let in only where those have
	 * room as well. One of SHED_LAST goes on with something.
	 */
	bool begins;
	bool is_step; /* one of those later ones */
	bool mails;   /* it causes a mail, which somebody waits for */
	bool again;   /* it was let in before and its turn has come: only waits are looked at */
	int64_t budget_us;    /* until when it has to be answered, from now */
	uint64_t user;	      /* any bits that name one; 0: see grace_wants_user() */
	unsigned reserve;     /* see struct level_ask */
	int64_t loop_us;      /* what it takes of the loop; 0: not known */
	int64_t loop_wait_us; /* and what those take who are in line there */
	int64_t line_us;      /* of these, those who are not refused before it */
	bool joins;	      /* it would stand behind them; else its turn has come */
};

struct grace {
	enum grace_refusal refused_for; /* the last refusal */
	struct promised promised;
	struct resource resources[GRACE_RESOURCES];
	int64_t window_end_us; /* of the refusal count below, 1 s windows */
	int64_t refused_now, refused_before;
	uint64_t random_state; /* xorshift, for spreading Retry-After */
	int64_t courier_done;  /* as last seen */
	unsigned tolerance;
};

void grace_init(struct grace *g, uint64_t seed, int64_t now_us);

/* [grace] reserve: that share (0..1) of each resource is kept for the reserve of that number. */
void grace_set_reserve(struct grace *g, unsigned reserve, double share);

/*
 * [grace] tolerance: waits may be so many times (1 or more) as long as usual before they are too
 * long, where the processors are others' as well.
 */
void grace_set_tolerance(struct grace *g, unsigned times);

/*
 * A request waited so long in this process' own queues. Zero also when the last of them has left:
 * a queue that empties is not standing.
 */
void grace_waited(struct grace *g, int64_t delay_us, int64_t now_us);

/*
 * How long the line in the loop may be for one of that rank to join it, those left out who are
 * refused before him. Whoever comes when it is longer is told so at once.
 */
int64_t grace_line_us(const struct grace *g, enum shed_rank rank);

/* Standing delay of this process' own queues. */
int64_t grace_loop_delay_us(struct grace *g, int64_t now_us);

/*
 * May it begin? Refused: *ret_retry_after_s is set to what the client should be told (1..60 s,
 * spread).
 */
bool grace_admit(struct grace *g, const struct grace_load *load, const struct grace_ask *ask,
    int64_t now_us, unsigned *ret_retry_after_s);

/*
 * Is anybody cut who asks for that? Only then it matters who asks, which may take some work to say.
 * begins: it is the first of several requests.
 */
bool grace_wants_user(const struct grace *g, enum cost_class cost, bool begins);

/* What was let in with that ask was answered in time: the work counts. */
void grace_served(struct grace *g, const struct grace_ask *ask);

/* Seconds to tell a client that was refused by no resource, or later on (by a full queue there). */
unsigned grace_retry_after_s(struct grace *g, int64_t now_us);

/* Moves all controllers on by what is measured now, although nobody asks. */
void grace_measure(struct grace *g, const struct grace_load *load, int64_t now_us);

/* How a resource stands, for those who look on. */
struct grace_state {
	int64_t wait_us, target_us; /* standing wait, and the one that is too long */
	unsigned load_permille;	    /* see resource_load_permille() */
	unsigned budget_permille;   /* of what it works off, so much is let in; 1200 at most */
	enum shed_rank cut;	    /* where it is cut; SHED_RANKS: nowhere */
	unsigned cut_permille;	    /* of that rank, so much is let in */
};
void grace_look(
    struct grace *g, enum grace_refusal resource, int64_t now_us, struct grace_state *ret);

/* The load of the busiest one, in thousandths, up to 1200: what X-Load says. */
unsigned grace_load_permille(const struct grace *g);

#endif
