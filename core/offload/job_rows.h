/*
 * What may be computed on other machines: the rows of the registry that go from web to compute. On
 * the way a job is a frame as between roles (core/rpc/frame.h), its type the place in this list and
 * its deadline the time that is left, because clocks of two machines have nothing in common.
 * Everything a row's handler needs is in its request: these travel, and what works on files of this
 * machine (roles files and media) does not.
 */
#ifndef PLIMSOLL_OFFLOAD_JOB_ROWS_H
#define PLIMSOLL_OFFLOAD_JOB_ROWS_H

#include <stddef.h>

#include "core/rpc/rpc.h"

enum {
	JOB_ROWS_MAX = 64
};

struct job_rows {
	const struct rpc_def *def[JOB_ROWS_MAX];
	struct rpc_registry registry; /* of those, for frames */
	uint64_t kind;	  /* of wire format, program version and rows: alike only where they are */
	size_t frame_max; /* bytes of the largest job or answer */
};

/* Fills *ret, which must stay where it is, from all rows of a program of that version. */
void job_rows_init(struct job_rows *ret, const struct rpc_registry *all, const char *version);

/* The place of a row; it must be one of them. */
unsigned job_rows_type(const struct job_rows *rows, const struct rpc_def *def);

#endif
