/*
 * For durable_test.c: a process that is store, signer and their callers in one, on a disk that may
 * lose power. People sign up, log in, add addresses and reset their passwords, mails are leased and
 * sent, all at once; whatever is acknowledged goes into a pipe. Test code only.
 */
#ifndef PLIMSOLL_IDENTITY_DURABLE_RIG_H
#define PLIMSOLL_IDENTITY_DURABLE_RIG_H

#include <stdbool.h>
#include <stdint.h>

enum said_kind {
	SAID_KEY,	/* the key that cookies are made with; id: its first bytes */
	SAID_STAGED,	/* person id may expect a mail for step */
	SAID_COMPLETED, /* the mail was answered, step is done */
	SAID_REHASHED,	/* its password is the second one */
	SAID_LEASED,	/* mail was taken for sending, with the token of person id and step */
	SAID_SENT,	/* mail is sent */
	SAID_FAILED,	/* a call for person id in step failed: all or nothing of it is there */
	SAID_READY	/* the store is open */
};

/* What a person does, each with a mail of its own. */
enum step {
	STEP_SIGN_UP, /* all do */
	STEP_ADD,     /* one more address */
	STEP_RESET,   /* a third password; the address added before must be verified again */
	STEPS
};
bool durable_does(int64_t id, enum step step);

/* Written to the pipe whole. */
struct said {
	int64_t kind, id, step, mail;
};

enum {
	/* Exit codes of a life that ends without a cut. */
	LIFE_RESTART = 4, /* an error that a supervisor would answer with a new process */
	LIFE_BROKEN = 5	  /* it did what nobody may */
};

/* Lives on data_dir until the disk loses power, at the latest after so many milliseconds. */
_Noreturn void durable_live(
    const char *data_dir, int64_t first_id, int said_fd, unsigned ms, bool restart_after_fault);

/* Address and token's hash of a step, password hashes of a person, in caller's storage. */
void durable_address(int64_t id, enum step step, char out[48]);
void durable_token(int64_t id, enum step step, char out[65]);
bool durable_token_of(const char *text, int64_t *ret_id, enum step *ret_step);
void durable_password(int64_t id, int generation, char out[48]);

#endif
