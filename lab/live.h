/*
 * The live view of a run: what is going on now and since the begin, for a terminal. Pure: seconds
 * in, lines of text out.
 */
#ifndef PLIMSOLL_LAB_LIVE_H
#define PLIMSOLL_LAB_LIVE_H

#include "core/base/buf.h"
#include "lab/load.h"

enum {
	LIVE_COURSE = 60, /* seconds of the small plots */
	LIVE_LINES = 12,  /* of a picture, at most */
};

struct live {
	const char *model, *url; /* borrowed */
	double users;
	uint64_t begun, done, refused, failed, gave_up;
	double counted_s; /* those are of so many seconds */
	struct load_now now;
	double rates[LIVE_COURSE], p99_ms[LIVE_COURSE];
	unsigned n_course; /* seconds so far; the newest LIVE_COURSE are there */
	struct load_role roles[LOAD_ROLES_MAX]; /* of the target now, cpu_s: cores; by the caller */
	unsigned n_roles;
};

void live_add(struct live *v, const struct load_now *now);

/*
 * The picture: lines that end with LF, none longer than columns, in ASCII but for the plots.
 * Returns how many.
 */
unsigned live_draw(const struct live *v, unsigned columns, struct buf *out);

#endif
