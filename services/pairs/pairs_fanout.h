/*
 * From a change to those who are connected: what REST and the app's own server do is told to the
 * live sessions of a couple by these two functions, which the realtime layer gives. They are called
 * in the web process that has made the change, after its commit; sessions may live in another one,
 * which is the realtime layer's affair. Nobody may rely on being told: who has missed something
 * reads the stream behind the last number it knows.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_FANOUT_H
#define PLIMSOLL_PAIRS_PAIRS_FANOUT_H

#include <stdint.h>

#include "core/base/slice.h"
#include "core/service.h"

/* An event of a couple's stream. Texts are valid during the call. */
struct pairs_told {
	int64_t couple, seq, user, at_ms; /* user 0: the app's own server */
	struct slice event;		  /* "activity", "list.item", ... */
	struct slice body;		  /* JSON object */
};

struct pairs_fanout {
	void *arg;
	/* To all sessions of the couple, in the order of seq. */
	void (*event)(void *arg, const struct pairs_told *told);
	/* To those of one member's partner, and may be dropped: presence, typing. json: object. */
	void (*signal)(
	    void *arg, int64_t couple, int64_t from_user, const char *event, struct slice json);
	/* The couple has ended: its sessions have to go. */
	void (*end)(void *arg, int64_t couple);
};

/* Web, at start. The functions may be NULL. */
void pairs_set_fanout(const struct svc_env *env, const struct pairs_fanout *fanout);

/* For whoever makes changes. */
void pairs_tell(const struct svc_env *env, const struct pairs_told *told);
void pairs_signal(const struct svc_env *env, int64_t couple, int64_t from_user, const char *event,
    struct slice json);

#endif
