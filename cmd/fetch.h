/*
 * One blocking HTTP GET to our own admin listener, for commands that ask a running server.
 */
#ifndef PLIMSOLL_CMD_FETCH_H
#define PLIMSOLL_CMD_FETCH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/*
 * GETs path from address (as CONF_ADDRESS writes it) within about 5 s; *ret_body points into out.
 * ERR_NOT_FOUND: nobody listens there; ERR_SYNTAX: the answer is no 200; text in note.
 */
NODISCARD enum err fetch_admin(const char *address, const char *path, struct buf *out,
    struct slice *ret_body, struct err_note *note);

/* Connects, with the same patience for each read and write. ERR_NOT_FOUND with the reason in note.
 */
NODISCARD enum err fetch_connect(const char *address, int *ret_fd, struct err_note *note);

#endif
