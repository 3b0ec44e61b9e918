/*
 * Answers with a stored file: conditions, ranges, codings and caches as HTTP has them (RFC 9110),
 * and the bytes from the blob store to the client.
 */
#ifndef PLIMSOLL_SYMBOLS_BLOB_ANSWER_H
#define PLIMSOLL_SYMBOLS_BLOB_ANSWER_H

#include "core/blob/blob.h"
#include "core/http/http.h"
#include "services/symbols/symbol_file.h"

struct blob_content {
	struct slice blob;	   /* its name */
	bool is_gzip;		   /* stored in gzip form */
	int64_t size, stored_size; /* unpacked; of the blob */
	struct slice type, cache_control;
	/* The blob itself, if it is at hand: borrowed until the task waits. */
	struct slice bytes;
	bool is_open; /* fd is the blob, borrowed too */
	int fd;
};

struct blob_content blob_content_of(const struct symbol_file *f, struct slice cache_control);

/*
 * Answers GET or HEAD with the content, from the running task. What is stored in gzip form goes out
 * as it is to those who accept that, and unpacked to others; ranges are of the unpacked form. An
 * error before the answer has begun is the caller's to answer; of ERR_CORRUPT, that the blob is not
 * there, nothing has been said yet, no headers either.
 */
NODISCARD enum err blob_answer(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f);

#endif
