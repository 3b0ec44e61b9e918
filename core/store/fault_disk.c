/*
 * See fault_disk.h. Blocks of 4 KiB are kept as they are on the platter, once their first change is
 * not synced; names as a journal that is undone from its end.
 */
#include "core/store/fault_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BLOCK = 4096,
	SECTOR = 512,
	BLOCKS_MAX = 16384, /* changed at least once: 64 MiB */
	FILES_MAX = 256,
	NAMES_MAX = 1024,
	PATH_SIZE = 512
};

enum state {
	CLEAN,
	DIRTY, /* changed, not synced */
	LOST   /* a sync of it has failed: on no disk, and nobody will write it */
};

struct block {
	ino_t inode; /* 0: free */
	uint64_t index;
	enum state state;
	uint32_t len; /* bytes that the platter has of it */
};

struct file {
	ino_t inode;
	uint64_t size; /* on the platter */
	enum state state;
};

enum name_kind {
	NAME_CREATED,
	NAME_RENAMED,
	NAME_REMOVED,
	NAME_DONE /* synced */
};

struct name {
	enum name_kind kind;
	ino_t folder;
	char path[PATH_SIZE], to[PATH_SIZE];
	char saved[PATH_SIZE]; /* what stood at the place; "": nothing */
};

struct disk {
	pthread_mutex_t lock;
	char root[PATH_SIZE], stash[PATH_SIZE];
	struct fault_plan plan;
	uint64_t random;
	unsigned calls, of_kind, faults, stashed;
	bool was_cut;
	unsigned n_files, n_names;
	struct file files[FILES_MAX];
	struct name names[NAMES_MAX];
	struct block blocks[BLOCKS_MAX];
	unsigned char bytes[BLOCKS_MAX][BLOCK]; /* of blocks[i]; touched only when it changes */
};

static struct disk *disk;
static bool in_use; /* by this process */
/* This thread takes back what was not synced. The others go on meanwhile, and must come no further
 * than to their next call: what they wrote past the cut would be acknowledged and lost. */
static _Thread_local bool cutting;
/* Of this process, index as files: to read from. Closing one would drop the POSIX locks of the
 * process on that file, so none is. 0: none. */
static int reading[FILES_MAX];

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "fault disk: %s\n", what);
	abort();
}

