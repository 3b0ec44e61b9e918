/*
 * What copying and checking all blobs that the rows of a database refer to has in common, whatever
 * the rows are: for `plimsoll backup`, `restore` and `check`. A service says which blobs its rows
 * have and what makes one good.
 */
#ifndef PLIMSOLL_BLOB_BLOB_COPYING_H
#define PLIMSOLL_BLOB_BLOB_COPYING_H

#include "core/blob/blob.h"

struct sql_db;

struct blob_copied {
	int64_t blobs, bytes;	       /* that rows refer to */
	int64_t copied, linked, there; /* of those: how they came to be where they are */
	int64_t lost;		       /* that are not there or damaged */
	int64_t unused;		       /* (check) blobs that no row has */
};

/* Called with each problem, in words, and now and then with no text, as it goes on. */
typedef void blob_copying_fn(void *arg, const char *problem, const struct blob_copied *so_far);

struct blob_copying {
	struct sql_db *db;		   /* whose rows count */
	const struct blob_store *from;	   /* NULL: there are none */
	const struct blob_store *to;	   /* NULL: nothing is copied, only looked at */
	const struct blob_store *previous; /* an earlier copy to link to, or NULL */
	bool reads_all; /* contents are compared with their names, not only sizes */
	blob_copying_fn *watch;
	void *arg;
	struct blob_copied done;
	struct err_note *note;
};

#endif
