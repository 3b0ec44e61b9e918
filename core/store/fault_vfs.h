/*
 * A disk that loses its power, for tests: below SQLite, every write is remembered until the file is
 * synced. At a chosen call the power goes: what was not synced is taken back, all of it or a random
 * part, and the process dies. What a page cache hides in a plain kill shows here. Test code only.
 */
#ifndef PLIMSOLL_STORE_FAULT_VFS_H
#define PLIMSOLL_STORE_FAULT_VFS_H

#include <stdbool.h>

/*
 * All files that SQLite opens from now on are on such a disk. The power goes at write or sync
 * number calls (counted from 1). keep_some: each write that was not synced survives with
 * probability 1/2, as with a disk that reorders; otherwise none does.
 */
void fault_vfs_install(unsigned calls, bool keep_some);

#endif
