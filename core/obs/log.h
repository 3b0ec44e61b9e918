/*
 * Logging: one logfmt line per event, collected in memory and written to standard error in batches
 * (when 32 KiB are full, at each flush, at once for errors). Lines look like
 *	ts=2026-11-21T09:30:00.123Z level=info role=web/0 mod=http event=request op=... us=123
 * No secrets, no payloads. A library function below an edge logs nothing above debug.
 */
#ifndef PLIMSOLL_OBS_LOG_H
#define PLIMSOLL_OBS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/base/slice.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
	LOG_OFF
};

/* One key=value of a line. Strings are quoted when they need it. */
struct log_field {
	struct slice label; /* " key=": written as it is */
	enum {
		LOG_FIELD_STR,
		LOG_FIELD_INT
	} type;
	struct slice str;
	int64_t num;
};

#define LOG_S(k, slice)                                                                            \
	{                                                                                          \
		.label = SLICE(" " k "="), .type = LOG_FIELD_STR, .str = (slice)                   \
	}
#define LOG_C(k, cstr)                                                                             \
	{                                                                                          \
		.label = SLICE(" " k "="), .type = LOG_FIELD_STR, .str = slice_str(cstr)           \
	}
#define LOG_I(k, n)                                                                                \
	{                                                                                          \
		.label = SLICE(" " k "="), .type = LOG_FIELD_INT, .num = (int64_t)(n)              \
	}

/* LOG(LOG_INFO, "store", "commit", LOG_I("batch", n), LOG_C("err", err_text(e))); */
#define LOG(level, module, event, ...)                                                             \
	do {                                                                                       \
		if (log_is_on((level), (module))) {                                                \
			const struct log_field log_fields_[] = { __VA_ARGS__ };                    \
			log_write((level), (module), (event), log_fields_,                         \
			    sizeof(log_fields_) / sizeof(log_fields_[0]));                         \
		}                                                                                  \
	} while (0)

/* Who writes; call once at start. instance -1 for roles with one process. */
void log_open(enum role_id role, int instance);

/*
 * Sets levels from text such as "info" or "info,http=debug,store=warn" (at most 16 modules).
 * ERR_INVALID with the word that is wrong in note; the levels then stay as they were.
 */
NODISCARD enum err log_set_levels(struct slice text, struct err_note *note);

bool log_is_on(enum log_level level, const char *module);

/* What LOG() calls. module and event are literals: kinds of lines are told apart by address. */
void log_write(enum log_level level, const char *module, const char *event,
    const struct log_field *fields, size_t n);

/* Has fn see every line of level warn or error as well, without its time and line end. */
void log_on_warning(void (*fn)(void *arg, struct slice line), void *arg);

/* Writes what is collected. The loop of a role calls it every 200 ms and at exit. */
void log_flush(void);

#endif
