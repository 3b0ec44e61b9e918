/*
 * What the target uses while it is under load, by role: processor, waiting for it, memory, sockets,
 * disk. A thread of its own looks some times a second, so that looking does not delay what is sent.
 * Sources: processes of this machine (by id or name, with all their children), the admin listener
 * of a Plimsoll, a Prometheus endpoint.
 *
 * Counters are summed up from what is seen to grow between two looks: processes may come and go.
 */
#ifndef PLIMSOLL_LAB_TARGET_WATCH_H
#define PLIMSOLL_LAB_TARGET_WATCH_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "lab/target_text.h"

enum {
	TARGET_SOURCES_MAX = 8,
	TARGET_ROLES_MAX = 16,
	TARGET_LOOKS_MAX = 20000, /* an hour at five a second; then every second one is dropped */
	TARGET_ADDRESS_BYTES = 280,
};

enum target_kind {
	TARGET_PROCESS, /* "NAME=PID" */
	TARGET_NAME,	/* "NAME" */
	TARGET_ADMIN,	/* "HOST:PORT" */
	TARGET_METRICS, /* "http://HOST:PORT/PATH", or "NAME=http://..." */
};

/* Figures of a role. Counters only grow; gauges are as they were seen last. */
enum target_figure {
	TARGET_CPU_S,
	TARGET_HOT_S,	    /* of the busiest thread (process, where threads are not seen) */
	TARGET_BUSY_S,	    /* not idle, of the busiest process: says it itself */
	TARGET_RUN_DELAY_S, /* ready and not running, all threads */
	TARGET_BLOCKED_S,   /* the most blocked process's threads waiting for the disk, by looks */
	TARGET_READ_BYTES,  /* from the disk */
	TARGET_WRITTEN_BYTES,
	TARGET_FSYNCS,
	TARGET_NET_IN_BYTES,
	TARGET_NET_OUT_BYTES,
	TARGET_STATEMENTS,
	TARGET_COUNTERS, /* from here on gauges */
	TARGET_PROCESSES = TARGET_COUNTERS,
	TARGET_THREADS,
	TARGET_MEMORY_BYTES,
	TARGET_SOCKETS,
	TARGET_QUEUE,
	TARGET_FIGURES,
};

/* A role in a stretch of time: counters a second of it, gauges as at its end. */
struct target_use {
	double figures[TARGET_FIGURES];
	bool known[TARGET_FIGURES];
};

/* GETs a path of host:port; *ret_body points into out. Blocks for some seconds at the most. */
typedef enum err target_fetch_fn(const char *address, const char *path, struct buf *out,
    struct slice *ret_body, struct err_note *note);

struct target;

/* Nothing is looked at yet. ERR_MEMORY. */
NODISCARD enum err target_open(target_fetch_fn *fetch, struct target **ret);
void target_close(struct target **t);

/* ERR_INVALID: text is no such source; ERR_LIMIT. */
NODISCARD enum err target_add(
    struct target *t, enum target_kind kind, const char *text, struct err_note *note);

/* The first look, which must find each source: ERR_NOT_FOUND (no such process), ERR_PEER_GONE,
 * ERR_SYNTAX. */
NODISCARD enum err target_look(struct target *t, struct err_note *note);

/* Looks every period_ms until target_stop(), which waits for a look that has begun. ERR_SYSTEM: no
 * thread. */
NODISCARD enum err target_start(struct target *t, unsigned period_ms, struct err_note *note);
void target_stop(struct target *t);

/* Roles seen so far; they keep their numbers. */
unsigned target_roles(struct target *t);
const char *target_role_name(struct target *t, unsigned role);

/* Whether the target runs on this machine, as far as it is seen. */
bool target_is_local(struct target *t);

/* Processors of this machine that its processes may use all together; how many, 0: none is seen. */
unsigned target_cpus(struct target *t, cpu_set_t *ret);

/*
 * Use of a role from one moment to another (clock_mono_us()), by straight lines between looks.
 * False: there are no looks around them.
 */
bool target_between(
    struct target *t, unsigned role, int64_t from_us, int64_t to_us, struct target_use *ret);

/* A look: when, and the processor seconds of each role since the first one. */
struct target_moment {
	int64_t at_us;
	double cpu_s[TARGET_ROLES_MAX];
};

/* All figures as members of the object that is being written; null: not known. */
struct json_writer;
void target_use_put_json(const struct target_use *use, struct json_writer *w);

/* How many looks are kept, and one of them by its number, from 0 on; false: there is none. */
unsigned target_looks(struct target *t);
bool target_look_at(struct target *t, unsigned number, struct target_moment *ret);

/* What went wrong with looking since the first look, the newest; ERR_OK: nothing. */
enum err target_trouble(struct target *t, struct err_note *ret);

#endif
