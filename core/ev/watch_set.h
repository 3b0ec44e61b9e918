/* The watches of a loop, for the loop alone; see watch.h. */
#ifndef PLIMSOLL_EV_WATCH_SET_H
#define PLIMSOLL_EV_WATCH_SET_H

#include "core/ev/watch.h"

struct watch_set;

/* ERR_SYSTEM, ERR_MEMORY. */
NODISCARD enum err watch_set_open(uv_loop_t *uv, struct watch_set **ret);
/* Frees it once the loop has closed its handle. Nothing may be watched. */
void watch_set_close(struct watch_set *s);

struct watch_set *loop_watches(struct loop *l);

#endif
