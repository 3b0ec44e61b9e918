/*
 * Subscriptions and the posts that wait for them, straight on a database; and what the signer says
 * of us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/accounts.h"
#include "accounts/accounts_priv.h"
#include "accounts/db_rig.h"
#include "accounts/push.h"
#include "core/base/enc.h"
#include "core/base/json.h"

static struct db_rig rig;

static const struct slice ada = { "pairs:1", 7 };
static const struct slice bob = { "pairs:2", 7 };

static int start(void **state)
{
	(void)state;
	db_rig_init(&rig);
	return 0;
}

static int stop(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(accounts_service.audit(rig.db, &note), ERR_OK);
	db_rig_fini(&rig);
	return 0;
}

/* ---- helpers ---- */

static int64_t subscribe(struct slice owner, const char *session, const char *endpoint, int64_t id)
{
	const struct push_subscription s = { .id = id,
		.session = slice_str(session),
		.endpoint = slice_str(endpoint),
		.p256dh = SLICE("P"),
		.auth = SLICE("A"),
		.text = true };
	int64_t got = 0;

	rig.txn.now_ms++;
	assert_int_equal(push_subscribe(&rig.txn, owner, &s, &got, &rig.note), ERR_OK);
	return got;
}

static unsigned list(struct slice owner, struct push_subscription *ret)
{
	unsigned n = 0;

	assert_int_equal(push_list(rig.db, &rig.arena, owner, ret, &n, &rig.note), ERR_OK);
	return n;
}

static void put(struct slice owner, int64_t seq, const char *body)
{
	struct push_subscription all[PUSH_SUBSCRIPTIONS_MAX];
	unsigned n = list(owner, all);
	const struct push p = { .seq = seq, .body = slice_str(body), .ttl_s = 60 };

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(push_put(&rig.txn, owner, &all[i], &p, &rig.note), ERR_OK);
	}
}

static struct posts_leased lease(uint32_t most)
{
	struct posts_leased l;
	struct buf b = buf_new(64);
	struct slice reply;

	post_put_lease_req(&b, 1000, most);
	assert_int_equal(db_rig_call(&rig, &accounts_post_lease, buf_slice(&b)), ERR_OK);
	buf_free(&b);
	assert_int_equal(arena_copy(&rig.arena, buf_slice(&rig.reply), &reply), ERR_OK);
	assert_true(posts_take_leased(reply, &l));
	return l;
}

static void done(const struct post *p, enum post_outcome outcome, int64_t pause_ms)
{
	struct buf b = buf_new(512);

	post_put_done(&b, p, &(struct post_result){ outcome, pause_ms });
	assert_int_equal(db_rig_call(&rig, &accounts_post_done, buf_slice(&b)), ERR_OK);
	buf_free(&b);
}

/* ---- subscriptions ---- */

static void a_session_has_one_and_a_browser_is_of_one(void **state)
{
	struct push_subscription all[PUSH_SUBSCRIPTIONS_MAX];

	(void)state;
	assert_int_equal(subscribe(ada, "s1", "https://p.example/1", 11), 11);
	assert_int_equal(subscribe(ada, "s2", "https://p.example/2", 12), 12);
	/* The same session again: another endpoint, the same number. */
	assert_int_equal(subscribe(ada, "s1", "https://p.example/3", 13), 11);
	assert_int_equal(list(ada, all), 2);
	assert_true(slice_eq(all[0].endpoint, SLICE("https://p.example/3")));
	assert_true(slice_eq(all[0].session, SLICE("s1")));
	assert_true(all[0].text);
	/* Bob signs in on the browser that had Ada's: what waits for her there is not for him. */
	put(ada, 5, "{\"a\":1}");
	assert_int_equal(subscribe(bob, "s3", "https://p.example/2", 21), 21);
	assert_int_equal(list(ada, all), 1);
	assert_int_equal(list(bob, all), 1);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM post"), 1);
	assert_int_equal(push_unsubscribe(&rig.txn, bob, 11, &rig.note), ERR_NOT_FOUND);
	assert_int_equal(push_unsubscribe(&rig.txn, ada, 11, &rig.note), ERR_OK);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM post"), 0);
}

