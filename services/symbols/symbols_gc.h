/*
 * Removing what is not wanted any more: rows of files by age, by last use, by number of builds of a
 * module, files of try builds, files that were fetched from upstream servers; what was missing long
 * ago, files that were announced and never sent; and what nobody refers to: blobs that no row has,
 * drafts of uploads that broke off. For a command, beside a server that runs or without one.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_GC_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_GC_H

#include <stdint.h>

#include "core/blob/blob.h"
#include "core/store/sql.h"

struct symbols_gc_rules {
	int64_t older_ms;  /* regular files that were uploaded so long ago; 0: none */
	int64_t unused_ms; /* likewise, that nobody has asked for since; 0: none */
	int64_t keep;	   /* uploaded builds of a module that stay, the newest; 0: all */
	int64_t try_ms;	   /* files of try builds that were uploaded so long ago; 0: none */
	/* Files of upstream servers that nobody has asked for in so long; 0: none. No other rule is
	 * about them: they can be had again. */
	int64_t cached_ms;
	int64_t missing_ms; /* counts of what was asked for in vain, if not since; 0: none */
	bool dry_run;	    /* nothing is removed, only counted */
};

struct symbols_gc_done {
	int64_t files, file_bytes; /* rows, and the content they stand for */
	int64_t blobs, blob_bytes; /* with those that were left over */
	int64_t drafts;
	int64_t missing, unsent; /* rows */
};

/* How long a blob may be there before its row is. */
enum {
	SYMBOLS_GC_GRACE_MS = 3600 * 1000,
	SYMBOLS_GC_DRAFT_MS = 24 * 3600 * 1000,
	SYMBOLS_GC_UNSENT_MS = 2 * 24 * 3600 * 1000 /* twice as long as a session lives */
};

/* begin and end of a transaction are the caller's: bounded numbers of rows lie between. */
struct symbols_gc {
	struct sql_db *db;
	const struct blob_store *blobs;
	enum err (*begin)(void *arg);
	enum err (*end)(void *arg, enum err e);
	void *arg;
	int64_t now_ms;
	struct symbols_gc_rules rules;
	struct symbols_gc_done done;
	struct err_note *note;
};

NODISCARD enum err symbols_gc_run(struct symbols_gc *gc);

/* The part of it that is about rows that are no files; symbols_gc_log.c. */
NODISCARD enum err symbols_gc_logs(struct symbols_gc *gc);

#endif
