/*
 * Reports of failure as mail servers write them, and what is not one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accounts/bounce.h"
#include "core/base/arena.h"
#include "core/base/json.h"

#define TOKEN "abcdefgh234567xy"
#define HEAD                                                                                       \
	"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.com\r\nSubject: Undelivered\r\n"        \
	"To: bounce+" TOKEN "@id.example\r\nMIME-Version: 1.0\r\n"
#define REPORT                                                                                     \
	"Content-Type: multipart/report; report-type=delivery-status;\r\n"                         \
	"\tboundary=\"A1.B/mx\"\r\n\r\n"
#define WORDS                                                                                      \
	"--A1.B/mx\r\nContent-Type: text/plain\r\n\r\nIt did not work.\r\nAction: failed\r\n\r\n"
#define STATUS_PART "--A1.B/mx\r\nContent-Type: message/delivery-status\r\n\r\n"
#define MTA	    "Reporting-MTA: dns; mx.example.com\r\n\r\n"
#define TAIL                                                                                       \
	"\r\n--A1.B/mx\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"                  \
	"Status: 2.0.0\r\n--A1.B/mx--\r\n"

static struct bounce b;
static struct err_note note;

static enum err parse(const char *message)
{
	b = (struct bounce){ .is_permanent = false };
	note = (struct err_note){ 0 };
	return bounce_parse(slice_str(message), SLICE_EMPTY, &b, &note);
}

static void a_report_of_postfix(void **state)
{
	(void)state;
	assert_int_equal(parse(HEAD REPORT WORDS STATUS_PART MTA
			     "Final-Recipient: rfc822; nobody@example.com\r\n"
			     "Original-Recipient: rfc822;nobody@example.com\r\n"
			     "Action: failed\r\nStatus: 5.1.1\r\n"
			     "Remote-MTA: dns; mx.example.com\r\n"
			     "Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.com>:\r\n"
			     "    Recipient \xc3\xa4"
			     "ddress rejected\r\n" TAIL),
	    ERR_OK);
	assert_string_equal(b.verp, TOKEN);
	assert_string_equal(b.status, "5.1.1");
	assert_string_equal(b.told, "550 5.1.1 <nobody@example.com>: Recipient ??ddress rejected");
	assert_true(b.is_permanent);
}

static void a_report_of_opensmtpd(void **state)
{
	static const char mixed[] = "To: bounce+" TOKEN "@id.example\n"
				    "Content-Type: multipart/mixed;boundary=\"1458/vm\"\n\n"
				    "This is a MIME-encapsulated message.\n\n--1458/vm\n"
				    "Content-Description: Notification\n"
				    "Content-Type: text/plain; charset=us-ascii\n\n"
				    "a@b.example: 550 5.1.1 no such mailbox\n\n--1458/vm\n";

	(void)state;
	char text[1000];
	snprintf(text, sizeof(text),
	    "%sContent-Type: message/delivery-status\n\nReporting-MTA: dns; vm\n\n"
	    "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\n\n--1458/vm--\n",
	    mixed);
	assert_int_equal(parse(text), ERR_OK);
	assert_string_equal(b.status, "5.0.0");
	assert_true(b.is_permanent);
	/* A mail like others, with one forwarded in it. */
	snprintf(text, sizeof(text),
	    "%sContent-Type: message/rfc822\n\nContent-Type: message/delivery-status\n\n"
	    "x\n\nAction: failed\nStatus: 5.0.0\n\n--1458/vm--\n",
	    mixed);
	assert_int_equal(parse(text), ERR_UNSUPPORTED);
}

static void line_ends_and_case_do_not_matter(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("to: <BOUNCE+ABCDEFGH234567XY@id.example>\n"
		  "content-type: Multipart/Report; boundary=x\n\n"
		  "--x\nContent-Type: MESSAGE/Delivery-Status\n\n"
		  "Reporting-MTA: dns;x\n\nACTION: Failed\nstatus: 5.2.2 (full)\n--x--\n"),
	    ERR_OK);
	assert_string_equal(b.verp, TOKEN);
	assert_string_equal(b.status, "5.2.2");
	assert_string_equal(b.told, "");
}

static void what_may_pass_is_not_permanent(void **state)
{
	static const struct {
		const char *fields, *status;
		bool is_permanent;
	} rows[] = {
		{ "Action: delayed\r\nStatus: 4.4.1\r\n", "4.4.1", false },
		{ "Action: delayed\r\nStatus: 5.1.1\r\n", "4.0.0", false },
		{ "Action: failed\r\nStatus: 4.4.7\r\n", "4.4.7", false },
		{ "Action: failed\r\nStatus: 5.7.1\r\n", "5.7.1", false },
		{ "Action: failed\r\nStatus: 5.7\r\n", "5.0.0", true },
		{ "Action: failed\r\n", "5.0.0", true },
		{ "Action: failed\r\nStatus: 5.10.123\r\n", "5.10.123", true },
	};
	char message[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(message, sizeof(message), "%s%s%s", HEAD REPORT STATUS_PART MTA,
		    rows[i].fields, TAIL);
		assert_int_equal(parse(message), ERR_OK);
		assert_string_equal(b.status, rows[i].status);
		assert_int_equal(b.is_permanent, rows[i].is_permanent);
	}
}

