/*
 * What is asked for of a build and is not here, from the upstream servers.
 */
#ifndef PLIMSOLL_SYMBOLS_BUILD_FETCH_H
#define PLIMSOLL_SYMBOLS_BUILD_FETCH_H

#include "services/symbols/build_answer.h"
#include "services/symbols/upstream.h"

/* The file of a section that was fetched, before its name; nothing that is uploaded has it. */
#define BUILD_SECTION SLICE("section/")

/*
 * Has it fetched: file is "debuginfo", "executable", a source's as symbol_source_file() gives it,
 * or BUILD_SECTION and a section's name. As upstream_get(): ERR_OK: it is here now, look again.
 */
NODISCARD enum err build_fetch(struct op_call *c, struct slice build_id, struct slice file);

/* Answers what build_fetch() returned but ERR_OK: 404, or that one should ask again later. */
NODISCARD enum err build_answer_unfetched(const struct build_wish *w, enum err e);

#endif
