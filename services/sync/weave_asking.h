/*
 * Role: web. What the files of the old user API share: a request of it.
 */
#ifndef PLIMSOLL_SYNC_WEAVE_ASKING_H
#define PLIMSOLL_SYNC_WEAVE_ASKING_H

#include "services/sync/weave.h"
#include "services/sync/weave_change.h"

struct weave_asking {
	struct op_call *c;
	char name[WEAVE_NAME_MAX + 1];
	struct weave_user user; /* where it is there */
	struct slice rest;
};

/* ---- weave_account.c ---- */

enum err weave_text(struct op_call *c, struct slice text);
/* 400 with a code. */
enum err weave_bad(struct op_call *c, enum weave_code code);
/* Looks the user up. ERR_NOT_FOUND, also where its account is gone. */
NODISCARD enum err weave_asking_find(struct weave_asking *a);
/*
 * May somebody unknown do this: by the shared secret, or an answered question? registers: a closed
 * server takes no new users.
 */
NODISCARD enum err weave_passes(
    struct op_call *c, struct slice challenge, struct slice response, bool registers, bool *ret);

/* ---- weave_password.c ---- */

/* What is wrong with a new password; WEAVE_OTHER: nothing. */
enum weave_code weave_judge_password(struct slice password, const char *name);
/* Hashed as the account has it, or plain for a new one. */
NODISCARD enum err weave_hash(
    struct op_call *c, struct slice password, const struct kdf *kdf, struct weave_change *change);
/* POST password: by Basic, or a code that was mailed. */
NODISCARD enum err weave_post_password(struct weave_asking *a);
/* GET password_reset: mails a code. */
NODISCARD enum err weave_ask_reset(struct weave_asking *a);

/* ---- weave_register.c ---- */

/* PUT: a new user. */
NODISCARD enum err weave_create(struct weave_asking *a);

#endif
