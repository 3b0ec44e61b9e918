/*
 * Texts, HTTP statuses and errno mapping of the error values; all come from err.def.
 */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct err_row {
	const char *name, *text;
	int http;
};

static const struct err_row err_rows[ERR_COUNT] = {
	[ERR_OK] = { "OK", "ok", 200 },
#define ERR(name, http, text) [ERR_##name] = { #name, text, http },
#include "core/base/err.def"
#undef ERR
};

static const struct err_row *row_of(enum err e)
{
	static const struct err_row unknown = { "UNKNOWN", "unknown error", 500 };

	return (unsigned)e < ERR_COUNT ? &err_rows[e] : &unknown;
}

const char *err_text(enum err e)
{
	return row_of(e)->text;
}

const char *err_name(enum err e)
{
	return row_of(e)->name;
}

int err_http_status(enum err e)
{
	return row_of(e)->http;
}

bool err_is_database(enum err e)
{
	return e == ERR_LOCKED || e == ERR_IO || e == ERR_CORRUPT || e == ERR_DISK_FULL ||
	       e == ERR_CONFLICT;
}

enum err err_from_errno(int sys)
{
	switch (sys) {
	case EAGAIN:
		return ERR_AGAIN;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return ERR_MEMORY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG: /* a limit on file sizes */
		return ERR_DISK_FULL;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EIO:
		return ERR_IO;
	case EPIPE:
	case ECONNRESET:
		return ERR_PEER_GONE;
	case ECANCELED:
		return ERR_CANCELLED;
	default:
		return ERR_SYSTEM;
	}
}

enum err err_note_set(struct err_note *note, enum err code, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;

	if (note == NULL || note->code != ERR_OK) {
		return code;
	}
	note->code = code;
	note->sys = sys;
	va_start(ap, fmt);
	vsnprintf(note->text, sizeof(note->text), fmt, ap);
	va_end(ap);
	return code;
}
