/*
 * An access log as a whole: its requests in the order of their times, and what of it was not
 * understood.
 */
#ifndef PLIMSOLL_LAB_ACCESS_LOG_H
#define PLIMSOLL_LAB_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "lab/access_line.h"
#include "lab/names.h"

enum {
	ACCESS_RECORDS_MOST = 50 * 1000 * 1000,
	ACCESS_LINE_MOST = 64 << 10,
	ACCESS_NAMED_MOST = 3, /* broken lines that are shown */
	ACCESS_TEXT_BYTES = 100,
};

#define ACCESS_NO_BODY UINT32_MAX /* more than an enum may hold */

struct access_record {
	int64_t time_us; /* since 1970; 0 if the log has none */
	uint32_t client, path, method;
	uint32_t body, type; /* ACCESS_NO_BODY; HAR has them */
	uint32_t place;	     /* in the file */
	int16_t status;	     /* 0: not said */
	bool whole_second;
};

struct access_broken {
	uint64_t line;
	const char *why;
	char text[ACCESS_TEXT_BYTES];
};

struct access_log {
	struct access_record *records; /* owned */
	size_t n, room;
	struct names clients, paths, methods, bodies; /* bodies: their types too */
	enum access_format format;
	uint64_t n_lines, n_broken, n_nothing;
	struct access_broken broken[ACCESS_NAMED_MOST]; /* the first ones */
	bool is_timed;					/* each of them has a time */
	bool has_clients;
};

/*
 * Reads a file ("-": standard input). ERR_NOT_FOUND, ERR_LIMIT, ERR_MEMORY; ERR_INVALID: nothing in
 * it is a request; in words in note. *ret is the caller's, freed by access_log_free().
 */
NODISCARD enum err access_log_read(
    const char *path, enum access_format format, struct access_log *ret, struct err_note *note);
void access_log_free(struct access_log *l);

/* One more request, as often as it says. For readers of files that have no lines. */
NODISCARD enum err access_log_add(
    struct access_log *l, const struct access_line *line, struct slice body, struct slice type);

/* One more that is broken. */
void access_log_break(struct access_log *l, struct slice text, const char *why);

/* A HAR document (http archive 1.2). ERR_SYNTAX; text in note. */
NODISCARD enum err access_har_read(struct access_log *l, struct slice text, struct err_note *note);

/* "12 lines were broken, the first ones: ..." on standard error; nothing if none was. */
void access_log_complain(const struct access_log *l, const char *path);

#endif
