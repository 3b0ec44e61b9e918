/*
 * Forks and executes one role process with nothing of ours but its control socket.
 */
#ifndef PLIMSOLL_ROLE_SPAWN_H
#define PLIMSOLL_ROLE_SPAWN_H

#include <sys/types.h>

#include "core/base/err.h"
#include "core/base/role_id.h"

/*
 * Opens a program of the folder, or else of the one that the build names for helpers, for later
 * executions, so that a restart after an upgrade still runs the version that the others have.
 * ERR_NOT_FOUND and the like, in note.
 */
NODISCARD enum err spawn_open(
    const char *folder, const char *program, int *ret_fd, struct err_note *note);

struct spawn {
	int program_fd;	     /* of spawn_open() */
	const char *program; /* its name, for argv[0] */
	enum role_id role;
	unsigned instance;
	int nice;
};

/*
 * Starts "PROGRAM --role NAME INSTANCE" with descriptor 3 as control socket, /dev/null as standard
 * input, standard error as standard output, a cleared environment and nothing else. *ret_control
 * is our end (SOCK_SEQPACKET, close-on-exec). ERR_SYSTEM and the like.
 */
NODISCARD enum err spawn_role(
    const struct spawn *s, pid_t *ret_pid, int *ret_control, struct err_note *note);

/*
 * Starts another program in our place: argv as given, standard descriptors and environment ours but
 * for what was meant for this process alone (LISTEN_*, WATCHDOG_PID); CONTROL_FD is its control
 * socket, and SPAWN_HANDOVER_ENV says so.
 */
#define SPAWN_HANDOVER_ENV "PLIMSOLL_HANDOVER"
NODISCARD enum err spawn_successor(const char *program, char *const argv[], pid_t *ret_pid,
    int *ret_control, struct err_note *note);

enum {
	SPAWN_NOT_EXECUTED = 127 /* its exit code when the program could not be executed */
};

#endif
