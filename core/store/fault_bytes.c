/*
 * See fault_disk.h: bytes that are not synced. A block is kept as it is on the platter when it is
 * changed for the first time.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/store/fault_priv.h"

/* Of this process, index as files: to read from. Closing one would drop the POSIX locks of the
 * process on that file, so none is. 0: none. */
static int reading[FILES_MAX];

static struct fault_block *find_block(ino_t inode, uint64_t index)
{
	uint64_t at = ((uint64_t)inode * 31 + index) * 0x9e3779b97f4a7c15u >> 40;

	for (unsigned i = 0; i < BLOCKS_MAX; i++) {
		struct fault_block *b = &fault_disk->blocks[(at + i) % BLOCKS_MAX];
		if (b->inode == 0 || (b->inode == inode && b->index == index)) {
			return b;
		}
	}
	fault_broken("too many blocks that are not synced");
}

static struct fault_file *find_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fault_broken("fstat");
	}
	for (unsigned i = 0; i < fault_disk->n_files; i++) {
		if (fault_disk->files[i].inode == st.st_ino) {
			return &fault_disk->files[i];
		}
	}
	if (fault_disk->n_files == FILES_MAX) {
		fault_broken("too many files");
	}
	fault_disk->files[fault_disk->n_files] =
	    (struct fault_file){ .inode = st.st_ino, .size = (uint64_t)st.st_size };
	return &fault_disk->files[fault_disk->n_files++];
}

/* fd itself may be for writing only. */
static int reader_of(int fd, const struct fault_file *f)
{
	char link[40];
	int *in = &reading[f - fault_disk->files];

	if (*in == 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		*in = fault_raw_open(link, O_RDONLY);
	}
	return *in;
}

static void keep_block(int fd, const struct fault_file *f, uint64_t index)
{
	struct fault_block *b = find_block(f->inode, index);

	if (b->inode == 0 || b->state == CLEAN) {
		long n = syscall(SYS_pread64, reader_of(fd, f),
		    fault_disk->bytes[b - fault_disk->blocks], BLOCK, index * BLOCK);
		b->inode = f->inode;
		b->index = index;
		b->len = n < 0 ? 0 : (uint32_t)n;
	}
	b->state = DIRTY;
}

void fault_disk_will_write(int fd, uint64_t offset, uint64_t len)
{
	struct fault_file *f = find_file(fd);

	for (uint64_t i = offset / BLOCK; len > 0 && i <= (offset + len - 1) / BLOCK; i++) {
		keep_block(fd, f, i);
	}
	if (f->state == CLEAN) {
		struct stat st;
		fstat(fd, &st);
		f->size = (uint64_t)st.st_size;
	}
	f->state = DIRTY;
}

void fault_disk_will_truncate(int fd, uint64_t size)
{
	struct stat st;

	fstat(fd, &st);
	if ((uint64_t)st.st_size > size) {
		fault_disk_will_write(fd, size, (uint64_t)st.st_size - size);
	} else {
		fault_disk_will_write(fd, size, 0);
	}
}

static void synced_bytes(ino_t inode, bool good)
{
	for (unsigned i = 0; i < BLOCKS_MAX; i++) {
		struct fault_block *b = &fault_disk->blocks[i];
		if (b->inode == inode && b->state == DIRTY) {
			b->state = good ? CLEAN : LOST;
		}
	}
	for (unsigned i = 0; i < fault_disk->n_files; i++) {
		struct fault_file *f = &fault_disk->files[i];
		if (f->inode == inode && f->state == DIRTY) {
			f->state = good ? CLEAN : DIRTY; /* the size is metadata: journalled */
		}
	}
}

static void synced_names(ino_t folder)
{
	for (unsigned i = 0; i < fault_disk->n_names; i++) {
		if (fault_disk->names[i].folder == folder) {
			fault_disk->names[i].kind = NAME_DONE;
		}
	}
}

void fault_disk_synced(int fd, bool good)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		synced_bytes(st.st_ino, good);
	} else if (good) {
		synced_names(st.st_ino);
	}
}
