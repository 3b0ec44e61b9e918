/*
 * Steps of the tests of /wsapi.
 */
#include "services/identity/wsapi_steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct browser here, there;

int steps_start(void **state)
{
	(void)state;
	rig_start(NULL);
	browser_init(&here);
	browser_init(&there);
	return 0;
}

int steps_stop(void **state)
{
	(void)state;
	rig_audit();
	browser_fini(&here);
	browser_fini(&there);
	rig_stop();
	return 0;
}

void assert_text(struct browser *b, int status, const char *body)
{
	assert_int_equal(b->status, status);
	assert_string_equal(browser_body(b), body);
	assert_true(slice_starts(b->content_type_got, SLICE("text/plain")));
}

void assert_failed(struct browser *b, const char *reason)
{
	assert_int_equal(b->status, 200);
	assert_false(browser_flag(b, "success"));
	assert_string_equal(browser_text(b, "reason"), reason);
}

void assert_success(struct browser *b)
{
	if (b->status != 200 || !browser_flag(b, "success")) {
		fail_msg("%d %s", b->status, browser_body(b));
	}
}

const char *last_token(void)
{
	const char *link = rig_text("SELECT link FROM outbox ORDER BY id DESC LIMIT 1");
	const char *mark = strstr(link, "?token=");

	assert_non_null(mark);
	assert_int_equal(strlen(mark + 7), 48);
	return mark + 7;
}

void stage(struct browser *b, const char *email, const char *pass)
{
	char members[400];

	browser_context(b);
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"%s\",\"pass\":\"%s\",\"site\":\"http://site.example:8080\"", email, pass);
	browser_post(b, "/wsapi/stage_user", members);
}

void complete(struct browser *b, const char *token, const char *more)
{
	char members[600];

	(void)snprintf(members, sizeof(members), "\"token\":\"%s\"%s", token, more);
	browser_post(b, "/wsapi/complete_user_creation", members);
}

void sign_up(struct browser *b, const char *email, const char *pass)
{
	stage(b, email, pass);
	assert_success(b);
	complete(b, last_token(), "");
	assert_success(b);
}

void authenticate(struct browser *b, const char *email, const char *pass, const char *more)
{
	char members[400];

	browser_context(b);
	(void)snprintf(members, sizeof(members),
	    "\"email\":\"%s\",\"pass\":\"%s\",\"ephemeral\":false%s", email, pass, more);
	browser_post(b, "/wsapi/authenticate_user", members);
}
