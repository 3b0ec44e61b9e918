/*
 * The outbox: what is put comes out once per lease, comes back when it was not sent, and leaves
 * nothing secret behind when it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "accounts/accounts_priv.h"
#include "accounts/db_rig.h"
#include "accounts/mail_address.h"
#include "accounts/outbox.h"

enum {
	HOLD_MS = 1000
};

static int64_t last_id;

static void put(struct db_rig *rig, const char *recipient)
{
	const struct outbox_mail mail = {
		.recipient = slice_str(recipient),
		.kind = SLICE("new"),
		.subject = SLICE("example.org: Complete sign-in"),
		.link = SLICE("http://127.0.0.1:8000/verify_email_address?token=T"),
		.site = SLICE("http://example.org"),
		.text = SLICE("text part"),
		.html = SLICE("<p>html part</p>"),
	};

	rig->txn.n_after = 0;
	assert_int_equal(outbox_put(&rig->txn, &mail, &last_id, &rig->note), ERR_OK);
}

static struct outbox_leased *lease(struct db_rig *rig, uint32_t rows, int64_t ms)
{
	const struct outbox_lease_req req = { .max_rows = rows, .lease_ms = ms };
	struct outbox_leased *leased = arena_alloc(&rig->arena, sizeof(*leased));
	struct buf b = buf_new(64);

	assert_non_null(leased);
	outbox_put_lease_req(&b, &req);
	assert_int_equal(db_rig_call(rig, &accounts_outbox_lease, buf_slice(&b)), ERR_OK);
	buf_free(&b);
	/* Slices must outlive the next call. */
	struct slice reply;
	assert_int_equal(arena_copy(&rig->arena, buf_slice(&rig->reply), &reply), ERR_OK);
	assert_true(outbox_take_leased(reply, leased));
	return leased;
}

static void sent(struct db_rig *rig, int64_t id, int64_t lease_id, bool keep)
{
	const struct outbox_sent_req req = { .id = id, .lease = lease_id, .keep = keep };
	struct buf b = buf_new(64);

	outbox_put_sent_req(&b, &req);
	assert_int_equal(db_rig_call(rig, &accounts_outbox_sent, buf_slice(&b)), ERR_OK);
	buf_free(&b);
}

static void retry(struct db_rig *rig, int64_t id, int64_t lease_id, bool final)
{
	const struct outbox_retry_req req = {
		.id = id, .lease = lease_id, .final = final, .error = SLICE("452 later")
	};
	struct buf b = buf_new(512);

	outbox_put_retry_req(&b, &req);
	assert_int_equal(db_rig_call(rig, &accounts_outbox_retry, buf_slice(&b)), ERR_OK);
	buf_free(&b);
}

static struct outbox_stats stats(struct db_rig *rig)
{
	struct outbox_stats s;

	assert_int_equal(db_rig_call(rig, &accounts_outbox_stats, SLICE_EMPTY), ERR_OK);
	assert_true(outbox_take_stats(buf_slice(&rig->reply), &s));
	return s;
}

static void assert_sane(struct db_rig *rig)
{
	struct err_note note = { 0 };

	assert_int_equal(accounts_service.audit(rig->db, &note), ERR_OK);
}

static void a_mail_comes_out_as_it_was_put(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "A@example.org");
	assert_int_equal(rig.txn.n_after, 1);
	assert_true(rig.txn.after_commit[0] == accounts_wake_courier);
	const struct outbox_leased *l = lease(&rig, 10, 1000);
	assert_int_equal(l->n, 1);
	assert_true(slice_eq(l->mails[0].recipient, SLICE("A@example.org")));
	assert_true(slice_eq(l->mails[0].kind, SLICE("new")));
	assert_true(slice_eq(l->mails[0].text, SLICE("text part")));
	assert_true(slice_eq(l->mails[0].html, SLICE("<p>html part</p>")));
	assert_true(slice_eq(l->mails[0].site, SLICE("http://example.org")));
	assert_int_equal(l->mails[0].tries, 1);
	assert_int_equal(l->mails[0].created_ms, 1000000);
	db_rig_fini(&rig);
}

static void a_commit_wakes_the_courier_once(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	const struct outbox_mail mail = { .recipient = SLICE("b@example.org") };
	assert_int_equal(outbox_put(&rig.txn, &mail, &last_id, &rig.note), ERR_OK);
	assert_int_equal(rig.txn.n_after, 1);
	db_rig_fini(&rig);
}

