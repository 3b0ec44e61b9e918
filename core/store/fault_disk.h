/*
 * A disk that loses power, for tests. It stands between libc and the kernel (fault_calls.c defines
 * open, write, fsync, rename, ... in the program or in a preloaded library), so it is below SQLite
 * and below our own files alike. Every change below one folder is remembered until it is synced:
 *
 *  - bytes of a file until fsync or fdatasync of that file;
 *  - a new, renamed or removed name until fsync of its folder.
 *
 * At a chosen call the power goes: what was not synced is taken back, all of it or a random part
 * (names in order, blocks in any order, a block torn between sectors), and the process dies.
 *
 * A failed fsync is as on Linux: the pages count as clean, later reads see them, no later fsync
 * writes them, and only writing them again does.
 *
 * All state is in shared memory: processes forked after fault_disk_new() work on the same disk, one
 * after the other, as a role and its successor do. Test code only.
 */
#ifndef PLIMSOLL_STORE_FAULT_DISK_H
#define PLIMSOLL_STORE_FAULT_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_WRITE, /* write, pwrite */
	FAULT_SHORT, /* the same, but half of the bytes are taken */
	FAULT_SYNC,  /* fsync, fdatasync */
	FAULT_ANY    /* the above and truncate, create, rename, unlink, mkdir */
};

struct fault_plan {
	uint64_t seed;	 /* decides all that is random */
	unsigned cut_at; /* the power goes at this call, counted from 1; 0: not by count */
	bool keep_some;	 /* of what was not synced */
	enum fault_kind kind;
	unsigned fail_at, fail_n; /* calls fail_at .. fail_at + fail_n - 1 of that kind fail */
	int fail_errno;		  /* not for FAULT_SHORT */
};

/*
 * Makes the disk: everything below root, an absolute path of a folder on a real file system. A
 * folder ROOT.stash is made beside it for what may have to come back.
 */
void fault_disk_new(const char *root, const struct fault_plan *plan);

/* Removes what is left beside root when all is over; the other removes root, too. */
void fault_disk_clean(const char *root);
void fault_disk_remove(const char *root);

/* From now on this process, and what it forks, works on that disk. */
void fault_disk_use(void);

/* The power goes now. */
_Noreturn void fault_disk_cut(void);

/* Calls that were counted; faults of the plan that have happened; was the power cut? */
unsigned fault_disk_calls(void);
unsigned fault_disk_faults(void);
bool fault_disk_was_cut(void);

/* ---- for fault_calls.c ---- */

/* One counted call: may end the process. 0, or an errno value for the call to fail with. */
int fault_disk_enter(enum fault_kind kind, bool *ret_short);
void fault_disk_leave(void);

bool fault_disk_has(int fd); /* is this descriptor on the disk? */
bool fault_disk_path(int dir, const char *path, char out[512]); /* is this name? */

/* Between enter and leave, before the system call. */
void fault_disk_will_write(int fd, uint64_t offset, uint64_t len);
void fault_disk_will_truncate(int fd, uint64_t size);
void fault_disk_will_remove(const char *path);
/* After it. */
void fault_disk_synced(int fd, bool good);
void fault_disk_created(const char *path);
void fault_disk_renamed(const char *from, const char *to);

#endif
