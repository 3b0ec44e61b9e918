/*
 * From a change to those who are connected: what is done to a couple, over whatever way, is told to
 * its live sessions by these functions, which live_sessions.c gives. They are called in the web
 * process that has made the change, after its commit; sessions that live in another process are
 * told from there. Nobody may rely on being told: who has missed something reads the stream behind
 * the last number it knows.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_FANOUT_H
#define PLIMSOLL_PAIRS_PAIRS_FANOUT_H

#include <stdint.h>

#include "core/base/slice.h"
#include "core/service.h"
#include "services/pairs/pairs_user.h"

/* An event of a couple's stream. Texts are valid during the call. */
struct pairs_told {
	int64_t couple, seq, user, at_ms; /* user 0: the app's own server */
	struct slice event;		  /* "activity", "list.item", ... */
	struct slice body;		  /* JSON object */
};

/* What is not in the stream and may be lost: it goes to one member's partner. */
enum pairs_signal_kind {
	PAIRS_TYPING,
	PAIRS_PRESENCE,
};

struct pairs_signal {
	enum pairs_signal_kind kind;
	int64_t couple, user;
	int64_t when_ms;	      /* typing: until then; presence: since */
	enum pairs_presence presence; /* only of PAIRS_PRESENCE */
};

struct pairs_fanout {
	void *arg;
	/* To all sessions of the couple, in the order of seq. The end of a couple is one, too. */
	void (*event)(void *arg, const struct pairs_told *told);
	void (*signal)(void *arg, const struct pairs_signal *signal);
	/* Sessions of a member may be over: each has to be looked at. */
	void (*recheck)(void *arg, int64_t couple, int64_t user);
};

/* For whoever makes changes. */
void pairs_tell(const struct svc_env *env, const struct pairs_told *told);
void pairs_signal(const struct svc_env *env, const struct pairs_signal *signal);
void pairs_recheck(const struct svc_env *env, int64_t couple, int64_t user);

#endif
