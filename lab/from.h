/*
 * Source addresses of the generator's connections. A machine has some 28,000 local ports towards
 * one address of a target; each further source address has as many again, and targets that count by
 * address see more than one client.
 */
#ifndef PLIMSOLL_LAB_FROM_H
#define PLIMSOLL_LAB_FROM_H

#include <sys/socket.h>

#include "core/base/err.h"

enum {
	FROM_MAX = 4096
};

/* Zeroed: the machine chooses. */
struct from {
	struct sockaddr_storage *addresses; /* owned */
	unsigned n;
	unsigned next; /* whose turn it is */
};

/*
 * From "127.0.0.2,127.0.0.9" or "10.0.0.5-10.0.0.30" (IPv4), pieces of both mixed. Each must be one
 * of this machine's, of the target's family. ERR_INVALID, ERR_LIMIT, in words; *ret is freed by
 * from_fini().
 */
NODISCARD enum err from_parse(
    const char *text, sa_family_t family, struct from *ret, struct err_note *note);
void from_fini(struct from *f);

/* Binds a socket to the next one, the port being chosen when it connects; 0 or an errno. */
int from_bind(struct from *f, int fd);

#endif
