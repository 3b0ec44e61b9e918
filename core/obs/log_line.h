/*
 * A log line under construction in memory of the caller. Private to core/obs.
 */
#ifndef PLIMSOLL_OBS_LOG_LINE_H
#define PLIMSOLL_OBS_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/obs/log.h"

struct log_line {
	char *at, *end; /* the next byte, and the first that may not be written */
	bool full;	/* something did not fit; the line up to at is still good */
};

static inline void log_line_put_char(struct log_line *w, char c)
{
	if (w->at < w->end) {
		*w->at++ = c;
	} else {
		w->full = true;
	}
}

static inline void log_line_put(struct log_line *w, const char *p, size_t len)
{
	if (len > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	memcpy(w->at, p, len);
	w->at += len;
}

static inline void log_line_put_str(struct log_line *w, const char *s)
{
	log_line_put(w, s, strlen(s));
}

void log_line_put_number(struct log_line *w, int64_t n);

/* The time of now: "2026-11-21T09:30:00.123Z". */
void log_line_put_time(struct log_line *w);

/* " key=value", the value quoted and escaped as it needs; none of it if it does not fit. */
void log_line_put_field(struct log_line *w, const struct log_field *f);

#endif
