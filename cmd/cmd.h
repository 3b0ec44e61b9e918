/*
 * The subcommands of plimsoll: one file each with flags, help and exit code; the logic lies below.
 */
#ifndef PLIMSOLL_CMD_CMD_H
#define PLIMSOLL_CMD_CMD_H

#include <stdbool.h>

#include "core/conf/conf.h"
#include "core/role/role.h"

enum {
	CMD_MAX_SETS = 64,
	CMD_MAX_WORDS = 100
};

/* What the flags said; strings point into argv. */
struct cmd_options {
	const char *conf_path;		/* -c FILE, or NULL */
	const char *sets[CMD_MAX_SETS]; /* --set section.key=value */
	unsigned n_sets;
	bool no_sandbox, reference, man, json, data, help;
	char *const *argv; /* the whole command line of the program */
	bool without_keys, without_blobs, force, anonymise; /* backup, restore */
	const char *previous;				    /* (backup) an earlier one, or NULL */
	const char *password;				    /* restore --anonymise, or NULL */
	const char *from, *to;			  /* (migrate) engines to copy between, or NULL */
	const char *audience, *key, *issuer, *at; /* (identity verify), or NULL */
	const char *older_than, *unused_for, *keep, *try_older_than; /* (symbols gc), or NULL */
	const char *url, *token_file;				     /* (symbols upload), or NULL */
	bool is_try;						     /* likewise */
	const char *cached_unused_for, *missing_older_than;	     /* likewise */
	bool dry_run;
	const char *word;		 /* the first argument without a dash, or NULL */
	const char *more[CMD_MAX_WORDS]; /* those behind it */
	unsigned n_more;
};

/* A subcommand: its exit code. The conf is loaded (defaults, file, --set) and owned by main. */
typedef int cmd_fn(const struct app *app, struct conf *conf, const struct cmd_options *o);

cmd_fn cmd_backup, cmd_check, cmd_config, cmd_helper, cmd_identity, cmd_mail, cmd_metrics,
    cmd_migrate, cmd_restore, cmd_serve, cmd_status, cmd_symbols, cmd_sync, cmd_top, cmd_upgrade,
    cmd_user, cmd_version;

/*
 * Reads the words behind the subcommand. False after saying on standard error what was wrong and
 * what is allowed.
 */
bool cmd_options_parse(int argc, char **argv, struct cmd_options *ret);

/*
 * The configuration that the options ask for. EXIT_OK, or EXIT_CONFIG after every problem has been
 * printed to standard error, a line each. On EXIT_OK *ret is owned by the caller.
 */
int cmd_load_conf(const struct app *app, const struct cmd_options *o, struct conf **ret);

/*
 * Prints what the runtime's own checks refuse and those of the services that run: only (NULL: those
 * of the configuration). EXIT_OK or EXIT_CONFIG.
 */
int cmd_check_conf(const struct app *app, const struct conf *conf, const char *only);

/* Runs the services' audits over a database file and prints what is broken; EXIT_OK or FAILED. */
int cmd_audit(const struct app *app, const char *db_path);

#endif
