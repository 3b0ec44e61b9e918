/*
 * See pairs_rig.h.
 */
#include "services/pairs/pairs_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "services/pairs/pairs.h"

struct db_rig rig;

int pairs_rig_start(void **state)
{
	const struct service *s = &pairs_service;

	(void)state;
	db_rig_init(&rig);
	rig.txn.now_ms = 1000000007; /* no round number, and later than any lifetime is long */
	if (sql_migrate(rig.db, s->name, s->migrations, s->n_migrations, &rig.note) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	return 0;
}

int pairs_rig_stop(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	if (pairs_service.audit(rig.db, &note) != ERR_OK) {
		fail_msg("%s", note.text);
	}
	db_rig_fini(&rig);
	return 0;
}

void pairs_rig_couple(void)
{
	db_rig_run(&rig, "INSERT INTO pairs_user (id, account_id, couple_id, first_name, avatar,"
			 " options, read_seq, not_before_ms, present_ms, away, created_ms) VALUES"
			 " (101, 1, 7001, 'Ada', '', '{}', 0, 0, 0, 0, 1),"
			 " (102, 2, 7001, 'Bob', '', '{}', 0, 0, 0, 0, 1)");
	db_rig_run(&rig, "INSERT INTO pairs_couple (id, user_a, user_b, head, created_ms, ended_ms)"
			 " VALUES (7001, 101, 102, 0, 1, 0)");
}

struct pairs_changed pairs_rig_change(const struct pairs_change_req *r)
{
	struct buf message = buf_new(PAIRS_MESSAGE_MAX);
	struct pairs_changed c;

	pairs_change_put(&message, r);
	if (db_rig_call(&rig, &pairs_change, buf_slice(&message)) != ERR_OK) {
		fail_msg("%s", rig.note.text);
	}
	assert_true(pairs_changed_take(buf_slice(&rig.reply), &c));
	buf_free(&message);
	arena_reset(&rig.arena);
	return c;
}
