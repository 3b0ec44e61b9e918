/*
 * The sandbox of a role process, from the column in role_table: no new privileges, no capabilities
 * it does not need, no core dumps, Landlock for files and TCP, seccomp for system calls. Linux
 * only.
 */
#ifndef PLIMSOLL_ROLE_SANDBOX_H
#define PLIMSOLL_ROLE_SANDBOX_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/store/pg.h"

/* Bits of metric_slot.sandbox: what is in force. */
enum sandbox_bits {
	SANDBOX_BIT_PRIVS = 1,
	SANDBOX_BIT_LANDLOCK = 2,
	SANDBOX_BIT_SECCOMP = 4,
};

/* ERR_UNSUPPORTED with the reason when this kernel lacks Landlock or seccomp. */
NODISCARD enum err sandbox_available(struct err_note *note);

/* What the configuration adds to a role's profile. */
struct sandbox_extra {
	const char *read_folder; /* may be read as well, if flags let anything be read; or NULL */
	const struct pg_reach *database; /* a server that may be connected to; or NULL */
	const int *helper_fd; /* program that SANDBOX_SPAWN lets it execute; or NULL: none */
};

/*
 * Closes this process in, as flags (enum sandbox_flags) say and extra adds; there is no way back.
 * It must have one thread still: Landlock holds for the calling thread and those it makes
 * afterwards. *ret_bits as above. ERR_SYSTEM, ERR_IO with text in note.
 */
NODISCARD enum err sandbox_enter(uint32_t flags, const struct sandbox_extra *extra,
    const char *data_dir, int *ret_bits, struct err_note *note);

#endif