static void a_leased_mail_is_nobody_elses_until_the_lease_runs_out(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	const struct outbox_leased *first = lease(&rig, 10, 1000);
	assert_int_equal(first->n, 1);
	assert_int_equal(first->next_due_ms, 1001000);
	assert_int_equal(lease(&rig, 10, 1000)->n, 0);
	rig.txn.now_ms += 1000;
	const struct outbox_leased *second = lease(&rig, 10, 1000);
	assert_int_equal(second->n, 1);
	assert_int_equal(second->mails[0].tries, 2);
	/* An answer under the lost lease changes nothing. */
	sent(&rig, first->mails[0].id, first->lease, false);
	assert_int_equal(stats(&rig).queued, 1);
	sent(&rig, second->mails[0].id, second->lease, false);
	assert_int_equal(stats(&rig).queued, 0);
	assert_int_equal(lease(&rig, 10, 1000)->next_due_ms, INT64_MAX);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void leases_are_of_the_asked_size_and_oldest_first(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "1@example.org");
	rig.txn.now_ms++;
	put(&rig, "2@example.org");
	rig.txn.now_ms++;
	put(&rig, "3@example.org");
	const struct outbox_leased *l = lease(&rig, 2, 1000);
	assert_int_equal(l->n, 2);
	assert_true(slice_eq(l->mails[0].recipient, SLICE("1@example.org")));
	assert_true(l->next_due_ms <= rig.txn.now_ms);
	assert_true(slice_eq(lease(&rig, 2, 1000)->mails[0].recipient, SLICE("3@example.org")));
	db_rig_fini(&rig);
}

