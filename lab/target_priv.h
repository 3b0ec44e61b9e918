/*
 * The parts of the target watch: target_watch.c (looks over time), target_source.c (where),
 * target_seen.c (counters), target_proc.c (processes of this machine), target_http.c (what a target
 * says of itself). Private to lab.
 */
#ifndef PLIMSOLL_LAB_TARGET_PRIV_H
#define PLIMSOLL_LAB_TARGET_PRIV_H

#include <pthread.h>

#include "lab/target_watch.h"

enum {
	TARGET_PROCESSES_MAX = 512,
	TARGET_SEEN_MAX = 1 << 14,
	TARGET_DEAR_EVERY = 5, /* looks: what costs the target or us more than the rest */
	TARGET_ANSWER_BYTES = 8 << 20,
};

struct target_source {
	enum target_kind kind;
	char name[TARGET_NAME_BYTES]; /* of the role; of processes, what they are called */
	char address[TARGET_ADDRESS_BYTES], path[TARGET_ADDRESS_BYTES];
	int pid;
	bool is_local;
};

/* A counter as it was last seen: of a thread, a process or a metric. */
struct target_seen {
	int64_t who;	/* pid or tid; below 0: made up */
	unsigned what;	/* which counter of it; 0: free */
	uint64_t start; /* ids are used again */
	uint64_t value, round;
};

struct target_role {
	char name[TARGET_NAME_BYTES];
	double now[TARGET_FIGURES];
	bool known[TARGET_FIGURES];
	/* Of the look that is being taken. */
	bool fresh[TARGET_FIGURES]; /* gauges that have been seen in it */
	double hot_s, busy_s;
	unsigned blocked,
	    awake; /* processes that wait for the disk; or for it or a processor, or run */
};

/* What others may see of a role: as it was behind the last look. */
struct target_shown {
	char name[TARGET_NAME_BYTES];
	double gauges[TARGET_FIGURES];
	bool known[TARGET_FIGURES];
};

struct target_looks {
	int64_t at_us;
	double figures[TARGET_ROLES_MAX][TARGET_COUNTERS];
};

struct target {
	target_fetch_fn *fetch;
	struct target_source sources[TARGET_SOURCES_MAX];
	unsigned n_sources;
	/*
	 * A look takes as long as the target needs to answer; whoever asks must not wait for that.
	 * looking: roles and all below them belong to one look at a time. lock: what is shown, held
	 * for as long as it takes to copy it.
	 */
	pthread_mutex_t looking, lock;
	pthread_cond_t stopped; /* with lock */
	pthread_t thread;
	bool running, stop;
	unsigned period_ms;
	struct target_shown shown[TARGET_ROLES_MAX];
	cpu_set_t shown_cpus;
	unsigned n_shown;
	struct target_looks *looks; /* owned */
	unsigned n_looks;
	struct target_role roles[TARGET_ROLES_MAX];
	unsigned n_roles;
	int64_t last_us;
	uint64_t round;
	struct target_seen *seen; /* owned, TARGET_SEEN_MAX, found by hash */
	unsigned n_seen;
	cpu_set_t cpus; /* that any process seen may use */
	struct err_note trouble;
};

/* The role of that name, made if it is new; NULL: too many. */
struct target_role *target_role_of(struct target *t, struct slice name);

void target_count(struct target_role *r, enum target_figure f, double more);
void target_gauge(struct target_role *r, enum target_figure f, double more);

/*
 * How much a counter has grown since the look before: nothing at the first look of all, all of it
 * where it is newer than that or has begun anew.
 */
uint64_t target_grown(struct target *t, int64_t who, unsigned what, uint64_t start, uint64_t value);

/* Counters that have not been seen lately are of somebody who is gone. */
void target_forget_old(struct target *t);

/* Adds a process of this machine to a role: its threads, memory, disk. False: it is gone.
 * elapsed_s: since the look before. */
bool target_proc_add(struct target *t, struct target_role *r, int pid, double elapsed_s);

/* Processes (by id with children, or by name with children); ERR_NOT_FOUND. */
NODISCARD enum err target_proc_look(
    struct target *t, const struct target_source *s, double elapsed_s, struct err_note *note);

NODISCARD enum err target_admin_look(
    struct target *t, struct target_source *s, double elapsed_s, struct err_note *note);
NODISCARD enum err target_metrics_look(
    struct target *t, struct target_source *s, double elapsed_s, struct err_note *note);

/* Answers of the two, already fetched. Without processes of this machine where is_local is false.
 */
NODISCARD enum err target_take_status(struct target *t, const struct target_source *s,
    struct slice body, double elapsed_s, struct err_note *note);
NODISCARD enum err target_take_metrics(
    struct target *t, const struct target_source *s, struct slice body, struct err_note *note);

#endif
