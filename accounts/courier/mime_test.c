/*
 * Mail composition: exact bytes of a plain mail, encodings, and that nothing from a row can become
 * a header of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "accounts/courier/mime.h"

static const struct mime_sender sender = {
	.from = { "Plimsoll <id@example.org>", 25 },
	.host = { "example.org", 11 },
};

static struct outbox_mail plain_mail(void)
{
	return (struct outbox_mail){
		.id = 7,
		.recipient = SLICE("a@example.com"),
		.subject = SLICE("site.example: Complete sign-in"),
		.link = SLICE("https://example.org/verify_email_address?token=x"),
		.site = SLICE("https://site.example"),
		.text = SLICE("Hello,\n.dot = equals \nend"),
		.created_ms = 784111777000,
	};
}

static const char *composed(const struct outbox_mail *mail)
{
	static char text[65536];
	struct buf b = buf_new(sizeof(text) - 1);
	struct slice all = SLICE_EMPTY;

	mime_compose(&b, &sender, mail);
	assert_int_equal(buf_finish(&b, &all), ERR_OK);
	assert_int_equal(slice_to_cstr(all, text, sizeof(text)), ERR_OK);
	buf_free(&b);
	return text;
}

static void a_plain_mail_has_exactly_these_bytes(void **state)
{
	struct outbox_mail mail = plain_mail();

	(void)state;
	assert_string_equal(composed(&mail),
	    "Date: Sun, 06 Nov 1994 08:49:37 +0000\r\n"
	    "From: Plimsoll <id@example.org>\r\n"
	    "To: a@example.com\r\n"
	    "Subject: site.example: Complete sign-in\r\n"
	    "Message-ID: <plimsoll-7-784111777000@example.org>\r\n"
	    "X-BrowserID-VerificationURL: https://example.org/verify_email_address?token=x\r\n"
	    "X-BrowserID-RelyingParty: https://site.example\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n"
	    "\r\n"
	    "Hello,\r\n"
	    "=2Edot =3D equals=20\r\n"
	    "end\r\n");
}

static void html_stands_behind_the_text(void **state)
{
	struct outbox_mail mail = plain_mail();

	(void)state;
	mail.html = SLICE("<p>Hello</p>");
	const char *text = composed(&mail);
	const char *type = strstr(text, "multipart/alternative; boundary=\"plimsoll-7-");
	const char *first = strstr(text, "--plimsoll-7-784111777000\r\nContent-Type: text/plain");
	const char *second = strstr(text, "--plimsoll-7-784111777000\r\nContent-Type: text/html");
	const char *end = strstr(text, "--plimsoll-7-784111777000--\r\n");
	assert_true(type != NULL && type < first && first < second && second < end);
}

static void long_and_foreign_text_is_encoded_in_short_lines(void **state)
{
	struct outbox_mail mail = plain_mail();
	char body[2000];

	(void)state;
	memset(body, 'x', sizeof(body));
	memcpy(body + 500, "\xc3\xbc", 2);
	mail.text = SLICE_OF(body, sizeof(body));
	mail.subject = SLICE("Gr\xc3\xbc\xc3\x9f"
			     "e an alle, die hier einen sehr langen Betreff lesen");
	const char *text = composed(&mail);
	assert_non_null(strstr(text, "=C3=BC"));
	assert_non_null(strstr(text, "Subject: =?UTF-8?B?"));
	for (const char *line = text; *line != '\0';) {
		const char *end = strstr(line, "\r\n");
		assert_non_null(end);
		assert_true(end - line <= 78);
		line = end + 2;
	}
}

static void no_header_can_be_injected(void **state)
{
	struct outbox_mail mail = plain_mail();

	(void)state;
	mail.subject = SLICE("x\r\nBcc: everybody@example.com");
	mail.site = SLICE("https://a\nX-Evil: 1");
	const char *text = composed(&mail);
	assert_null(strstr(text, "\nBcc:"));
	assert_null(strstr(text, "\nX-Evil:"));
}

static void the_bare_address_is_found(void **state)
{
	(void)state;
	assert_true(slice_eq(mime_address(SLICE("N <a@b>")), SLICE("a@b")));
	assert_true(slice_eq(mime_address(SLICE(" a@b ")), SLICE("a@b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_mail_has_exactly_these_bytes),
		cmocka_unit_test(html_stands_behind_the_text),
		cmocka_unit_test(long_and_foreign_text_is_encoded_in_short_lines),
		cmocka_unit_test(no_header_can_be_injected),
		cmocka_unit_test(the_bare_address_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
