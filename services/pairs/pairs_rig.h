/*
 * For unit tests: a database with the tables of pairs (db_rig.h), two members who are a couple, and
 * changes as the store makes them. At the end of each test the audit has to find nothing wrong.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_RIG_H
#define PLIMSOLL_PAIRS_PAIRS_RIG_H

#include "accounts/db_rig.h"
#include "services/pairs/pairs_change.h"

enum {
	ADA = 101,
	BOB = 102,
	COUPLE = 7001,
};

/* The one rig of a test program. */
extern struct db_rig rig;

/* Setup and teardown of a test, for cmocka; the couple is pairs_rig_couple()'s affair. */
int pairs_rig_start(void **state);
int pairs_rig_stop(void **state);

/* The couple as rows, without anybody having signed up. */
void pairs_rig_couple(void);

/* The change's answer, which must not fail; its texts are those of rig.reply, until the next call.
 */
struct pairs_changed pairs_rig_change(const struct pairs_change_req *r);

#endif
