/*
 * The files of the store beside a copy of the database: what `plimsoll backup`, `restore` and
 * `check symbols` do with blobs. A blob's name is the hash of its content, so each copy can be
 * judged by itself, and what is there already need not be copied.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_COPY_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_COPY_H

#include "core/blob/blob.h"
#include "core/store/sql.h"

struct symbols_copied {
	int64_t blobs, bytes;	       /* that rows refer to */
	int64_t copied, linked, there; /* of those: how they came to be where they are */
	int64_t lost;		       /* that are not there or damaged */
	int64_t unused;		       /* (check) blobs that no row has */
};

/* Called with each problem, in words, and now and then with no text, as it goes on. */
typedef void symbols_copy_fn(void *arg, const char *problem, const struct symbols_copied *so_far);

struct symbols_copy {
	struct sql_db *db;		   /* whose rows count */
	const struct blob_store *from;	   /* NULL: there are none */
	const struct blob_store *to;	   /* NULL: nothing is copied, only looked at */
	const struct blob_store *previous; /* an earlier copy to link to, or NULL */
	bool reads_all; /* contents are compared with their names, not only sizes */
	symbols_copy_fn *watch;
	void *arg;
	struct symbols_copied done;
	struct err_note *note;
};

/* Does any row refer to a blob? */
NODISCARD enum err symbols_has_blobs(struct symbols_copy *c, bool *ret);

/*
 * Every blob that a row refers to is in `to` afterwards, and lasts; those that from does not have
 * are told of and counted as lost. An error of the disk ends it.
 */
NODISCARD enum err symbols_copy_blobs(struct symbols_copy *c);

/* Rows against blobs of `from`; counts what is lost and what no row has. */
NODISCARD enum err symbols_check_blobs(struct symbols_copy *c);

#endif
