/*
 * The signer's half: what it takes from files, what it signs, what it says when something is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/tls/tls_rig.h"

enum {
	HOUR_S = 3600
};

static const struct rig_certificate p256 = { "P-256", "a.example", -60, HOUR_S };
static const struct rig_certificate rsa = { "RSA", "b.example", -60, HOUR_S };

static int64_t now_s(void)
{
	return clock_wall_ms() / 1000;
}

static enum err read_one(const struct tls_pair_files *f, bool dated, struct err_note *note)
{
	struct tls_keyset set;
	enum err e = tls_keyset_read(f, 1, dated, now_s(), &set, note);

	if (e == ERR_OK) {
		tls_keyset_fini(&set);
	}
	return e;
}

static void refused(const struct tls_pair_files *f, const char *words)
{
	struct err_note note = { 0 };

	assert_int_equal(read_one(f, true, &note), ERR_CONFIG);
	if (strstr(note.text, words) == NULL) {
		fail_msg("\"%s\" does not say \"%s\"", note.text, words);
	}
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	struct rig_files a = rig_make(&p256), b = rig_make(&rsa);
	struct tls_pair_files mixed = a.files;

	(void)state;
	mixed.key_fd = b.files.key_fd;
	refused(&mixed, "the key key.pem does not belong to the first certificate of cert.pem");
	rig_files_close(&a);
	rig_files_close(&b);
}

static void files_that_hold_something_else_are_refused(void **state)
{
	struct rig_files a = rig_make(&p256);
	struct tls_pair_files f = a.files;
	static char large[TLS_FILE_MAX + 8192];

	(void)state;
	memset(large, 'x', sizeof(large));
	f.certificate_fd = rig_file("", 0, 0644);
	refused(&f, "cert.pem holds no certificate");
	close(f.certificate_fd);
	f.certificate_fd = rig_file(large, sizeof(large), 0644);
	refused(&f, "cert.pem is larger than");
	close(f.certificate_fd);
	f = a.files;
	f.key_fd = rig_file("words", 5, 0600);
	refused(&f, "key.pem holds no private key");
	close(f.key_fd);
	rig_files_close(&a);
}

static void a_damaged_chain_is_refused(void **state)
{
	struct rig_files a = rig_make(&p256);
	char text[8192];
	ssize_t n = pread(a.files.certificate_fd, text, sizeof(text) / 2, 0);
	struct tls_pair_files f = a.files;

	(void)state;
	assert_true(n > 100);
	memcpy(text + n, text, (size_t)n - 60); /* a second one without its end */
	f.certificate_fd = rig_file(text, (size_t)n * 2 - 60, 0644);
	refused(&f, "cert.pem is damaged");
	close(f.certificate_fd);
	rig_files_close(&a);
}

static void a_key_that_others_may_read_is_refused(void **state)
{
	struct rig_files a = rig_make(&p256);
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(fchmod(a.files.key_fd, 0604), 0);
	refused(&a.files, "key.pem may be read by others (mode 604)");
	assert_int_equal(fchmod(a.files.key_fd, 0640), 0); /* a group for keys is usual */
	assert_int_equal(read_one(&a.files, true, &note), ERR_OK);
	rig_files_close(&a);
}

static void dates_count_when_they_are_asked_for(void **state)
{
	struct rig_files old = rig_make(&(struct rig_certificate){ "P-256", "a", -HOUR_S, -60 });
	struct rig_files young = rig_make(&(struct rig_certificate){ "P-256", "a", 600, HOUR_S });
	struct err_note note = { 0 };

	(void)state;
	refused(&old.files, "cert.pem expired on ");
	refused(&young.files, "cert.pem is not valid before ");
	assert_int_equal(read_one(&old.files, false, &note), ERR_OK);
	assert_int_equal(read_one(&young.files, false, &note), ERR_OK);
	rig_files_close(&old);
	rig_files_close(&young);
}

static void curves_that_we_do_not_sign_with_are_refused(void **state)
{
	struct rig_files a = rig_make(&(struct rig_certificate){ "P-521", "a", -60, HOUR_S });

	(void)state;
	refused(&a.files, "secp521r1");
	rig_files_close(&a);
}

static void only_texts_of_tls_are_signed(void **state)
{
	struct rig r;
	struct buf out = buf_new(4096);
	struct err_note note = { 0 };
	char text[130];

	(void)state;
	rig_open(&r, &p256, 1, false, false);
	const struct tls_id id = r.set.pair[0].id;
	memset(text, ' ', 64);
	memcpy(text + 64, "TLS 1.3, server CertificateVerify", 34);
	memset(text + 98, 1, 32);
	const struct slice good = SLICE_OF(text, 130);
	assert_int_equal(tls_keyset_sign(&r.set, &id, 0x0403, good, &out, &note), ERR_OK);
	assert_true(out.len > 60 && out.len < 80);
	size_t len = out.len;
	assert_int_equal(
	    tls_keyset_sign(&r.set, &id, 0x0403, SLICE("a token"), &out, &note), ERR_DENIED);
	assert_int_equal(tls_keyset_sign(&r.set, &id, 0x0804, good, &out, &note), ERR_DENIED);
	assert_int_equal(tls_keyset_sign(&r.set, &id, 0x0203, good, &out, &note), ERR_DENIED);
	const struct tls_id other = { { 1 } };
	assert_int_equal(tls_keyset_sign(&r.set, &other, 0x0403, good, &out, &note), ERR_NOT_FOUND);
	assert_int_equal(out.len, len);
	buf_free(&out);
	rig_close(&r);
}

static void requests_survive_the_wire_and_damage_is_seen(void **state)
{
	const struct tls_sign_request q = {
		.id = { { 1, 2, 3 } }, .scheme = 0x0804, .message = SLICE("text")
	};
	struct tls_sign_request back;
	struct buf wire = buf_new(4096);

	(void)state;
	tls_put_sign_request(&wire, &q);
	assert_true(tls_take_sign_request(buf_slice(&wire), &back));
	assert_memory_equal(&back.id, &q.id, sizeof(q.id));
	assert_int_equal(back.scheme, q.scheme);
	assert_true(slice_eq(back.message, q.message));
	for (size_t len = 0; len < wire.len; len++) {
		assert_false(tls_take_sign_request(SLICE_OF(wire.data, len), &back));
	}
	buf_free(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
		cmocka_unit_test(files_that_hold_something_else_are_refused),
		cmocka_unit_test(a_damaged_chain_is_refused),
		cmocka_unit_test(a_key_that_others_may_read_is_refused),
		cmocka_unit_test(dates_count_when_they_are_asked_for),
		cmocka_unit_test(curves_that_we_do_not_sign_with_are_refused),
		cmocka_unit_test(only_texts_of_tls_are_signed),
		cmocka_unit_test(requests_survive_the_wire_and_damage_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
