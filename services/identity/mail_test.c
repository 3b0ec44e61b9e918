/*
 * Mails as people get them: subject, landing page and words of each kind, and that nothing from a
 * request becomes HTML or a style of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/identity/mail.h"

#define TOKEN "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new(1024 * 1024);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static struct mail_request request(enum mail_kind kind)
{
	return (struct mail_request){
		.kind = kind,
		.recipient = SLICE("a@example.org"),
		.token = SLICE(TOKEN),
		.public_origin = SLICE("https://id.example"),
		.site = SLICE("https://shop.example:8443"),
		.lifetime_ms = 24 * 3600 * 1000,
	};
}

static struct outbox_mail composed(const struct mail_request *r)
{
	struct outbox_mail mail;

	assert_int_equal(mail_compose(&arena, r, &mail), ERR_OK);
	return mail;
}

/* Slices of composed mails have a NUL behind. */
static bool has(struct slice text, const char *part)
{
	return strstr(text.ptr, part) != NULL;
}

static void each_kind_has_its_page_and_words(void **state)
{
	static const struct {
		enum mail_kind kind;
		const char *name, *link, *subject, *word;
	} rows[] = {
		{ MAIL_NEW, "new", "/verify_email_address?token=" TOKEN,
		    "shop.example: Complete sign-in", "wants to sign in to shop.example" },
		{ MAIL_CONFIRM, "confirm", "/confirm?token=" TOKEN,
		    "shop.example: Complete sign-in", "wants to sign in to shop.example" },
		{ MAIL_RESET, "reset", "/reset_password?token=" TOKEN,
		    "shop.example: Complete password reset", "signs in to shop.example" },
		{ MAIL_INVITE, "invite", "/verify_email_address?token=" TOKEN,
		    "shop.example: Invitation", "an account at shop.example" },
		{ MAIL_TRANSITION, "transition", "/complete_transition?token=" TOKEN,
		    "shop.example: Complete sign-in", "has trouble doing so" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mail_request r = request(rows[i].kind);
		const struct outbox_mail mail = composed(&r);
		char link[200];
		snprintf(link, sizeof(link), "https://id.example%s", rows[i].link);
		assert_string_equal(mail.kind.ptr, rows[i].name);
		assert_string_equal(mail.subject.ptr, rows[i].subject);
		assert_string_equal(mail.link.ptr, link);
		assert_true(has(mail.text, rows[i].word) && has(mail.html, rows[i].word));
		assert_true(has(mail.text, link) && has(mail.html, link));
		assert_true(has(mail.text, "nothing will happen without the link"));
		assert_true(has(mail.text, "once, for 24 hours."));
		assert_false(has(mail.text, "{") || has(mail.subject, "{"));
		assert_null(strstr(strstr(mail.html.ptr, "<body"), "{"));
	}
}

/* In every language: all words are there and their places filled. */
static void each_language_has_all_words(void **state)
{
	(void)state;
	for (enum language l = LANGUAGE_EN; l < LANGUAGES; l++) {
		for (enum mail_kind kind = MAIL_NEW; kind < MAIL_KINDS; kind++) {
			struct mail_request r = request(kind);
			char lang[20];
			r.language = l;
			const struct outbox_mail mail = composed(&r);
			snprintf(lang, sizeof(lang), "<html lang=\"%s\">", language_tag(l));
			assert_true(has(mail.html, lang));
			assert_true(slice_starts(mail.subject, SLICE("shop.example: ")));
			assert_true(has(mail.text, "shop.example") && has(mail.text, "24 "));
			assert_false(has(mail.text, "{") || has(mail.subject, "{"));
			assert_false(has(mail.text, "(null)") || has(mail.html, "(null)"));
		}
	}
}

static void the_words_are_in_the_language_asked_for(void **state)
{
	struct mail_request r = request(MAIL_RESET);

	(void)state;
	r.language = LANGUAGE_DE;
	const struct outbox_mail mail = composed(&r);
	assert_string_equal(mail.subject.ptr, "shop.example: Neues Passwort wählen");
	assert_true(has(mail.text, "Der Link gilt 24 Stunden und nur einmal."));
	assert_true(has(mail.html, "Ohne den Link geschieht nichts."));
}

static void a_test_mail_has_no_token(void **state)
{
	struct mail_request r = request(MAIL_TEST);

	(void)state;
	r.token = SLICE_EMPTY;
	const struct outbox_mail mail = composed(&r);
	assert_string_equal(mail.link.ptr, "https://id.example/");
	assert_false(has(mail.text, "link works"));
	assert_true(has(mail.text, "Open shop.example:"));
}

static void times_are_told_in_their_largest_unit(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 60000, "for 1 minute." },
		{ 90 * 60000, "for 90 minutes." },
		{ 3600000, "for 1 hour." },
		{ 24 * 3600000, "for 24 hours." },
		{ 7 * 24 * 3600000, "for 7 days." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mail_request r = request(MAIL_NEW);
		r.lifetime_ms = rows[i].ms;
		assert_true(has(composed(&r).text, rows[i].text));
	}
}

static void branding_is_the_sites_or_ours(void **state)
{
	struct mail_request r = request(MAIL_NEW);
	struct slice html = composed(&r).html;

	(void)state;
	assert_true(has(html, "background:#45505b;color:#ffffff"));
	assert_false(has(html, "<img"));
	r.color = SLICE("#fe0");
	r.logo = SLICE("https://shop.example/logo.png");
	html = composed(&r).html;
	assert_true(has(html, "background:#ffee00;color:#000000"));
	assert_true(has(html, "<img src=\"https://shop.example/logo.png\" alt=\"shop.example\""));
	r.color = SLICE("000080");
	r.logo = SLICE("http://shop.example/logo.png");
	html = composed(&r).html;
	assert_true(has(html, "background:#000080;color:#ffffff"));
	assert_false(has(html, "<img"));
}

static void nothing_from_a_request_becomes_html(void **state)
{
	struct mail_request r = request(MAIL_NEW);

	(void)state;
	r.site = SLICE("https://<b>\"{n}");
	r.color = SLICE("red;}</style><script>");
	r.logo = SLICE("https://x/\"onerror=alert(1)<");
	const struct outbox_mail mail = composed(&r);
	assert_true(has(mail.html, "background:#45505b"));
	assert_true(has(mail.html, "https://x/&quot;onerror=alert(1)&lt;"));
	assert_false(has(mail.html, "<b>") || has(mail.html, "<script"));
	assert_true(has(mail.html, "&lt;b&gt;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_page_and_words),
		cmocka_unit_test(each_language_has_all_words),
		cmocka_unit_test(the_words_are_in_the_language_asked_for),
		cmocka_unit_test(a_test_mail_has_no_token),
		cmocka_unit_test(times_are_told_in_their_largest_unit),
		cmocka_unit_test(branding_is_the_sites_or_ours),
		cmocka_unit_test(nothing_from_a_request_becomes_html),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
