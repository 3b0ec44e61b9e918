/*
 * Handshakes with keys that are somewhere else: every kind of key in both versions, choice by name,
 * tickets across processes and rotations, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/err.h>

#include "core/tls/tls_rig.h"

static const struct rig_certificate p256 = { "P-256", "a.example", -60, 3600 };

static void every_kind_of_key_signs_in_both_versions(void **state)
{
	static const struct {
		const char *kind, *sigalgs;
		int version;
	} cases[] = {
		{ "P-256", NULL, TLS1_2_VERSION },
		{ "P-256", NULL, TLS1_3_VERSION },
		{ "P-384", NULL, TLS1_2_VERSION },
		{ "P-384", NULL, TLS1_3_VERSION },
		{ "ED25519", NULL, TLS1_2_VERSION },
		{ "ED25519", NULL, TLS1_3_VERSION },
		{ "RSA", "RSA-PSS+SHA256", TLS1_3_VERSION },
		{ "RSA", "RSA-PSS+SHA384", TLS1_3_VERSION },
		{ "RSA", "RSA-PSS+SHA512", TLS1_2_VERSION },
		{ "RSA", "RSA+SHA256", TLS1_2_VERSION },
		{ "RSA", "RSA+SHA384", TLS1_2_VERSION },
		{ "RSA", "RSA+SHA512", TLS1_2_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r;
		const struct rig_certificate what = { cases[i].kind, "a.example", -60, 3600 };
		struct rig_client c = { .version = cases[i].version, .sigalgs = cases[i].sigalgs };
		rig_open(&r, &what, 1, false, false);
		rig_talk(&r, &c);
		assert_true(c.done);
		assert_int_equal(r.signatures, 1);
		SSL_SESSION_free(c.new_session);
		rig_close(&r);
	}
}

static void a_signer_that_refuses_fails_the_handshake_and_only_that_one(void **state)
{
	struct rig r;
	struct rig_client c = { 0 };

	(void)state;
	rig_open(&r, &p256, 1, false, false);
	r.refuse = ERR_PEER_GONE;
	rig_talk(&r, &c);
	assert_false(c.done);
	r.refuse = ERR_OK;
	rig_talk(&r, &c);
	assert_true(c.done);
	SSL_SESSION_free(c.new_session);
	rig_close(&r);
}

static void the_server_name_chooses_and_the_first_is_for_all_others(void **state)
{
	static const struct rig_certificate three[] = { { "P-256", "a.example", -60, 3600 },
		{ "RSA", "*.b.example", -60, 3600 }, { "ED25519", "c.example", -60, 3600 } };
	static const char *const cases[][2] = { { NULL, "a.example" }, { "a.example", "a.example" },
		{ "x.b.example", "*.b.example" }, { "c.example", "c.example" },
		{ "d.example", "a.example" } };
	struct rig r;

	(void)state;
	rig_open(&r, three, 3, false, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_client c = { .host = cases[i][0] };
		rig_talk(&r, &c);
		assert_true(c.done);
		assert_string_equal(c.subject, cases[i][1]);
		SSL_SESSION_free(c.new_session);
	}
	rig_close(&r);
}

static void two_keys_for_one_name_are_offered_together(void **state)
{
	static const struct rig_certificate two[] = { { "P-256", "a.example", -60, 3600 },
		{ "RSA", "a.example", -60, 3600 } };
	struct rig r;
	struct rig_client ec = { .version = TLS1_2_VERSION,
		.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" };
	struct rig_client rsa = { .version = TLS1_2_VERSION,
		.ciphers = "ECDHE-RSA-AES128-GCM-SHA256" };

	(void)state;
	rig_open(&r, two, 2, false, false);
	rig_talk(&r, &ec);
	rig_talk(&r, &rsa);
	assert_true(ec.done && rsa.done);
	SSL_SESSION_free(ec.new_session);
	SSL_SESSION_free(rsa.new_session);
	rig_close(&r);
}

static void protocols_are_negotiated(void **state)
{
	const struct slice both = SLICE("\x02h2\x08http/1.1"), old = SLICE("\x08http/1.1"),
			   none_of_ours = SLICE("\x04spdy");

	(void)state;
	for (int h2 = 0; h2 < 2; h2++) {
		struct rig r;
		struct rig_client c[] = { { .alpn = both }, { .alpn = old },
			{ .alpn = none_of_ours }, { .alpn = SLICE_EMPTY } };
		rig_open(&r, &p256, 1, false, h2 == 1);
		for (int i = 0; i < 4; i++) {
			rig_talk(&r, &c[i]);
			assert_int_equal(c[i].done, i != 2);
			SSL_SESSION_free(c[i].new_session);
		}
		assert_string_equal(c[0].alpn_chosen, h2 == 1 ? "h2" : "http/1.1");
		assert_string_equal(c[1].alpn_chosen, "http/1.1");
		assert_string_equal(c[3].alpn_chosen, "");
		rig_close(&r);
	}
}

static void old_versions_are_refused(void **state)
{
	struct rig r;
	struct rig_client old = { .version = TLS1_1_VERSION, .ciphers = "ALL:@SECLEVEL=0" };
	struct rig_client v12 = { .version = TLS1_2_VERSION };

	(void)state;
	rig_open(&r, &p256, 1, false, false);
	rig_talk(&r, &old);
	assert_false(old.done);
	rig_close(&r);
	rig_open(&r, &p256, 1, true, false);
	rig_talk(&r, &v12);
	assert_false(v12.done);
	rig_close(&r);
}

/* Seals with one process' keys, opens with another's. */
static bool resumes(struct rig *from, struct rig *to, int version)
{
	struct rig_client first = { .version = version, .host = "a.example" };

	rig_talk(from, &first);
	assert_true(first.done && !first.resumed);
	struct rig_client second = {
		.version = version, .host = "a.example", .session = first.new_session
	};
	unsigned signatures = to->signatures;
	rig_talk(to, &second);
	assert_true(second.done);
	assert_int_equal(to->signatures, signatures + (second.resumed ? 0 : 1));
	SSL_SESSION_free(first.new_session);
	SSL_SESSION_free(second.new_session);
	return second.resumed;
}

