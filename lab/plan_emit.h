/*
 * The configuration file of each planned machine that runs roles of a Plimsoll.
 */
#ifndef PLIMSOLL_LAB_PLAN_EMIT_H
#define PLIMSOLL_LAB_PLAN_EMIT_H

#include "lab/plan.h"

struct plan_emit {
	const char *folder;	/* made; must not be there, or be empty */
	const char *public_url; /* or NULL: a place to fill in */
};

/*
 * Writes FOLDER/NAME-SITE-NUMBER/plimsoll.ini for the machines needed now. *ret_n: files written;
 * 0, no error: none of the machines has a role of ours. ERR_EXISTS, ERR_IO, ... with the path in
 * note.
 */
NODISCARD enum err plan_emit(
    const struct plan *p, const struct plan_emit *e, unsigned *ret_n, struct err_note *note);

#endif
