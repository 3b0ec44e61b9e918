/*
 * For durable_test.c: a process that is store, signer and their callers in one, on a disk that may
 * lose power. People sign up, complete, fail to log in and change passwords, mails are leased and
 * sent, all at once; whatever is acknowledged goes into a pipe. Test code only.
 */
#ifndef PLIMSOLL_IDENTITY_DURABLE_RIG_H
#define PLIMSOLL_IDENTITY_DURABLE_RIG_H

#include <stdbool.h>
#include <stdint.h>

enum said_kind {
	SAID_KEY,	/* the key that cookies are made with; id: its first bytes */
	SAID_STAGED,	/* person id may expect a mail */
	SAID_COMPLETED, /* person id has an account */
	SAID_REHASHED,	/* its password is the second one */
	SAID_SENT,	/* mail id is sent */
	SAID_FAILED,	/* a call for person id failed: all or nothing of it is there */
	SAID_READY	/* the store is open */
};

/* Written to the pipe whole. */
struct said {
	int64_t kind, id;
};

enum {
	/* Exit codes of a life that ends without a cut. */
	LIFE_RESTART = 4, /* an error that a supervisor would answer with a new process */
	LIFE_BROKEN = 5	  /* it did what nobody may */
};

/* Lives on data_dir until the disk loses power, at the latest after so many milliseconds. */
_Noreturn void durable_live(
    const char *data_dir, int64_t first_id, int said_fd, unsigned ms, bool restart_after_fault);

/* The address, the token's hash and the two password hashes of a person, in caller's storage. */
void durable_address(int64_t id, char out[48]);
void durable_token(int64_t id, char out[65]);
void durable_password(int64_t id, int generation, char out[48]);

#endif