static void a_sent_mail_keeps_no_secret(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	const struct outbox_leased *l = lease(&rig, 1, 1000);
	sent(&rig, l->mails[0].id, l->lease, false);
	assert_int_equal(db_rig_number(&rig,
			     "SELECT COUNT(*) FROM outbox WHERE body_text = '' AND body_html = ''"
			     " AND link = '' AND state = 1 AND sent_ms = 1000000"),
	    1);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void development_keeps_the_newest(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	for (int i = 0; i < OUTBOX_KEPT_MAX + 5; i++) {
		put(&rig, "a@example.org");
		const struct outbox_leased *l = lease(&rig, 1, 1000);
		sent(&rig, l->mails[0].id, l->lease, true);
	}
	assert_int_equal(stats(&rig).kept, OUTBOX_KEPT_MAX);
	struct outbox_recent *recent = arena_alloc(&rig.arena, sizeof(*recent));
	assert_int_equal(db_rig_call(&rig, &accounts_outbox_recent, SLICE_EMPTY), ERR_OK);
	assert_true(outbox_take_recent(buf_slice(&rig.reply), recent));
	assert_int_equal(recent->n, OUTBOX_RECENT_MAX);
	assert_int_equal(recent->mails[0].state, OUTBOX_KEPT);
	assert_true(recent->mails[0].id > recent->mails[1].id);
	assert_true(slice_eq(recent->mails[0].text, SLICE("text part")));
	db_rig_fini(&rig);
}

static void a_failed_try_comes_back_later_and_later(void **state)
{
	struct db_rig rig;
	int64_t before = 0;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	for (int i = 0; i < 5; i++) {
		const struct outbox_leased *l = lease(&rig, 1, 1000);
		assert_int_equal(l->n, 1);
		retry(&rig, l->mails[0].id, l->lease, false);
		int64_t wait =
		    db_rig_number(&rig, "SELECT next_try_ms FROM outbox") - rig.txn.now_ms;
		assert_in_range(
		    wait, OUTBOX_RETRY_FIRST_MS << i, (OUTBOX_RETRY_FIRST_MS << i) * 5 / 4);
		assert_true(wait > before);
		before = wait;
		assert_int_equal(lease(&rig, 1, 1000)->n, 0);
		rig.txn.now_ms += wait;
	}
	db_rig_fini(&rig);
}

static void after_all_tries_it_is_failed(void **state)
{
	struct db_rig rig;
	int64_t begun;

	(void)state;
	db_rig_init(&rig);
	begun = rig.txn.now_ms;
	put(&rig, "a@example.org");
	for (int i = 0; i < OUTBOX_TRIES_MAX; i++) {
		const struct outbox_leased *l = lease(&rig, 1, 1000);
		assert_int_equal(l->n, 1);
		retry(&rig, l->mails[0].id, l->lease, false);
		rig.txn.now_ms += OUTBOX_RETRY_LAST_MS * 2;
	}
	assert_true(rig.txn.now_ms > begun);
	assert_int_equal(stats(&rig).failed, 1);
	assert_int_equal(stats(&rig).queued, 0);
	assert_int_equal(stats(&rig).oldest_queued_ms, 0);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_final_refusal_ends_it_at_once(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	const struct outbox_leased *l = lease(&rig, 1, 1000);
	retry(&rig, l->mails[0].id, l->lease, true);
	assert_int_equal(stats(&rig).failed, 1);
	assert_int_equal(
	    db_rig_number(&rig, "SELECT COUNT(*) FROM outbox WHERE error = '452 later'"), 1);
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_full_outbox_refuses(void **state)
{
	struct db_rig rig;
	const struct outbox_mail mail = { .recipient = SLICE("late@example.org") };

	(void)state;
	db_rig_init(&rig);
	db_rig_run(&rig,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
	    " INSERT INTO outbox (recipient, kind, subject, link, site, body_text, body_html,"
	    " created_ms, next_try_ms, tries, lease, state, sent_ms, error)"
	    " SELECT 'x@example.org', 'new', '', '', '', '', '', 1, 1, 0, 0, 0, 0, '' FROM n");
	assert_int_equal(outbox_put(&rig.txn, &mail, &last_id, &rig.note), ERR_TOO_BUSY);
	db_rig_run(&rig, "DELETE FROM outbox WHERE id = 1");
	assert_int_equal(outbox_put(&rig.txn, &mail, &last_id, &rig.note), ERR_OK);
	db_rig_fini(&rig);
}

static void large_mails_fill_a_reply_and_the_rest_stays(void **state)
{
	struct db_rig rig;
	char *big = calloc(1, OUTBOX_PART_MAX + 1);
	struct outbox_mail mail = { .recipient = SLICE("a@example.org") };

	(void)state;
	db_rig_init(&rig);
	memset(big, 'x', OUTBOX_PART_MAX);
	mail.text = mail.html = SLICE_OF(big, OUTBOX_PART_MAX);
	for (int i = 0; i < OUTBOX_LEASE_MAX; i++) {
		rig.txn.n_after = 0;
		assert_int_equal(outbox_put(&rig.txn, &mail, &last_id, &rig.note), ERR_OK);
	}
	uint32_t first = lease(&rig, OUTBOX_LEASE_MAX, 1000)->n;
	assert_in_range(first, 1, OUTBOX_LEASE_MAX - 1);
	uint32_t second = lease(&rig, OUTBOX_LEASE_MAX, 1000)->n;
	assert_int_equal(first + second, OUTBOX_LEASE_MAX);
	mail.text = SLICE_OF(big, OUTBOX_PART_MAX + 1);
	assert_int_equal(outbox_put(&rig.txn, &mail, &last_id, &rig.note), ERR_LIMIT);
	free(big);
	db_rig_fini(&rig);
}

static bool is_held(struct db_rig *rig, const char *address)
{
	bool held = false;

	assert_int_equal(
	    mail_address_is_held(&rig->txn, slice_str(address), HOLD_MS, &held, &rig->note),
	    ERR_OK);
	return held;
}

static enum bounce_effect bounced(
    struct db_rig *rig, const struct outbox_mail *mail, const char *status)
{
	struct bounce b = { .told = "words" };
	enum bounce_effect effect = BOUNCE_EFFECTS;
	struct buf message = buf_new(1024);

	assert_int_equal(slice_to_cstr(mail->verp, b.verp, sizeof(b.verp)), ERR_OK);
	bounce_set_status(&b, slice_str(status));
	mail_bounced_put(&message, &b);
	assert_int_equal(db_rig_call(rig, &accounts_mail_bounced, buf_slice(&message)), ERR_OK);
	buf_free(&message);
	assert_true(mail_bounced_take_reply(buf_slice(&rig->reply), &effect));
	return effect;
}

static void an_address_has_one_token_until_it_is_answered(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "A@example.org");
	put(&rig, "a@Example.ORG");
	put(&rig, "b@example.org");
	const struct outbox_leased *l = lease(&rig, 10, 1000);
	assert_int_equal(l->n, 3);
	assert_int_equal(l->mails[0].verp.len, VERP_LEN);
	assert_true(slice_eq(l->mails[0].verp, l->mails[1].verp));
	assert_false(slice_eq(l->mails[0].verp, l->mails[2].verp));
	assert_int_equal(mail_address_forget(&rig.txn, SLICE("a@example.org"), &rig.note), ERR_OK);
	assert_int_equal(bounced(&rig, &l->mails[0], "5.1.1"), BOUNCE_UNKNOWN);
	put(&rig, "a@example.org");
	assert_false(slice_eq(lease(&rig, 10, 1000)->mails[0].verp, l->mails[0].verp));
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_permanent_bounce_holds_mails_for_a_while(void **state)
{
	struct db_rig rig;
	struct mail_address m;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "a@example.org");
	const struct outbox_leased *l = lease(&rig, 10, 1000);
	assert_int_equal(bounced(&rig, &l->mails[0], "4.2.2"), BOUNCE_COUNTED);
	assert_int_equal(bounced(&rig, &l->mails[0], "5.7.1"), BOUNCE_COUNTED);
	assert_false(is_held(&rig, "a@example.org"));
	assert_int_equal(stats(&rig).bounced, 0);
	assert_int_equal(bounced(&rig, &l->mails[0], "5.1.1"), BOUNCE_MARKED);
	assert_true(is_held(&rig, "A@example.org"));
	assert_false(is_held(&rig, "b@example.org"));
	assert_int_equal(stats(&rig).bounced, 1);
	assert_int_equal(
	    mail_address_find(rig.db, &rig.arena, SLICE("a@example.org"), &m, &rig.note), ERR_OK);
	assert_int_equal(m.soft, 2);
	assert_int_equal(m.hard_ms, rig.txn.now_ms);
	assert_true(slice_eq(m.status, SLICE("5.1.1")) && slice_eq(m.told, SLICE("words")));
	rig.txn.now_ms += HOLD_MS;
	assert_false(is_held(&rig, "a@example.org"));
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void a_refusal_of_the_mail_itself_is_a_bounce(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	put(&rig, "gone@example.org");
	const struct outbox_leased *l = lease(&rig, 1, 1000);
	struct outbox_retry_req req = { l->mails[0].id, l->lease, true,
		SLICE("550 5.1.1 no such mailbox") };
	struct buf b = buf_new(512);
	outbox_put_retry_req(&b, &req);
	assert_int_equal(db_rig_call(&rig, &accounts_outbox_retry, buf_slice(&b)), ERR_OK);
	buf_free(&b);
	assert_int_equal(stats(&rig).failed, 1);
	assert_true(is_held(&rig, "gone@example.org"));
	assert_sane(&rig);
	db_rig_fini(&rig);
}

static void addresses_that_never_answer_are_forgotten_in_the_end(void **state)
{
	struct db_rig rig;

	(void)state;
	db_rig_init(&rig);
	rig.txn.now_ms = INT64_C(100) * 24 * 3600 * 1000;
	put(&rig, "old@example.org");
	rig.txn.now_ms += INT64_C(61) * 24 * 3600 * 1000;
	put(&rig, "new@example.org");
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM mail_address"), 1);
	db_rig_fini(&rig);
}

static void cut_messages_are_refused(void **state)
{
	struct outbox_leased *l = calloc(1, sizeof(*l)), *back = calloc(1, sizeof(*back));
	struct buf b = buf_new(4096);

	(void)state;
	l->n = 2;
	l->mails[0].recipient = SLICE("a");
	l->mails[1].text = SLICE("b");
	outbox_put_leased(&b, l);
	for (size_t len = 0; len < b.len; len++) {
		assert_false(outbox_take_leased(SLICE_OF(b.data, len), back));
	}
	assert_true(outbox_take_leased(buf_slice(&b), back));
	assert_true(slice_eq(back->mails[1].text, SLICE("b")));
	buf_free(&b);
	free(l);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_comes_out_as_it_was_put),
		cmocka_unit_test(a_commit_wakes_the_courier_once),
		cmocka_unit_test(a_leased_mail_is_nobody_elses_until_the_lease_runs_out),
		cmocka_unit_test(leases_are_of_the_asked_size_and_oldest_first),
		cmocka_unit_test(a_sent_mail_keeps_no_secret),
		cmocka_unit_test(development_keeps_the_newest),
		cmocka_unit_test(a_failed_try_comes_back_later_and_later),
		cmocka_unit_test(after_all_tries_it_is_failed),
		cmocka_unit_test(a_final_refusal_ends_it_at_once),
		cmocka_unit_test(a_full_outbox_refuses),
		cmocka_unit_test(large_mails_fill_a_reply_and_the_rest_stays),
		cmocka_unit_test(an_address_has_one_token_until_it_is_answered),
		cmocka_unit_test(a_permanent_bounce_holds_mails_for_a_while),
		cmocka_unit_test(a_refusal_of_the_mail_itself_is_a_bounce),
		cmocka_unit_test(addresses_that_never_answer_are_forgotten_in_the_end),
		cmocka_unit_test(cut_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