static uint64_t below(uint64_t n)
{
	uint64_t z = disk->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

/* ---- system calls that are not counted ---- */

static int raw_open(const char *path, int flags)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static void raw_write(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (syscall(SYS_pwrite64, fd, bytes, len, offset) != (long)len) {
		broken("cannot write back");
	}
}

/* ---- life ---- */

void fault_disk_new(const char *root, const struct fault_plan *plan)
{
	pthread_mutexattr_t shared;

	if (disk != NULL) {
		munmap(disk, sizeof(*disk));
	}
	disk = mmap(NULL, sizeof(*disk), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (disk == MAP_FAILED) {
		broken("no memory");
	}
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&disk->lock, &shared);
	snprintf(disk->root, PATH_SIZE, "%s", root);
	snprintf(disk->stash, PATH_SIZE, "%.400s.stash", root);
	mkdir(disk->stash, 0700);
	disk->plan = *plan;
	disk->random = plan->seed;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void fault_disk_clean(const char *root)
{
	char stash[PATH_SIZE];

	snprintf(stash, sizeof(stash), "%.400s.stash", root);
	nftw(stash, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void fault_disk_remove(const char *root)
{
	fault_disk_clean(root);
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void fault_disk_use(void)
{
	in_use = true;
}

unsigned fault_disk_calls(void)
{
	return disk->calls;
}

unsigned fault_disk_faults(void)
{
	return disk->faults;
}

bool fault_disk_was_cut(void)
{
	return disk->was_cut;
}

/* ---- what is on the disk ---- */

static bool is_below_root(const char *path)
{
	size_t n = strlen(disk->root);

	return strncmp(path, disk->root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* -shm is memory that happens to have a name. */
static bool is_memory(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, "-shm") == 0;
}

bool fault_disk_has(int fd)
{
	char link[40], path[PATH_SIZE];

	if (!in_use || cutting) {
		return false;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0) {
		return false;
	}
	path[n] = '\0';
	return is_below_root(path) && !is_memory(path);
}

bool fault_disk_path(int dir, const char *path, char out[512])
{
	char link[40], folder[PATH_SIZE] = "";
	ssize_t n = 0;

	if (!in_use || cutting || path == NULL) {
		return false;
	}
	if (path[0] != '/' && dir != AT_FDCWD) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		n = readlink(link, folder, sizeof(folder) - 1);
	} else if (path[0] != '/') {
		n = getcwd(folder, sizeof(folder)) == NULL ? 0 : (ssize_t)strlen(folder);
	}
	folder[n < 0 ? 0 : n] = '\0';
	int len = path[0] == '/' ? snprintf(out, PATH_SIZE, "%s", path)
				 : snprintf(out, PATH_SIZE, "%.200s/%.300s", folder, path);
	return len < PATH_SIZE && is_below_root(out) && !is_memory(out);
}

/* ---- bytes ---- */

static struct block *find_block(ino_t inode, uint64_t index)
{
	uint64_t at = ((uint64_t)inode * 31 + index) * 0x9e3779b97f4a7c15u >> 40;

	for (unsigned i = 0; i < BLOCKS_MAX; i++) {
		struct block *b = &disk->blocks[(at + i) % BLOCKS_MAX];
		if (b->inode == 0 || (b->inode == inode && b->index == index)) {
			return b;
		}
	}
	broken("too many blocks that are not synced");
}

static struct file *find_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		broken("fstat");
	}
	for (unsigned i = 0; i < disk->n_files; i++) {
		if (disk->files[i].inode == st.st_ino) {
			return &disk->files[i];
		}
	}
	if (disk->n_files == FILES_MAX) {
		broken("too many files");
	}
	disk->files[disk->n_files] =
	    (struct file){ .inode = st.st_ino, .size = (uint64_t)st.st_size };
	return &disk->files[disk->n_files++];
}

/* fd itself may be for writing only. */
static int reader_of(int fd, const struct file *f)
{
	char link[40];
	int *in = &reading[f - disk->files];

	if (*in == 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		*in = raw_open(link, O_RDONLY);
	}
	return *in;
}

static void keep_block(int fd, const struct file *f, uint64_t index)
{
	struct block *b = find_block(f->inode, index);

	if (b->inode == 0 || b->state == CLEAN) {
		long n = syscall(SYS_pread64, reader_of(fd, f), disk->bytes[b - disk->blocks],
		    BLOCK, index * BLOCK);
		b->inode = f->inode;
		b->index = index;
		b->len = n < 0 ? 0 : (uint32_t)n;
	}
	b->state = DIRTY;
}

void fault_disk_will_write(int fd, uint64_t offset, uint64_t len)
{
	struct file *f = find_file(fd);

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
		struct block *b = &disk->blocks[i];
		if (b->inode == inode && b->state == DIRTY) {
			b->state = good ? CLEAN : LOST;
		}
	}
	for (unsigned i = 0; i < disk->n_files; i++) {
		struct file *f = &disk->files[i];
		if (f->inode == inode && f->state == DIRTY) {
			f->state = good ? CLEAN : DIRTY; /* the size is metadata: journalled */
		}
	}
}

static void synced_names(ino_t folder)
{
	for (unsigned i = 0; i < disk->n_names; i++) {
		if (disk->names[i].folder == folder) {
			disk->names[i].kind = NAME_DONE;
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

/* ---- names ---- */

static ino_t folder_of(const char *path)
{
	char folder[PATH_SIZE];
	struct stat st;

	snprintf(folder, sizeof(folder), "%s", path);
	char *slash = strrchr(folder, '/');
	*slash = '\0';
	return stat(folder, &st) == 0 ? st.st_ino : 0;
}

static struct name *add_name(enum name_kind kind, const char *path)
{
	if (disk->n_names == NAMES_MAX) {
		broken("too many changes of names");
	}
	struct name *n = &disk->names[disk->n_names++];
	*n = (struct name){ .kind = kind, .folder = folder_of(path) };
	snprintf(n->path, PATH_SIZE, "%s", path);
	return n;
}

static void save(struct name *n, const char *path)
{
	snprintf(n->saved, PATH_SIZE, "%.400s/%u", disk->stash, disk->stashed++);
	if (link(path, n->saved) != 0) {
		n->saved[0] = '\0';
	}
}

void fault_disk_created(const char *path)
{
	add_name(NAME_CREATED, path);
}

void fault_disk_will_remove(const char *path)
{
	save(add_name(NAME_REMOVED, path), path);
}

void fault_disk_renamed(const char *from, const char *to)
{
	/* What stood at the target was noted as removed before; this is the move alone. */
	struct name *n = add_name(NAME_RENAMED, from);

	snprintf(n->to, PATH_SIZE, "%s", to);
}

/* ---- the cut ---- */

static void undo_name(const struct name *n)
{
	char away[PATH_SIZE];

	snprintf(away, sizeof(away), "%.400s/%u", disk->stash, disk->stashed++);
	if (n->kind == NAME_CREATED) {
		syscall(SYS_renameat2, AT_FDCWD, n->path, AT_FDCWD, away, 0);
	} else if (n->kind == NAME_RENAMED) {
		syscall(SYS_renameat2, AT_FDCWD, n->to, AT_FDCWD, n->path, 0);
	} else if (n->kind == NAME_REMOVED && n->saved[0] != '\0' && link(n->saved, n->path) != 0 &&
		   errno != EEXIST) {
		broken("cannot bring a name back");
	}
}

/* A journalling file system keeps the order of names: some of the first survive. */
static void cut_names(void)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < disk->n_names; i++) {
		pending += disk->names[i].kind != NAME_DONE ? 1 : 0;
	}
	unsigned kept = disk->plan.keep_some ? (unsigned)below(pending + 1) : 0;
	while (pending > kept) {
		const struct name *n = &disk->names[--disk->n_names];
		if (n->kind != NAME_DONE) {
			undo_name(n);
			pending--;
		}
	}
}

static void cut_block(int fd, const struct block *b, uint64_t size)
{
	unsigned char now[BLOCK] = { 0 };
	uint64_t fate = b->state == LOST || !disk->plan.keep_some ? 0 : below(3);
	size_t sectors = (size_t)below(BLOCK / SECTOR);

	if (fate == 1 || b->index * BLOCK >= size) {
		return;
	}
	syscall(SYS_pread64, fd, now, BLOCK, b->index * BLOCK);
	size_t kept = fate == 0 ? 0 : sectors * SECTOR;
	memset(now + kept, 0, BLOCK - kept);
	if (b->len > kept) {
		memcpy(now + kept, disk->bytes[b - disk->blocks] + kept, b->len - kept);
	}
	uint64_t len = size - b->index * BLOCK;
	raw_write(fd, now, len < BLOCK ? (size_t)len : BLOCK, b->index * BLOCK);
}

static void cut_file(const char *path)
{
	struct stat st;
	int fd = raw_open(path, O_RDWR);

	if (fd < 0 || fstat(fd, &st) != 0) {
		return;
	}
	for (unsigned i = 0; i < disk->n_files; i++) {
		const struct file *f = &disk->files[i];
		if (f->inode == st.st_ino) {
			uint64_t size = (uint64_t)st.st_size;
			if (f->state == DIRTY && (!disk->plan.keep_some || below(2) == 0)) {
				size = f->size;
			}
			if (syscall(SYS_ftruncate, fd, size) != 0) {
				broken("cannot cut");
			}
			for (unsigned k = 0; k < BLOCKS_MAX; k++) {
				const struct block *b = &disk->blocks[k];
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

/* With the lock held, which is never given back. */
static _Noreturn void lose_power(void)
{
	cutting = true;
	cut_names();
	cut_folder(disk->root);
	disk->was_cut = true;
	kill(getpid(), SIGKILL);
	for (;;) {
		pause();
	}
}

_Noreturn void fault_disk_cut(void)
{
	pthread_mutex_lock(&disk->lock);
	lose_power();
}

/* ---- counting ---- */

static bool is_due(enum fault_kind kind)
{
	const struct fault_plan *p = &disk->plan;
	enum fault_kind of = p->kind == FAULT_SHORT ? FAULT_WRITE : p->kind;

	if (of == FAULT_NONE || (of != FAULT_ANY && of != kind)) {
		return false;
	}
	disk->of_kind++;
	return disk->of_kind >= p->fail_at && disk->of_kind < p->fail_at + p->fail_n;
}

int fault_disk_enter(enum fault_kind kind, bool *ret_short)
{
	pthread_mutex_lock(&disk->lock);
	*ret_short = false;
	disk->calls++;
	if (disk->calls == disk->plan.cut_at) {
		lose_power();
	}
	if (!is_due(kind)) {
		return 0;
	}
	disk->faults++;
	*ret_short = disk->plan.kind == FAULT_SHORT;
	return *ret_short ? 0 : disk->plan.fail_errno;
}

void fault_disk_leave(void)
{
	pthread_mutex_unlock(&disk->lock);
}