static void tickets_work_in_another_process_and_need_no_signature(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct rig a, b;

	(void)state;
	rig_open(&a, &p256, 1, false, false);
	rig_open(&b, &p256, 1, false, false);
	for (int i = 0; i < 2; i++) {
		assert_false(resumes(&a, &b, versions[i]));
	}
	b.tickets = a.tickets;
	for (int i = 0; i < 2; i++) {
		assert_true(resumes(&a, &b, versions[i]));
	}
	rig_close(&a);
	rig_close(&b);
}

static void a_ticket_survives_one_rotation_and_not_two(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct rig old, now;

	(void)state;
	rig_open(&old, &p256, 1, false, false);
	rig_open(&now, &p256, 1, false, false);
	for (int i = 0; i < 2; i++) {
		now.tickets = old.tickets;
		tls_tickets_rotate(&now.tickets, 1, 1000);
		assert_true(resumes(&old, &now, versions[i]));
		tls_tickets_rotate(&now.tickets, 1, 2000);
		assert_false(resumes(&old, &now, versions[i]));
	}
	rig_close(&old);
	rig_close(&now);
}

static void a_context_outlives_its_replacement_while_it_is_used(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &p256, 1, false, false);
	struct tls_context *used = tls_context_ref(r.context);
	SSL *ssl = tls_context_accept(used);
	tls_context_unref(&r.context);
	assert_non_null(ssl);
	SSL_free(ssl);
	r.context = used;
	rig_close(&r);
}

static void damaged_chains_are_refused(void **state)
{
	struct rig r;
	struct buf chains = buf_new(TLS_CHAINS_MAX_BYTES);
	struct tls_context *c = NULL;
	struct err_note note = { 0 };

	(void)state;
	rig_open(&r, &p256, 1, false, false);
	tls_keyset_write_chains(&r.set, &chains);
	const struct tls_options o = {
		.library = r.library.ctx, .signer = &r.signer, .tickets = &r.tickets
	};
	for (size_t len = 0; len < chains.len; len += 7) {
		assert_int_not_equal(
		    tls_context_new(&o, SLICE_OF(chains.data, len), &c, &note), ERR_OK);
	}
	buf_free(&chains);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_key_signs_in_both_versions),
		cmocka_unit_test(a_signer_that_refuses_fails_the_handshake_and_only_that_one),
		cmocka_unit_test(the_server_name_chooses_and_the_first_is_for_all_others),
		cmocka_unit_test(two_keys_for_one_name_are_offered_together),
		cmocka_unit_test(protocols_are_negotiated),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(tickets_work_in_another_process_and_need_no_signature),
		cmocka_unit_test(a_ticket_survives_one_rotation_and_not_two),
		cmocka_unit_test(a_context_outlives_its_replacement_while_it_is_used),
		cmocka_unit_test(damaged_chains_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
