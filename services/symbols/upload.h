/*
 * Uploads: what both protocols share. A file that has been received as a draft is unpacked, known
 * by its hash, kept if it is new, and only then written down: so a key is at any time either
 * absent, or what it was, or the whole new file.
 */
#ifndef PLIMSOLL_SYMBOLS_UPLOAD_H
#define PLIMSOLL_SYMBOLS_UPLOAD_H

#include "services/symbols/file_calls.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_token.h"
#include "services/symbols/upload_store.h"

/* One upload in its request's task. */
struct upload {
	struct op_call *c;
	struct symbols_state *state;
	const struct symbols_token *token;
	bool is_try;
	int64_t id; /* in the log; 0: not begun */
	int64_t created_ms, completed_ms;
	struct arena scratch; /* of one file; reset by upload_store_file() */
};

void upload_init(struct upload *u, struct op_call *c, const struct symbols_token *token);
void upload_fini(struct upload *u);

struct file_caller upload_files(const struct upload *u);
struct store_caller upload_rows(struct upload *u);

/* Whether there is room for one more upload in this process; each is ended by upload_leave(). */
bool upload_enter(struct symbols_state *state);
void upload_leave(struct symbols_state *state);

/* A file to be stored. */
struct upload_item {
	struct symbol_key key;
	struct file_unpack unpack;
	int64_t log_id; /* of a session; else 0 */
	/* Of a session, what was announced; else -1 and empty. */
	int64_t size;
	struct slice md5;
};

enum upload_outcome {
	UPLOAD_STORED,
	UPLOAD_SKIPPED, /* the same content is there */
	UPLOAD_NOT_AS_SAID
};

NODISCARD enum err upload_store_file(
    struct upload *u, const struct upload_item *item, enum upload_outcome *ret);

/*
 * The file with that key, if its blob is there, too: *ret_found false lets an upload heal a store
 * that has lost something.
 */
NODISCARD enum err upload_find(struct upload *u, const struct symbol_key *key, bool is_try,
    struct symbol_file *ret, bool *ret_found);

/*
 * Reads the rest of the body, within bounds, before a refusal: a client that only writes would
 * never see the answer. One that waits for "100 Continue" sees it at once.
 */
void upload_drain(struct op_call *c);

/* Refuses with that status and text after that. */
enum err upload_refuse(struct op_call *c, int status, const char *text);

/* Archives are called "something.zip". Refuses another name with the protocol's words. */
bool upload_name_is_zip(struct slice name);
enum err upload_refuse_name(struct op_call *c, struct slice name);
/* The name under which an archive is in the log: not one that is no good as a name. */
struct slice upload_stored_name(struct slice name);

/* An error of the role files or of the store as an answer: words for what the sender can mend. */
enum err upload_failed(struct op_call *c, enum err e);

/* ---- archives; archive.c ---- */

struct archive {
	struct slice draft;
	uint64_t size;	       /* bytes */
	struct slice filename; /* as it is named by whoever sent it */
	struct slice download_url, redirect_urls;
};

/* Stores the members and answers the request. */
NODISCARD enum err archive_store(struct upload *u, const struct archive *a);

#endif
