/*
 * What kind of thing a path asks for: paths that differ only in ids, numbers and keys are one
 * route, so that a log of millions of addresses has some dozens of kinds. Pure.
 */
#ifndef PLIMSOLL_LAB_ROUTE_H
#define PLIMSOLL_LAB_ROUTE_H

#include "core/base/buf.h"
#include "core/base/slice.h"

enum {
	ROUTE_BYTES = 120
};

/*
 * Appends the route of a path: without its query, each part that looks like an id as "*", and
 * beside an id the names of files as "*.ending". "/1.5/42/storage/tabs/x1y2z3a4b5c6?full=1" is
 * "/1.5/" "*" "/storage/tabs/" "*". At most ROUTE_BYTES.
 */
void route_put(struct slice path, struct buf *out);

#endif
