/*
 * A stored .sym, plain or gzip, from a descriptor through the parser: in pieces, with a limit on
 * what it may inflate to.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_READ_H
#define PLIMSOLL_SYMBOLS_SYM_READ_H

#include <stdint.h>

#include "core/base/err.h"
#include "services/symbols/sym_parse.h"

/*
 * Reads fd from its beginning (its position does not matter and is not changed) to the end. gzip is
 * told by its first bytes; several members in a row are one file. *ret_bytes (NULL allowed) is the
 * size of the text.
 * ERR_SYNTAX: no .sym; ERR_CORRUPT: gzip that is damaged or cut short; ERR_LIMIT: the text is
 * longer than max_bytes; ERR_IO; ERR_MEMORY; what the sink returned.
 */
NODISCARD enum err sym_read(
    struct sym_parser *p, int fd, uint64_t max_bytes, uint64_t *ret_bytes, struct err_note *note);

#endif
