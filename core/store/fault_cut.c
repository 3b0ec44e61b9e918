/*
 * See fault_disk.h: the power goes. What is not synced is taken back, names first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/store/fault_priv.h"

enum {
	SECTOR = 512
};

static void raw_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (syscall(SYS_pwrite64, fd, bytes, len, offset) != (long)len) {
		fault_broken("cannot write back");
	}
}

static void undo_name(const struct fault_name *n)
{
	char away[PATH_SIZE];

	snprintf(away, sizeof(away), "%.400s/%u", fault_disk->stash, fault_disk->stashed++);
	if (n->kind == NAME_CREATED) {
		syscall(SYS_renameat2, AT_FDCWD, n->path, AT_FDCWD, away, 0);
	} else if (n->kind == NAME_RENAMED) {
		syscall(SYS_renameat2, AT_FDCWD, n->to, AT_FDCWD, n->path, 0);
	} else if (n->kind == NAME_REMOVED && n->saved[0] != '\0' && link(n->saved, n->path) != 0 &&
		   errno != EEXIST) {
		fault_broken("cannot bring a name back");
	}
}

/* A journalling file system keeps the order of names: some of the first survive. */
static void cut_names(void)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < fault_disk->n_names; i++) {
		pending += fault_disk->names[i].kind != NAME_DONE ? 1 : 0;
	}
	unsigned kept = fault_disk->plan.keep_some ? (unsigned)fault_below(pending + 1) : 0;
	while (pending > kept) {
		const struct fault_name *n = &fault_disk->names[--fault_disk->n_names];
		if (n->kind != NAME_DONE) {
			undo_name(n);
			pending--;
		}
	}
}

static void cut_block(int fd, const struct fault_block *b, uint64_t size)
{
	unsigned char now[BLOCK] = { 0 };
	uint64_t fate = b->state == LOST || !fault_disk->plan.keep_some ? 0 : fault_below(3);
	size_t sectors = (size_t)fault_below(BLOCK / SECTOR);

	if (fate == 1 || b->index * BLOCK >= size) {
		return;
	}
	syscall(SYS_pread64, fd, now, BLOCK, b->index * BLOCK);
	size_t kept = fate == 0 ? 0 : sectors * SECTOR;
	memset(now + kept, 0, BLOCK - kept);
	if (b->len > kept) {
		memcpy(now + kept, fault_disk->bytes[b - fault_disk->blocks] + kept, b->len - kept);
	}
	uint64_t len = size - b->index * BLOCK;
	raw_write(fd, now, len < BLOCK ? (size_t)len : BLOCK, b->index * BLOCK);
}

static void cut_file(const char *path)
{
	struct stat st;
	int fd = fault_raw_open(path, O_RDWR);

	if (fd < 0 || fstat(fd, &st) != 0) {
		return;
	}
	for (unsigned i = 0; i < fault_disk->n_files; i++) {
		const struct fault_file *f = &fault_disk->files[i];
		if (f->inode == st.st_ino) {
			uint64_t size = (uint64_t)st.st_size;
			if (f->state == DIRTY &&
			    (!fault_disk->plan.keep_some || fault_below(2) == 0)) {
				size = f->size;
			}
			if (syscall(SYS_ftruncate, fd, size) != 0) {
				fault_broken("cannot cut");
			}
			for (unsigned k = 0; k < BLOCKS_MAX; k++) {
				const struct fault_block *b = &fault_disk->blocks[k];
				if (b->inode == st.st_ino && b->state != CLEAN) {
					cut_block(fd, b, size);
				}
			}
		}
	}
	close(fd);
}

static void cut_folder(const char *folder)
{
	char path[PATH_SIZE];
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		snprintf(path, sizeof(path), "%.250s/%.250s", folder, entry->d_name);
		if (entry->d_type == DT_DIR) {
			cut_folder(path);
		} else {
			cut_file(path);
		}
	}
	if (dir != NULL) {
		closedir(dir);
	}
}

_Noreturn void fault_lose_power(void)
{
	fault_cutting = true;
	cut_names();
	cut_folder(fault_disk->root);
	fault_disk->was_cut = true;
	kill(getpid(), SIGKILL);
	for (;;) {
		pause();
	}
}

_Noreturn void fault_disk_cut(void)
{
	pthread_mutex_lock(&fault_disk->lock);
	fault_lose_power();
}
