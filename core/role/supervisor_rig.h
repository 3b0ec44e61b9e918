/*
 * What tests of the supervisor share: it runs in a process of its own and executes the test program
 * for every role, so that real processes in real sandboxes are under test. Test code only.
 */
#ifndef PLIMSOLL_ROLE_SUPERVISOR_RIG_H
#define PLIMSOLL_ROLE_SUPERVISOR_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

#include "core/role/role.h"

enum {
	RIG_PATIENCE_MS = 60000, /* for what hangs, not for what is slow */
	RIG_TEXT_BYTES = 6000
};

/* A supervisor in a process of its own, and a folder for everything it reads and writes. */
struct rig {
	const struct app *app;
	char folder[64]; /* holds "plimsoll", a link to this program */
	char data_dir[96], conf_path[96], error_path[96];
	bool no_sandbox;
	void (*before)(void); /* called in the supervisor's process before it begins; may be NULL */
	pid_t pid;	      /* 0: not running */
	int out;	      /* its standard output, or -1 */
	uint16_t port, admin_port;
};

struct rig *rig_new(const struct app *app);
/* Kills what still runs and removes the folder. */
void rig_free(struct rig *g);

/*
 * What `plimsoll serve -c CONF_PATH --set plimsoll.data_dir=... ONLY` does, with one web and one
 * compute process and free ports unless the file says otherwise. ONLY may be NULL.
 */
void rig_launch(struct rig *g, const char *only);

/* Waits for the block that says that all roles are ready, and takes the ports from it. */
void rig_await_ready(struct rig *g);

/* Waits for the end and returns the exit code. */
int rig_await_exit(struct rig *g);

void rig_write(const char *path, const char *text);
void rig_read(const char *path, char text[RIG_TEXT_BYTES]);

/* A connection over which text has been sent, or -1. */
int rig_ask(uint16_t port, const char *text);
/* What comes until the other side closes; closes fd, too. False: nothing came. */
bool rig_hear(int fd, char *out, size_t out_size);

#endif
