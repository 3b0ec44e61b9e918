/*
 * Roles: one program per kind of process (DESIGN.md 2). The table says for each role how many there
 * are, whom it may call and what its sandbox allows. The supervisor forks and executes them, gives
 * each over a control socket (descriptor 3): configuration, the metrics block, listening sockets
 * and one socket per allowed peer; restarts what dies with back-off and hands new sockets to the
 * peers of a restarted process.
 */
#ifndef PLIMSOLL_ROLE_ROLE_H
#define PLIMSOLL_ROLE_ROLE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/conf/conf.h"
#include "core/service.h"

/* The program as a whole, filled by cmd/main.c from services/table.c. */
struct app {
	const struct service *const *services; /* all that are built in */
	size_t n_services;
	const char *version;
};

/* Most tables that app_conf_tables() gives. */
enum {
	APP_MAX_CONF_TABLES = SERVICE_MAX + 5
};

/* All keys of the program: the runtime's, [http], and the services' own. Number of tables.
 */
size_t app_conf_tables(const struct app *app, struct conf_table ret[APP_MAX_CONF_TABLES]);

/* A configuration with the defaults of those keys. app must be the same at every call. */
NODISCARD enum err app_conf_new(const struct app *app, struct conf **ret);

/* What the runtime itself refuses: log levels, service names, the server's limits. Text in note. */
NODISCARD enum err app_conf_check(
    const struct app *app, const struct conf *conf, struct err_note *note);

struct pg_reach;

/* A process of a role while it runs; handed to the functions of its row. */
struct role_ctx {
	const struct app *app;
	struct svc_env env;
	struct conf *conf; /* owned; env.conf points here */
	struct rpc_registry registry;
	struct rpc_server *server; /* NULL in roles nobody calls */
	int control_fd;
	/* Listening sockets, index as in listeners.h; -1 where this process does not serve it. */
	int listen_fd[SERVICE_MAX + 1];
	unsigned n_listen;
	bool draining;
	bool counts_busy;      /* the role sets busy_us of its slot; else it is the loop's */
	int64_t idle_until_us; /* while draining: so long idle connections stay open */
	bool drain_accepts;    /* while draining: new ones are taken until then */
	/* Set by start(): a database server that the sandbox must let it reach. */
	const struct pg_reach *database;
	void *role_data; /* the role's own */
};

struct control_message;

/* What a role's file provides. All but start may be NULL. */
struct role_ops {
	/*
	 * Builds the role before the sandbox closes: open files, make r->server with the role's
	 * executor. Services have not been started yet. Where the role is called by others and
	 * leaves r->server NULL, it gets a server that calls the handlers on the loop with &r->env.
	 */
	enum err (*start)(struct role_ctx *r, struct err_note *note);
	/* In a task after the sandbox closed and peers are connected, before the services' ready().
	 */
	enum err (*prepare)(struct role_ctx *r, struct err_note *note);
	/* In a task after the sandbox closed and peers are connected, services ready: begin to
	 * serve. */
	enum err (*serve)(struct role_ctx *r, struct err_note *note);
	/* SIGTERM: finish what is admitted, refuse new work, call role_drained() when done. */
	void (*drain)(struct role_ctx *r, int64_t deadline_us);
	/* SIGHUP after the new configuration arrived. */
	void (*reload)(struct role_ctx *r);
	/* Files of certificates and keys have come; takes m->fds. Only the signer gets them. */
	void (*tls)(struct role_ctx *r, const struct control_message *m);
	/* A socket to another process of the role has come; takes fd. See role_def.siblings. */
	void (*sibling)(struct role_ctx *r, unsigned instance, int fd);
	void (*stop)(struct role_ctx *r);
};

enum sandbox_flags {
	SANDBOX_READ_DATA = 1,	   /* may read the database files below data_dir/db */
	SANDBOX_WRITE_DATA = 2,	   /* may change files below data_dir/db */
	SANDBOX_ACCEPT = 4,	   /* may accept on handed-over sockets; never connect or bind */
	SANDBOX_DIAL = 8,	   /* may connect out (courier), read resolver and CA files */
	SANDBOX_THREADS = 16,	   /* may create threads */
	SANDBOX_KEYS = 32,	   /* may read and change files below data_dir/keys */
	SANDBOX_READ_BLOBS = 64,   /* may read files below data_dir/blobs */
	SANDBOX_WRITE_BLOBS = 128, /* may change them, too */
	SANDBOX_SPAWN = 256	   /* may execute its helper, and end what it has begun */
};

struct role_def {
	enum role_id role;
	/*
	 * The role whose place it takes towards others: it has its channels and its rights in the
	 * rows. 0: its own.
	 */
	enum role_id acts_as;
	const char *program;	   /* file name beside plimsoll; "plimsoll" for the core roles */
	const char *helper;	   /* another such file that its handlers execute, or NULL */
	const char *instances_key; /* section of the key "instances", or NULL: one process */
	uint32_t calls;		   /* ROLE_BIT mask of roles it opens channels to */
	uint32_t sandbox;	   /* enum sandbox_flags */
	int nice;
	unsigned max_credits; /* calls in flight per channel towards this role */
	bool siblings;	      /* its processes have sockets to each other, see siblings.h */
};

/* The table; index is enum role_id, row 0 (supervisor) is empty. */
extern const struct role_def role_table[ROLE_COUNT];

/* The role that its peers take it for. */
enum role_id role_as(enum role_id role);

/* The sandbox column of a role; one that reaches a database server needs no database files. */
uint32_t role_sandbox(enum role_id role, const struct pg_reach *database);

/* Configuration keys of the runtime itself: [plimsoll], [web], [compute], [admin], [log], ... */
extern const struct conf_table runtime_conf;

/* `plimsoll serve`: supervises until it is told to stop; the exit code of the command. */
struct serve_options {
	const char *conf_path; /* NULL: none */
	const char *only_service;
	bool no_sandbox;
	bool is_helper;	      /* computes for servers elsewhere, and nothing else */
	char *const *argv;    /* the whole command line: an upgrade repeats it */
	const char *greeting; /* printed when it is ready; NULL: nothing */
};
int supervisor_run(const struct app *app, struct conf *conf, const struct serve_options *o);

/*
 * Main of a role process, as executed by the supervisor: argv is "PROGRAM --role NAME INSTANCE";
 * everything else comes over descriptor 3. Returns the exit code.
 */
int role_main(
    const struct app *app, const struct role_ops *const ops[ROLE_COUNT], int argc, char **argv);

/*
 * `plimsoll --sandbox-probe ROLE DATA_DIR [DATABASE_URL]`: enters the role's sandbox in fresh
 * processes, tries what it must not be able to do and prints a line each: "NAME denied" or "NAME
 * ALLOWED". For the tests.
 */
int role_probe(int argc, char **argv);

/* A role says that its drain is complete; the process then ends. */
void role_drained(struct role_ctx *r);

/* Exit codes of all commands. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,  /* it did not work */
	EXIT_USAGE = 2,	  /* wrong words on the command line */
	EXIT_CONFIG = 3,  /* the configuration is wrong */
	EXIT_IN_USE = 4,  /* port or data directory in use */
	EXIT_SANDBOX = 5, /* the sandbox cannot be set up */
};

#endif
