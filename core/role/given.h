/*
 * Listening sockets that somebody else has bound for us: a service manager (socket activation,
 * sd_listen_fds(3)) or the program whose place we take. Each of our listeners takes its own out of
 * the collection; what remains is closed or complained about.
 */
#ifndef PLIMSOLL_ROLE_GIVEN_H
#define PLIMSOLL_ROLE_GIVEN_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	GIVEN_MAX = 16,
	GIVEN_NAME_MAX = 64,	 /* bytes, NUL included */
	GIVEN_ADDRESS_MAX = 1100 /* longer than a value of the configuration */
};

struct given {
	unsigned n;
	bool by_manager; /* a name alone decides; else the address must fit, too */
	struct given_socket {
		int fd;				 /* owned; -1: taken */
		char name[GIVEN_NAME_MAX];	 /* section of our listener, or any other */
		char address[GIVEN_ADDRESS_MAX]; /* as configured when it was bound; "": unknown */
	} socket[GIVEN_MAX];
};

/*
 * Takes the sockets that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES announce, if they are for this
 * process; else *g is empty. ERR_CONFIG with text: too many, or one is no listening TCP socket.
 */
NODISCARD enum err given_by_manager(struct given *g, struct err_note *note);

/* Adds one; takes fd. False: there is no room, fd is closed. */
bool given_add(struct given *g, int fd, struct slice name, struct slice address);

/*
 * The socket for the listener of that section and configured address, which is the caller's then,
 * or -1. From a manager: the one of that name, else one with a name that is no section of ours and
 * the same address. From a predecessor: the one of that name if the address has not changed.
 */
int given_take(struct given *g, const char *section, const char *address);

/* Text for people about the first that nobody took, or false. */
bool given_rest(const struct given *g, char *out, size_t out_size);

/* Closes what was not taken. */
void given_close(struct given *g);

#endif