static void an_older_one_gives_way(void **state)
{
	struct push_subscription all[PUSH_SUBSCRIPTIONS_MAX];
	char session[16], endpoint[64];

	(void)state;
	for (int i = 0; i < PUSH_SUBSCRIPTIONS_MAX + 3; i++) {
		snprintf(session, sizeof(session), "s%d", i);
		snprintf(endpoint, sizeof(endpoint), "https://p.example/%d", i);
		subscribe(ada, session, endpoint, 100 + i);
	}
	assert_int_equal(list(ada, all), PUSH_SUBSCRIPTIONS_MAX);
	assert_int_equal(all[0].id, 103);
}

/* ---- posts ---- */

static void one_waits_and_stands_for_all(void **state)
{
	struct push_target target;
	struct slice owner;
	int64_t id = 0;

	(void)state;
	rig.txn.n_after = 0;
	subscribe(ada, "s1", "https://p.example/1", 11);
	assert_int_equal(lease(1).wait_ms, POST_WAIT_MAX_MS);
	put(ada, 5, "{\"a\":1}");
	put(ada, 6, "{\"a\":2}");
	assert_int_equal(rig.txn.n_after, 1);
	assert_true(rig.txn.after_commit[0] == accounts_wake_courier);
	const struct posts_leased l = lease(1);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.posts[0].n, 2);
	assert_int_equal(l.posts[0].seq, 6);
	assert_true(push_key_take(l.posts[0].key, &owner, &id));
	assert_true(slice_eq(owner, ada));
	assert_int_equal(id, 11);
	assert_true(push_target_take(l.posts[0].target, &target));
	assert_true(slice_eq(target.endpoint, SLICE("https://p.example/1")));
	assert_true(slice_eq(target.p256dh, SLICE("P")));
	assert_true(slice_eq(target.auth, SLICE("A")));
	assert_true(slice_eq(target.urgency, SLICE("normal")));
	assert_true(slice_eq(target.ttl, SLICE("60")));
	assert_int_equal(lease(1).n, 0);
	assert_int_equal(lease(1).wait_ms, 1000); /* the lease runs out */
	done(&l.posts[0], POST_TAKEN, 0);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM post"), 0);
}

static void pauses_are_what_is_asked_for(void **state)
{
	(void)state;
	subscribe(ada, "s1", "https://p.example/1", 11);
	put(ada, 5, "{}");
	struct posts_leased l = lease(16);
	done(&l.posts[0], POST_RETRY, 120000); /* Retry-After */
	assert_int_equal(
	    db_rig_number(&rig, "SELECT next_try_ms FROM post"), rig.txn.now_ms + 120000);
	rig.txn.now_ms += 120000;
	l = lease(16);
	assert_int_equal(l.n, 1);
	done(&l.posts[0], POST_RETRY, INT64_MAX / 4); /* not for ever */
	assert_int_equal(db_rig_number(&rig, "SELECT next_try_ms FROM post"),
	    rig.txn.now_ms + POST_PAUSE_MAX_MS);
	rig.txn.now_ms += POST_PAUSE_MAX_MS;
	l = lease(16);
	assert_int_equal(db_rig_number(&rig, "SELECT tries FROM post"), 3);
	done(&l.posts[0], POST_PUT_OFF, 500); /* no try */
	assert_int_equal(db_rig_number(&rig, "SELECT tries FROM post"), 2);
	assert_int_equal(db_rig_number(&rig, "SELECT next_try_ms FROM post"), rig.txn.now_ms + 500);
}

