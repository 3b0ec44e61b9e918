/*
 * A helper: a program of ours that does one job on one open file, writes what came of it to its
 * standard output and ends. It is for work on strangers' files that may take a process down, or
 * take it over: whatever happens to the helper, it has seen nothing but this file, and nobody else
 * notices but by the outcome.
 */
#ifndef PLIMSOLL_HELPER_HELPER_H
#define PLIMSOLL_HELPER_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct helper_job {
	int program_fd;	   /* an O_PATH descriptor of the program */
	char *const *argv; /* NULL-terminated; the first is its name */
	char *const *env;  /* likewise; nothing else is in its environment */
	int input_fd;	   /* becomes its standard input */
	int64_t wall_ms;   /* it is killed then */
	uint64_t cpu_s;	   /* of processor time, likewise */
};

enum helper_end {
	HELPER_EXITED,	/* by itself; its code */
	HELPER_KILLED,	/* by a signal: a fault of its own, or somebody */
	HELPER_OVERDUE, /* it took too long */
	HELPER_TALKED,	/* its output was longer than there was room */
};

/*
 * Runs it and waits for its end, blocking. Its output goes to out, whose maximum is its limit.
 * *ret_code: the exit code, or the signal. Standard error is where ours is in builds with
 * sanitizers, else /dev/null, as its words may be those of whoever made the file. Errors are about
 * starting it: ERR_SYSTEM, ERR_LIMIT and the like, with text in note.
 */
NODISCARD enum err helper_run(const struct helper_job *job, struct buf *out,
    enum helper_end *ret_end, int *ret_code, struct err_note *note);

enum {
	HELPER_NOT_EXECUTED = 127 /* its exit code when the program could not be executed */
};

#endif
