/*
 * What a machine's settings mean for us: advice for `plimsoll check`, a line each, none of which
 * stops a start.
 */
#ifndef PLIMSOLL_ROLE_ADVICE_H
#define PLIMSOLL_ROLE_ADVICE_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/conf/conf.h"

/* -1: could not be read, nothing is said about it. */
struct host_facts {
	int64_t somaxconn;	   /* net.core.somaxconn: connections the kernel holds for us */
	int64_t overcommit_memory; /* vm.overcommit_memory: 2 counts every mapping */
	int64_t descriptors;	   /* hard RLIMIT_NOFILE, which serve takes */
};

struct host_facts host_facts_read(void);

/* Appends "advice: ..." lines; nothing when all is well. */
void advice_write(const struct host_facts *facts, const struct conf *conf, struct buf *out);

#endif
