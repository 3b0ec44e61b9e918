/*
 * Keys of tickets: when they change, how they travel, what a restarted signer means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "core/tls/ticket.h"

static bool same(const struct tls_ticket_key *a, const struct tls_ticket_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void a_key_is_made_once_per_period_and_the_one_before_stays(void **state)
{
	struct tls_tickets t = { 0 };

	(void)state;
	tls_tickets_rotate(&t, 1000, 5000);
	assert_int_equal(t.n, 1);
	const struct tls_ticket_key first = t.key[0];
	tls_tickets_rotate(&t, 1000, 5999);
	assert_true(t.n == 1 && same(&t.key[0], &first));
	tls_tickets_rotate(&t, 1000, 6000);
	assert_true(t.n == 2 && same(&t.key[1], &first) && !same(&t.key[0], &first));
	tls_tickets_rotate(&t, 1000, 7000);
	assert_false(same(&t.key[0], &first) || same(&t.key[1], &first));
}

static void web_follows_the_signer(void **state)
{
	struct tls_tickets signer = { 0 }, web = { 0 };

	(void)state;
	tls_tickets_rotate(&signer, 1, 10);
	tls_tickets_take(&web, &signer);
	assert_true(web.n == 1 && same(&web.key[0], &signer.key[0]));
	tls_tickets_take(&web, &signer); /* nothing new */
	assert_int_equal(web.n, 1);
	tls_tickets_rotate(&signer, 1, 20);
	tls_tickets_take(&web, &signer);
	assert_true(
	    web.n == 2 && same(&web.key[0], &signer.key[0]) && same(&web.key[1], &signer.key[1]));
}

static void a_restarted_signer_ends_nobodys_session(void **state)
{
	struct tls_tickets before = { 0 }, after = { 0 }, web = { 0 };

	(void)state;
	tls_tickets_rotate(&before, 1, 10);
	tls_tickets_rotate(&before, 1, 20);
	tls_tickets_take(&web, &before);
	tls_tickets_rotate(&after, 1, 30);
	tls_tickets_take(&web, &after);
	assert_true(same(&web.key[0], &after.key[0]) && same(&web.key[1], &before.key[0]));
	tls_tickets_take(&web, &after);
	assert_true(same(&web.key[0], &after.key[0]) && same(&web.key[1], &before.key[0]));
}

static void keys_survive_the_wire_and_damage_is_seen(void **state)
{
	struct tls_tickets t = { 0 }, back = { 0 };
	struct buf wire = buf_new(1024);

	(void)state;
	tls_tickets_rotate(&t, 1, 10);
	tls_tickets_rotate(&t, 1, 20);
	tls_tickets_put_wire(&t, &wire);
	assert_true(tls_tickets_take_wire(buf_slice(&wire), &back));
	assert_true(back.n == 2 && same(&back.key[0], &t.key[0]) && same(&back.key[1], &t.key[1]));
	for (size_t len = 0; len < wire.len; len++) {
		assert_false(tls_tickets_take_wire(SLICE_OF(wire.data, len), &back));
	}
	buf_free(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_once_per_period_and_the_one_before_stays),
		cmocka_unit_test(web_follows_the_signer),
		cmocka_unit_test(a_restarted_signer_ends_nobodys_session),
		cmocka_unit_test(keys_survive_the_wire_and_damage_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
