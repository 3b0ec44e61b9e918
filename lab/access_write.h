/*
 * A line of an access log, as servers write it: what access_line.h reads.
 */
#ifndef PLIMSOLL_LAB_ACCESS_WRITE_H
#define PLIMSOLL_LAB_ACCESS_WRITE_H

#include "core/base/buf.h"
#include "lab/access_line.h"
#include "lab/pretend.h"

/* Appends it with its end; format: ACCESS_COMMON (combined) or ACCESS_JSON, which has milliseconds.
 */
void access_write(
    const struct pretended *p, int64_t begin_ms, enum access_format format, struct buf *out);

#endif