static void what_is_no_report_is_not_taken_for_one(void **state)
{
	(void)state;
	/* An automatic answer that quotes one. */
	assert_int_equal(parse(HEAD "Content-Type: text/plain\r\n\r\nI am away.\r\n" STATUS_PART MTA
				    "Action: failed\r\nStatus: 5.1.1\r\n"),
	    ERR_UNSUPPORTED);
	assert_int_equal(parse(HEAD REPORT WORDS TAIL), ERR_UNSUPPORTED);
	assert_int_equal(
	    parse(HEAD REPORT STATUS_PART MTA "Action: delivered\r\nStatus: 2.0.0\r\n" TAIL),
	    ERR_UNSUPPORTED);
	assert_int_equal(parse(HEAD REPORT STATUS_PART MTA TAIL), ERR_UNSUPPORTED);
	assert_int_equal(parse(HEAD REPORT), ERR_UNSUPPORTED);
	assert_int_equal(parse(""), ERR_NOT_FOUND);
	assert_int_equal(parse("To: bounce@id.example\r\n" REPORT STATUS_PART MTA
			       "Action: failed\r\nStatus: 5.1.1\r\n"),
	    ERR_NOT_FOUND);
}

static void the_return_path_may_be_told(void **state)
{
	static const char message[] =
	    "To: somebody@id.example\r\n" REPORT STATUS_PART MTA "Action: failed\r\n" TAIL;

	(void)state;
	assert_int_equal(
	    bounce_parse(slice_str(message), SLICE("bounce+" TOKEN "@id.example"), &b, &note),
	    ERR_OK);
	assert_string_equal(b.verp, TOKEN);
	assert_int_equal(parse("X-Original-To: bounce+" TOKEN "@id.example\r\n"
			       "Delivered-To: bounces@id.example\r\n" REPORT STATUS_PART MTA
			       "Action: failed\r\n" TAIL),
	    ERR_OK);
}

static void cut_reports_are_harmless(void **state)
{
	static const char message[] = HEAD REPORT WORDS STATUS_PART MTA
	    "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550\r\n no\r\n" TAIL;

	(void)state;
	for (size_t len = 0; len < sizeof(message); len++) {
		char *copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, message, len);
		enum err e = bounce_parse(SLICE_OF(copy, len), SLICE_EMPTY, &b, &note);
		assert_true(e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_UNSUPPORTED);
		free(copy);
	}
}

static enum err from_json(const char *text)
{
	struct arena arena = arena_new(64 * 1024);
	const struct json *v = NULL;

	assert_int_equal(json_parse(&arena, slice_str(text), &v, &note), ERR_OK);
	enum err e = bounce_from_json(v, &b, &note);
	arena_reset(&arena);
	return e;
}

static void the_json_form(void **state)
{
	(void)state;
	assert_int_equal(from_json("{\"return_path\":\"bounce+" TOKEN "@id.example\","
				   "\"status\":\"5.1.1\",\"diagnostic\":\"no\\nsuch user\"}"),
	    ERR_OK);
	assert_string_equal(b.verp, TOKEN);
	assert_string_equal(b.told, "no such user");
	assert_true(b.is_permanent);
	assert_int_equal(from_json("{\"address\":\"A@example.org\",\"status\":\"4.2.2\"}"), ERR_OK);
	assert_string_equal(b.address, "A@example.org");
	assert_false(b.is_permanent);
	assert_int_equal(from_json("{\"status\":\"5.1.1\"}"), ERR_SYNTAX);
	assert_int_equal(from_json("{\"address\":\"a@b\"}"), ERR_SYNTAX);
	assert_int_equal(from_json("{\"address\":\"a@b\",\"status\":\"2.0.0\"}"), ERR_SYNTAX);
	assert_int_equal(from_json("{\"return_path\":\"a@b\",\"status\":\"5.1.1\"}"), ERR_SYNTAX);
	assert_int_equal(from_json("[]"), ERR_SYNTAX);
}

static void answers_of_mail_servers(void **state)
{
	static const struct {
		const char *reply, *status;
		bool is_permanent;
	} rows[] = {
		{ "550 5.1.1 no such mailbox", "5.1.1", true },
		{ "550 no such mailbox", "5.0.0", true },
		{ "550-5.7.1 blocked", "5.7.1", false },
		{ "554 looks like spam", "5.0.0", false },
		{ "the address is too long", "5.0.0", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b = (struct bounce){ .is_permanent = false };
		bounce_from_reply(slice_str(rows[i].reply), &b);
		assert_string_equal(b.status, rows[i].status);
		assert_string_equal(b.told, rows[i].reply);
		assert_int_equal(b.is_permanent, rows[i].is_permanent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_of_postfix),
		cmocka_unit_test(a_report_of_opensmtpd),
		cmocka_unit_test(line_ends_and_case_do_not_matter),
		cmocka_unit_test(what_may_pass_is_not_permanent),
		cmocka_unit_test(what_is_no_report_is_not_taken_for_one),
		cmocka_unit_test(the_return_path_may_be_told),
		cmocka_unit_test(cut_reports_are_harmless),
		cmocka_unit_test(the_json_form),
		cmocka_unit_test(answers_of_mail_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
