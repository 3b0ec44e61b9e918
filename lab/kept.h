/*
 * Connections that devices keep between activities: by the number of the device, oldest given up
 * first when there are too many, each given up when it was not used for its time or the server
 * closed it.
 */
#ifndef PLIMSOLL_LAB_KEPT_H
#define PLIMSOLL_LAB_KEPT_H

#include <stdint.h>

#include "core/base/list.h"
#include "lab/client.h"
#include "lab/id_map.h"

struct kept_conns {
	struct id_map by_device; /* of struct kept */
	struct list by_age;	 /* the same, longest unused first */
	struct list spare;	 /* records without a connection */
	int64_t keep_us;
};

void kept_init(struct kept_conns *k, unsigned max, int64_t keep_us);
void kept_fini(struct kept_conns *k);

/* Takes an idle connection of that device, which has none here, or closes it. */
void kept_put(struct kept_conns *k, unsigned device, struct client_conn **conn);

/* The connection of the device, now the caller's; NULL: it has none. */
struct client_conn *kept_take(struct kept_conns *k, unsigned device);

/* Closes what was unused for too long. Call it every second. */
void kept_sweep(struct kept_conns *k);

/* Closes the one unused for longest; false: there is none. */
bool kept_drop_one(struct kept_conns *k);

#endif
