/*
 * When those come back whom a resource has refused: places in the seconds to come, as many as its
 * spare capacity has room for, given away in their order. Who gets none is told the shortest time
 * instead (admit.h): he comes while the peak lasts or not at all, but does not keep it going after
 * it has ended. A pure function over a clock (load-and-overload.md 4.3, doc/decisions/0133).
 */
#ifndef PLIMSOLL_GRACE_COMEBACK_H
#define PLIMSOLL_GRACE_COMEBACK_H

#include <stdint.h>

enum {
	COMEBACK_MAX_S = 60
};

struct comeback {
	double calm_us;			     /* cost offered in a second while all is well */
	int64_t second;			     /* the running one */
	double given_us[COMEBACK_MAX_S + 1]; /* of each second from there on, in a ring */
};

/* A tick of a resource that is not overloaded: what was offered it, per second. */
void comeback_calm(struct comeback *c, double offered_us, double works_off_us);

/*
 * Seconds until a refused request of that cost has a place, 1..COMEBACK_MAX_S; 0: there is none.
 * offered_us, works_off_us: by the second, of the resource now.
 */
unsigned comeback_book(
    struct comeback *c, double offered_us, double works_off_us, double cost_us, int64_t now_us);

#endif
