/*
 * The new program's side of an upgrade: the server in whose place we come. It gives us the lock of
 * the data directory and the listening sockets; we say when we are ready; then it lets us serve and
 * finishes what it has begun. Until then nobody has noticed us. The old side is in upgrade.c.
 */
#ifndef PLIMSOLL_ROLE_PREDECESSOR_H
#define PLIMSOLL_ROLE_PREDECESSOR_H

#include <stdbool.h>

#include "core/role/control_poll.h"
#include "core/role/given.h"

struct supervisor;

enum predecessor_state {
	PREDECESSOR_NONE,
	PREDECESSOR_SERVES, /* we get ready */
	PREDECESSOR_DRAINS, /* we serve; it finishes what it has begun */
};

struct predecessor {
	enum predecessor_state state;
	struct control_poll link;
	int lock_fd;	 /* owned until taken; -1 */
	bool store_held; /* our store waits for the end of its store */
	bool asked;	 /* it knows that */
	bool told_ready;
};

/*
 * Looks whether we were started for an upgrade and waits for what is handed over; *given gets the
 * sockets. ERR_CONFIG and the like, with text.
 */
NODISCARD enum err predecessor_open(
    struct predecessor *p, struct given *given, struct err_note *note);
void predecessor_close(struct predecessor *p);

/*
 * Tells it why we cannot start. It may be called before predecessor_open() (p NULL), from the
 * checks of the command line, and does nothing when there is no predecessor that waits for us.
 */
void predecessor_complain(struct predecessor *p, int exit_code, const char *text);

/* Step of the start: does the database have to change before our store can use it? */
NODISCARD enum err predecessor_compare_schema(struct supervisor *s, struct err_note *note);

/* The loop is there: listen to it. */
void predecessor_listen(struct supervisor *s);

/* One of our processes has become ready: tells it what we need or that we are ready. */
void predecessor_step(struct supervisor *s);

/* We have been started for an upgrade and do not serve yet. */
static inline bool predecessor_waits(const struct predecessor *p)
{
	return p->state == PREDECESSOR_SERVES;
}

#endif
