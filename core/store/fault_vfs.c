/*
 * See fault_vfs.h. A VFS that hands everything to the system's and keeps, per write that is not
 * synced, the bytes before and after it. -shm is memory, not disk, and is passed through.
 */
#include "core/store/fault_vfs.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/list.h"
#include "core/base/rng.h"

struct change {
	struct list node;   /* in changes, in order */
	sqlite3_file *file; /* the real one */
	sqlite3_int64 offset, old_size;
	int len,
	    old_len; /* bytes written; of them there before. len 0: a truncation, old_len cut */
	unsigned char *old_bytes, *new_bytes;
	bool kept;
};

struct fault_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

static struct {
	pthread_mutex_t lock;
	sqlite3_vfs *real;
	sqlite3_vfs vfs;
	struct list changes;
	unsigned calls_left;
	bool keep_some;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct fault_file *)(void *)file)->real;
}

static void drop(struct change *c)
{
	list_remove(&c->node);
	free(c->old_bytes);
	free(c->new_bytes);
	free(c);
}

static void take_back(const struct change *c)
{
	if (c->old_len > 0) {
		CHECK(c->file->pMethods->xWrite(c->file, c->old_bytes, c->old_len, c->offset) ==
		      SQLITE_OK);
	}
	CHECK(c->file->pMethods->xTruncate(c->file, c->old_size) == SQLITE_OK);
}

static void redo(const struct change *c)
{
	int rc = c->len > 0 ? c->file->pMethods->xWrite(c->file, c->new_bytes, c->len, c->offset)
			    : c->file->pMethods->xTruncate(c->file, c->offset);

	CHECK(rc == SQLITE_OK);
}

static _Noreturn void lose_power(void)
{
	for (struct list *node = disk.changes.prev; node != &disk.changes; node = node->prev) {
		struct change *c = LIST_OF(node, struct change, node);

		take_back(c);
		c->kept = disk.keep_some && rng_below(2) == 0;
	}
	list_each (node, &disk.changes) {
		const struct change *c = LIST_OF(node, struct change, node);

		if (c->kept) {
			redo(c);
		}
	}
	kill(getpid(), SIGKILL);
	for (;;) {
		pause();
	}
}

/* Called with the lock held, which is never given back when the power goes. */
static void count_call(void)
{
	if (--disk.calls_left == 0) {
		lose_power();
	}
}

/* Remembers a change to [offset, offset + len), or a cut at offset. */
static void remember(sqlite3_file *real, const void *bytes, int len, sqlite3_int64 offset)
{
	struct change *c = calloc(1, sizeof(*c));
	sqlite3_int64 there;

	CHECK(c != NULL && real->pMethods->xFileSize(real, &c->old_size) == SQLITE_OK);
	there = c->old_size > offset ? c->old_size - offset : 0;
	c->file = real;
	c->offset = offset;
	c->len = len;
	c->old_len = len > 0 && there > len ? len : (int)there;
	c->old_bytes = malloc((size_t)c->old_len + 1);
	c->new_bytes = malloc((size_t)len + 1);
	CHECK(c->old_bytes != NULL && c->new_bytes != NULL);
	if (c->old_len > 0) {
		CHECK(real->pMethods->xRead(real, c->old_bytes, c->old_len, offset) == SQLITE_OK);
	}
	if (len > 0) {
		memcpy(c->new_bytes, bytes, (size_t)len);
	}
	list_push(&disk.changes, &c->node);
}

static int on_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
	sqlite3_file *real = real_of(file);
	int rc;

	pthread_mutex_lock(&disk.lock);
	remember(real, bytes, len, offset);
	rc = real->pMethods->xWrite(real, bytes, len, offset);
	count_call();
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	sqlite3_file *real = real_of(file);
	int rc;

	pthread_mutex_lock(&disk.lock);
	remember(real, NULL, 0, size);
	rc = real->pMethods->xTruncate(real, size);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

static int on_sync(sqlite3_file *file, int flags)
{
	sqlite3_file *real = real_of(file);
	int rc;

	pthread_mutex_lock(&disk.lock);
	count_call();
	rc = real->pMethods->xSync(real, flags);
	for (struct list *node = disk.changes.next, *next; node != &disk.changes; node = next) {
		struct change *c = LIST_OF(node, struct change, node);

		next = node->next;
		if (c->file == real) {
			drop(c);
		}
	}
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

/* ---- passed through ---- */

static int on_close(sqlite3_file *file)
{
	sqlite3_file *real = real_of(file);

	return real->pMethods->xClose(real);
}

static int on_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
	return real_of(file)->pMethods->xRead(real_of(file), bytes, len, offset);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int on_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_is_reserved(sqlite3_file *file, int *ret)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int on_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int on_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int delete)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_is_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int on_open(
    sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct fault_file *f = (struct fault_file *)(void *)file;
	int rc;

	(void)vfs;
	f->real = (sqlite3_file *)(void *)(f + 1);
	memset(f->real, 0, (size_t)disk.real->szOsFile);
	rc = disk.real->xOpen(disk.real, name, f->real, flags, ret_flags);
	f->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
	return rc;
}

void fault_vfs_install(unsigned calls, bool keep_some)
{
	disk.real = sqlite3_vfs_find(NULL);
	CHECK(disk.real != NULL && calls > 0);
	disk.vfs = *disk.real;
	disk.vfs.pNext = NULL;
	disk.vfs.zName = "fault";
	disk.vfs.szOsFile = (int)sizeof(struct fault_file) + disk.real->szOsFile;
	disk.vfs.xOpen = on_open;
	disk.calls_left = calls;
	disk.keep_some = keep_some;
	list_init(&disk.changes);
	CHECK(sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK);
}