static void a_browser_that_is_gone_is_forgotten(void **state)
{
	struct push_subscription all[PUSH_SUBSCRIPTIONS_MAX];

	(void)state;
	subscribe(ada, "s1", "https://p.example/1", 11);
	subscribe(ada, "s2", "https://p.example/2", 12);
	put(ada, 5, "{}");
	const struct posts_leased l = lease(16);
	assert_int_equal(l.n, 2);
	put(ada, 6, "{}"); /* meanwhile */
	for (unsigned i = 0; i < 2; i++) {
		if (slice_eq(l.posts[i].key, SLICE("push:pairs:1:11"))) {
			done(&l.posts[i], POST_GONE, 0);
		}
	}
	assert_int_equal(list(ada, all), 1);
	assert_int_equal(all[0].id, 12);
	assert_int_equal(db_rig_number(&rig, "SELECT COUNT(*) FROM post"), 1);
}

static void what_is_no_push(void **state)
{
	static const char *const keys[] = { "", "push:", "push::1", "pairs:1", "push:pairs",
		"push:pairs:", "push:pairs:1:x", "push:pairs:1:99999999999999999999" };
	static const char *const targets[] = { "", "a b c d", "a b c d e f", "a  c d e",
		"a b c d " };
	struct push_target t;
	struct slice owner;
	int64_t id = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_false(push_key_take(slice_str(keys[i]), &owner, &id));
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_false(push_target_take(slice_str(targets[i]), &t));
	}
}

/* ---- who we are ---- */

static struct slice part(struct slice *rest, char separator)
{
	struct slice piece = SLICE_EMPTY;

	assert_true(slice_split(rest, separator, &piece));
	return piece;
}

static void the_signer_says_who_we_are(void **state)
{
	struct vapid v = { .is_known = true, .contact = "mailto:ops@example.org" };
	struct buf out = buf_new(VAPID_VALUE_MAX);
	char claims[512];
	uint8_t signature[P256_SIGNATURE_BYTES], point[P256_POINT_BYTES];
	size_t len = 0;
	const struct json *json = NULL;
	struct slice text = SLICE_EMPTY;
	int64_t until_s = 0;

	(void)state;
	assert_int_equal(p256_generate(&v.pair), ERR_OK);
	assert_int_equal(vapid_put(&v, SLICE("https://p.example"), 1000000, &out), ERR_OK);
	struct slice rest = buf_slice(&out);
	assert_true(slice_starts(rest, SLICE("vapid t=")));
	rest = slice_sub(rest, 8, rest.len);
	struct slice token = part(&rest, ',');
	assert_true(slice_starts(rest, SLICE(" k=")));
	assert_int_equal(
	    dec_base64url(slice_sub(rest, 3, rest.len), point, sizeof(point), &len), ERR_OK);
	assert_memory_equal(point, v.pair.point, sizeof(point));
	struct slice left = token;
	assert_true(slice_eq(part(&left, '.'), SLICE("eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9")));
	assert_int_equal(dec_base64url(part(&left, '.'), claims, sizeof(claims), &len), ERR_OK);
	assert_int_equal(json_parse(&rig.arena, SLICE_OF(claims, len), &json, NULL), ERR_OK);
	assert_true(json_get_string(json_member(json, "aud"), &text));
	assert_true(slice_eq(text, SLICE("https://p.example")));
	assert_true(json_get_string(json_member(json, "sub"), &text));
	assert_true(slice_eq(text, SLICE("mailto:ops@example.org")));
	assert_true(json_get_i64(json_member(json, "exp"), &until_s));
	assert_int_equal(until_s, 1000000 + VAPID_LIFE_S);
	assert_int_equal(dec_base64url(left, signature, sizeof(signature), &len), ERR_OK);
	assert_int_equal(len, sizeof(signature));
	assert_true(p256_verify(point, slice_sub(token, 0, token.len - left.len - 1), signature));
	buf_free(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(a_session_has_one_and_a_browser_is_of_one),
		TEST(an_older_one_gives_way),
		TEST(one_waits_and_stands_for_all),
		TEST(pauses_are_what_is_asked_for),
		TEST(a_browser_that_is_gone_is_forgotten),
		TEST(what_is_no_push),
		TEST(the_signer_says_who_we_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
