/*
 * Errors are values. Every function that can fail returns enum err and is marked NODISCARD, so the
 * compiler refuses to have the result ignored; ERR_OK is 0. The rows are in err.def. Detail for
 * people travels in a struct err_note owned by whoever will report the failure (a request, an RPC
 * call, a command): the first finder fills it, callers only pass it on, the edge logs once.
 */
#ifndef PLIMSOLL_BASE_ERR_H
#define PLIMSOLL_BASE_ERR_H

#include <stdbool.h>

#define NODISCARD		__attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum err {
	ERR_OK = 0,
#define ERR(name, http, text) ERR_##name,
#include "core/base/err.def"
#undef ERR
	ERR_COUNT
};

/* The short English text of an error value; never NULL, static storage. */
const char *err_text(enum err e);

/* The name of an error value without prefix ("TOO_BUSY"), for logs and metrics; static storage. */
const char *err_name(enum err e);

/* The HTTP status that the edge answers for an error value when the service has no other word. */
int err_http_status(enum err e);

/* Does the database fail, and not the request? Then it may be made again later: 503. */
bool err_is_database(enum err e);

/* The error value that fits an errno value (ENOSPC -> ERR_DISK_FULL, ...); never ERR_OK. */
NODISCARD enum err err_from_errno(int sys);

/* Detail of one failure; no allocation. Zero-initialise it. The first err_note_set() wins. */
struct err_note {
	enum err code;
	int sys; /* errno at the time, or 0 */
	char text[200];
};

/*
 * Records code, current errno and a formatted text in note if it is still empty (note may be NULL),
 * and returns code, so that `return err_note_set(note, ERR_IO, "...")` reads as one step.
 */
NODISCARD enum err err_note_set(struct err_note *note, enum err code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
