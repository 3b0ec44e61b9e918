/*
 * What fault_disk.c shares with fault_bytes.c, fault_names.c and fault_cut.c.
 */
#ifndef PLIMSOLL_STORE_FAULT_PRIV_H
#define PLIMSOLL_STORE_FAULT_PRIV_H

#include <pthread.h>

#include "core/store/fault_disk.h"

enum {
	BLOCK = 4096,
	BLOCKS_MAX = 16384, /* changed at least once: 64 MiB */
	FILES_MAX = 256,
	NAMES_MAX = 1024,
	PATH_SIZE = 512
};

enum fault_state {
	CLEAN,
	DIRTY, /* changed, not synced */
	LOST   /* a sync of it has failed: on no disk, and nobody will write it */
};

struct fault_block {
	ino_t inode; /* 0: free */
	uint64_t index;
	enum fault_state state;
	uint32_t len; /* bytes that the platter has of it */
};

struct fault_file {
	ino_t inode;
	uint64_t size; /* on the platter */
	enum fault_state state;
};

enum fault_name_kind {
	NAME_CREATED,
	NAME_RENAMED,
	NAME_REMOVED,
	NAME_DONE /* synced */
};

struct fault_name {
	enum fault_name_kind kind;
	ino_t folder;
	char path[PATH_SIZE], to[PATH_SIZE];
	char saved[PATH_SIZE]; /* what stood at the place; "": nothing */
};

struct fault_disk {
	pthread_mutex_t lock;
	char root[PATH_SIZE], stash[PATH_SIZE];
	struct fault_plan plan;
	uint64_t random;
	unsigned calls, of_kind, faults, stashed;
	bool was_cut;
	unsigned n_files, n_names;
	struct fault_file files[FILES_MAX];
	struct fault_name names[NAMES_MAX];
	struct fault_block blocks[BLOCKS_MAX];
	unsigned char bytes[BLOCKS_MAX][BLOCK]; /* of blocks[i]; touched only when it changes */
};

extern struct fault_disk *fault_disk;	 /* in shared memory */
extern _Thread_local bool fault_cutting; /* what this thread calls is not counted */

_Noreturn void fault_broken(const char *what);

/* Of this run's seed; 0 .. n - 1. */
uint64_t fault_below(uint64_t n);

/* open() that is not counted; -1. */
int fault_raw_open(const char *path, int flags);

/* Takes back what is not synced and ends the process; with the lock held, which is never given
 * back. */
_Noreturn void fault_lose_power(void);

#endif
