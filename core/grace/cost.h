/*
 * Cost classes and shed ranks: the two columns of an operation's row that admission reads.
 */
#ifndef PLIMSOLL_GRACE_COST_H
#define PLIMSOLL_GRACE_COST_H

/* What an operation mainly uses up; one class queue of the web loop each, drained in this order. */
enum cost_class {
	COST_HEALTH,  /* heartbeat, version: answered at any load */
	COST_MEMORY,  /* answered from memory: static files, session without database */
	COST_READ,    /* point reads of the database */
	COST_SIGN,    /* one call to the signer, or public-key operations */
	COST_WRITE,   /* one transaction in the store */
	COST_COMPUTE, /* a job of many milliseconds in compute */
	COST_STREAM,  /* long bodies */
	COST_CLASSES
};

/* Who is refused first when not all can be served: higher goes earlier. load-and-overload.md 4.3 */
enum shed_rank {
	SHED_NEVER,   /* health, include.js and what pages load */
	SHED_LAST,    /* next step of work already begun */
	SHED_LATE,    /* cheap and valuable */
	SHED_MIDDLE,  /* can be retried in seconds */
	SHED_EARLY,   /* opens new work of many steps */
	SHED_POLLING, /* "poll slower" is an answer */
	SHED_FIRST,   /* cheap to retry later */
	SHED_RANKS
};

#endif
