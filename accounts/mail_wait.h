/*
 * How long a mail that is put into the outbox now will wait before it goes out, worked out from two
 * rows looked at now and then: the oldest that nobody has tried to send and the newest. Mails go
 * out in the order of their numbers, so the step from one oldest to the next is what the courier
 * has done meanwhile, and what lies between oldest and newest is what it has to do. The courier
 * takes many mails at once and then sends them for a while, so its rate is that of half a minute.
 */
#ifndef PLIMSOLL_ACCOUNTS_MAIL_WAIT_H
#define PLIMSOLL_ACCOUNTS_MAIL_WAIT_H

#include <stdint.h>

#include "core/service.h"

struct grace_load;

enum {
	MAIL_WAIT_LOOKS = 30
};

struct mail_wait {
	/* While mails wait: the oldest row of the last looks, and when that was. */
	struct {
		int64_t oldest, at_us;
	} looks[MAIL_WAIT_LOOKS];
	unsigned n;	/* looks since mails wait */
	int64_t run_us; /* between two mails, lately; 0: not known */
	int64_t wait_us;
	int64_t done; /* mails that were seen to go */
};

/* What was looked up at now_us; oldest 0: no mail waits. A pure function. */
void mail_wait_look(struct mail_wait *w, int64_t oldest, int64_t newest, int64_t now_us);

/* Web: looks every second from now on. */
void mail_wait_start(struct svc_env *env);
/* For struct service: what admission looks at. */
void mail_wait_load(const struct svc_env *env, const void *state, struct grace_load *load);

#endif
