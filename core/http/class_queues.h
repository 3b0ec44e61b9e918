/*
 * Requests that wait for their turn in a web process: a line for each cost class and rank, each
 * oldest first. The first of all is of the cheapest class that has somebody, and in it of the rank
 * that is refused last. What those in line will take of the loop is known as a sum, as far as it
 * has been measured.
 */
#ifndef PLIMSOLL_HTTP_CLASS_QUEUES_H
#define PLIMSOLL_HTTP_CLASS_QUEUES_H

#include <stdint.h>

#include "core/base/list.h"
#include "core/grace/cost.h"

struct http_req;

enum {
	CLASS_LINES = COST_CLASSES * SHED_RANKS
};

struct class_queues {
	struct list lines[CLASS_LINES]; /* class by class, by rank */
	uint64_t filled;		/* a bit for each of them that is not empty */
	unsigned n[COST_CLASSES];
	unsigned n_all;
	int64_t line_us[SHED_RANKS];
};

void class_queues_init(struct class_queues *q);

/*
 * r, which is not queued, stands last in its line: that of its row's class, as a rank; loop_us is
 * what it is thought to take of the loop. Sets what r says of its place.
 */
void class_queues_add(
    struct class_queues *q, struct http_req *r, enum shed_rank rank, int64_t loop_us);
/* Takes r out, which is queued. */
void class_queues_remove(struct class_queues *q, struct http_req *r);

/* Whose turn it is; NULL: nobody waits. */
struct http_req *class_queues_first(const struct class_queues *q);
/* Who has waited longest in a line, 0..CLASS_LINES-1; NULL: it is empty. */
struct http_req *class_queues_oldest(const struct class_queues *q, unsigned line);
/* Since when somebody has waited who is in that class; not later than now_us, if nobody is. */
int64_t class_queues_since_us(const struct class_queues *q, enum cost_class cost, int64_t now_us);

/* What those will take of the loop who are in line and are not refused before that rank. */
int64_t class_queues_line_us(const struct class_queues *q, enum shed_rank rank);

#endif
