/*
 * What is said about this server's health, from the metrics block alone, so that looking adds no
 * work to anybody and waits for nobody.
 *
 *	alive	false only when the loop of a serving process has made no turn for 30 s
 *	ready	false only for a drain that was announced, or when three looks in a row found no
 *		database or nobody who serves; true again after two good ones
 *
 * Load makes neither false: a machine at its line answers what it can and refuses the rest, and a
 * balancer that took it out would only move its load to the next one.
 */
#ifndef PLIMSOLL_ROLE_HEALTH_LOOK_H
#define PLIMSOLL_ROLE_HEALTH_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/obs/metric.h"

enum {
	HEALTH_LOOK_US = 1000000, /* between two looks */
	HEALTH_BAD_LOOKS = 3,
	HEALTH_GOOD_LOOKS = 2,
	HEALTH_SILENT_US = 30 * 1000000,
	HEALTH_STORE_SILENT_US = 5 * 1000000, /* a store that has not turned for so long hangs */
};

/* What a look finds wrong, worst first. */
enum health_trouble {
	HEALTH_WELL,
	HEALTH_STARTING,    /* no look has been good yet */
	HEALTH_DRAINING,    /* the server is about to stop */
	HEALTH_NO_DATABASE, /* the store hangs or is away, or the database server behind it */
	HEALTH_NO_WEB,	    /* no process answers requests */
	HEALTH_TROUBLES
};

/* "ok", "starting", "draining", "no database", "nobody serves". */
const char *health_trouble_text(enum health_trouble trouble);

/* Zeroed but for metrics and database: nothing has been looked at yet. */
struct health_look {
	const struct metrics *metrics;
	const struct metric_row *database; /* open connections to a server; NULL: a file */
	bool alive, ready;
	enum health_trouble trouble; /* why it is not ready; HEALTH_WELL: it is */
	enum role_id silent_role;    /* whose loop stands, while not alive */
	bool was_ready;		     /* once */
	int64_t looked_us, awake_us; /* the last look; since when this process was not paused */
	unsigned bad, good;	     /* looks in a row */
	uint64_t changes;	     /* of ready, without the first */
};

/* Looks. How often is the caller's: each one counts. */
void health_look_take(struct health_look *h, int64_t now_us);

/* A store serves and turns its loop. */
bool health_store_serves(const struct metrics *m, int64_t now_us);

#endif
