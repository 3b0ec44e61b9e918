/*
 * Inside of the supervisor: supervisor_setup.c prepares, supervisor.c runs, child.c starts,
 * connects and buries the role processes, stop.c ends them in order, reload.c re-reads the
 * configuration, watchdog.c ends those that hang, upgrade.c makes place for another program, and
 * predecessor.c takes the place of one.
 */
#ifndef PLIMSOLL_ROLE_SUPERVISOR_H
#define PLIMSOLL_ROLE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/ev/loop.h"
#include "core/obs/metric.h"
#include "core/role/control.h"
#include "core/role/data_dir.h"
#include "core/role/given.h"
#include "core/role/listeners.h"
#include "core/role/notify.h"
#include "core/role/predecessor.h"
#include "core/role/role.h"
#include "core/role/tls_files.h"
#include "core/role/upgrade.h"

enum {
	SUPERVISOR_MAX_CHILDREN = 160,
	SUPERVISOR_TICK_MS = 50,
	BACKOFF_FIRST_MS = 100,
	BACKOFF_LAST_MS = 10000,
	STEADY_US = 10 * 1000000, /* one that lived so long starts with the first back-off again */
};

enum child_state {
	CHILD_WAITING, /* not running, will be started at restart_us */
	CHILD_STARTING,
	CHILD_READY,
	CHILD_GONE /* not running, will not be started again */
};

struct child {
	struct supervisor *s;
	enum role_id role;
	unsigned instance, slot;
	enum child_state state;
	pid_t pid; /* 0: not running */
	struct control control;
	uv_poll_t *poll; /* frees itself when it is closed; NULL: none */
	int64_t started_us, restart_us, backoff_ms;
	bool failed; /* it has told why it cannot start */
	bool hangs;  /* the watchdog has killed it */
	int failed_code;
	char failed_text[256];
};

struct supervisor {
	const struct app *app;
	const struct conf *conf; /* in effect */
	struct conf *reloaded;	 /* owned; what conf is after a reload, else NULL */
	const char *conf_path;	 /* NULL: none */
	bool sandbox;
	bool is_helper;		     /* `plimsoll helper`: no data, no listeners */
	char data_dir[DATA_DIR_MAX]; /* absolute; "": none */
	int lock_fd;
	uint32_t services, roles;	/* masks of what runs */
	int program_fd[ROLE_COUNT];	/* -1: not needed */
	int listen_fd[SERVICE_MAX + 1]; /* index as listeners[]; -1: not used */
	char listen_address[SERVICE_MAX + 1][GIVEN_ADDRESS_MAX]; /* the key's value at that time */
	struct given given; /* sockets that others have bound for us; during the start */
	struct notify notify;
	struct predecessor predecessor;
	struct upgrade upgrade;
	char program[DATA_DIR_MAX]; /* path as started, for an upgrade; "": unknown */
	char *const *argv;
	const char *greeting;	      /* or NULL */
	struct tls_files tls_files;   /* those that the signer has taken, or the first */
	struct tls_files tls_offered; /* sent to it, not yet answered */
	struct metric_schema *schema;
	struct metrics *metrics;
	void *block; /* mapped memfd */
	size_t block_bytes;
	int block_fd;
	struct loop *loop;
	struct child children[SUPERVISOR_MAX_CHILDREN];
	unsigned n_children;
	int64_t begun_us;
	bool announced; /* everything was ready once */
	bool reminded;	/* of what is not ready for long */
	int exit_code;
	int64_t looked_us, awake_us; /* watchdog.c: its last look; after a pause of ours */
	/* stop.c */
	int64_t leave_us;	/* a stop was asked for, and begins then; 0: none was */
	bool stopping, killing; /* in order; at once */
	bool yields;		/* only our processes end; upgrade.c goes on from there */
	bool hurried;		/* a stop was asked for while we drain after an upgrade */
	unsigned stop_phase;
	int64_t stop_begun_us, stop_deadline_us; /* of all; of the phase */
};

struct supervisor_options {
	const struct app *app;
	const struct conf *conf;
	const char *conf_path, *only_service;
	const char *program_folder;
	bool no_sandbox, is_helper;
	const char *program; /* what an upgrade executes, with argv; NULL: it cannot be upgraded */
	char *const *argv;
	const char *greeting; /* printed when it is ready; NULL: nothing */
};

/* The whole life of a supervisor; the exit code. */
int supervisor_run_with(const struct supervisor_options *o);

/* ---- supervisor_setup.c ---- */

/* All that comes before the first process. On failure exit_code says which kind it is. */
NODISCARD enum err supervisor_set_up(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note);

/* ---- supervisor.c ---- */

/* Called when a child has become ready: announces once all are. */
void supervisor_check_ready(struct supervisor *s);

/* Closes the listening sockets; nobody is started with them after this. */
void supervisor_close_listeners(struct supervisor *s);

/* ---- child.c ---- */

/* Adds the rows of children[] for a role. ERR_LIMIT: too many. */
NODISCARD enum err child_add(struct supervisor *s, enum role_id role, unsigned instances);

/* Executes it, tells it who it is and connects it with the others that run. */
void child_start(struct child *c);

/* Sends a message without descriptors to a running child. */
void child_send(struct child *c, enum control_kind kind, struct slice body);

/* Offers the files to the signer, if it runs; takes them over. */
void child_offer_tls(struct supervisor *s, struct tls_files *files);

/* Looks for children that have ended; starts again those whose time has come. */
void child_reap(struct supervisor *s);
void child_restart_due(struct supervisor *s, int64_t now_us);

/* "web/0", or "store" where there is only one. */
const char *child_label(const struct child *c, char out[24]);

/* ---- stop.c ---- */

/* First request: drains role by role; exit_code becomes the supervisor's. Second: at once. */
void stop_request(struct supervisor *s, int exit_code);
/* Ends all children now; used when the start has failed. */
void stop_at_once(struct supervisor *s, int exit_code);
/* Another process serves: drains role by role and ends; nobody waits for us. */
void stop_after_upgrade(struct supervisor *s);
/* Drains role by role and calls upgrade_yielded(); the sockets stay open. */
void stop_to_yield(struct supervisor *s);
/* Called after each death and each tick: goes on to the next phase, kills what is late. */
void stop_step(struct supervisor *s, int64_t now_us);

/* ---- watchdog.c ---- */

/* Each tick. */
void watchdog_look(struct supervisor *s, int64_t now_us);

/* ---- reload.c ---- */

/* SIGHUP. */
void reload_conf(struct supervisor *s);

#endif
