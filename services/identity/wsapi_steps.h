/*
 * For unit tests: two browsers on a web_rig, and the steps that most tests begin with.
 */
#ifndef PLIMSOLL_IDENTITY_WSAPI_STEPS_H
#define PLIMSOLL_IDENTITY_WSAPI_STEPS_H

#include "services/identity/web_rig.h"

#define EMAIL "Some.One@example.org"
#define PASS  "correct horse"

extern struct browser here, there;

/* For cmocka: a fresh service and browsers; at the end the invariants are checked. */
int steps_start(void **state);
int steps_stop(void **state);

/* What the last answer must be. */
void assert_text(struct browser *b, int status, const char *body);
void assert_failed(struct browser *b, const char *reason);
void assert_success(struct browser *b);

/* The token of the last mail. */
const char *last_token(void);

/* stage_user, complete_user_creation (more: further members), both, and authenticate_user. */
void stage(struct browser *b, const char *email, const char *pass);
void complete(struct browser *b, const char *token, const char *more);
void sign_up(struct browser *b, const char *email, const char *pass);
void authenticate(struct browser *b, const char *email, const char *pass, const char *more);

#endif
