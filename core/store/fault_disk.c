/*
 * See fault_disk.h: its beginning and end, what is on it, and the calls that are counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/store/fault_priv.h"

struct fault_disk *fault_disk;
static bool in_use; /* by this process */
/* This thread takes back what was not synced. The others go on meanwhile, and must come no further
 * than to their next call: what they wrote past the cut would be acknowledged and lost. */
_Thread_local bool fault_cutting;

_Noreturn void fault_broken(const char *what)
{
	fprintf(stderr, "fault disk: %s\n", what);
	abort();
}

uint64_t fault_below(uint64_t n)
{
	uint64_t z = fault_disk->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

/* ---- system calls that are not counted ---- */

int fault_raw_open(const char *path, int flags)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

/* ---- life ---- */

void fault_disk_new(const char *root, const struct fault_plan *plan)
{
	pthread_mutexattr_t shared;

	if (fault_disk != NULL) {
		munmap(fault_disk, sizeof(*fault_disk));
	}
	fault_disk = mmap(NULL, sizeof(*fault_disk), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fault_disk == MAP_FAILED) {
		fault_broken("no memory");
	}
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&fault_disk->lock, &shared);
	snprintf(fault_disk->root, PATH_SIZE, "%s", root);
	snprintf(fault_disk->stash, PATH_SIZE, "%.400s.stash", root);
	mkdir(fault_disk->stash, 0700);
	fault_disk->plan = *plan;
	fault_disk->random = plan->seed;
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
	return fault_disk->calls;
}

unsigned fault_disk_faults(void)
{
	return fault_disk->faults;
}

bool fault_disk_was_cut(void)
{
	return fault_disk->was_cut;
}

/* ---- what is on the disk ---- */

static bool is_below_root(const char *path)
{
	size_t n = strlen(fault_disk->root);

	return strncmp(path, fault_disk->root, n) == 0 && (path[n] == '/' || path[n] == '\0');
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

	if (!in_use || fault_cutting) {
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

	if (!in_use || fault_cutting || path == NULL) {
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

/* ---- counting ---- */

static bool is_due(enum fault_kind kind)
{
	const struct fault_plan *p = &fault_disk->plan;
	enum fault_kind of = p->kind == FAULT_SHORT ? FAULT_WRITE : p->kind;

	if (of == FAULT_NONE || (of != FAULT_ANY && of != kind)) {
		return false;
	}
	fault_disk->of_kind++;
	return fault_disk->of_kind >= p->fail_at && fault_disk->of_kind < p->fail_at + p->fail_n;
}

int fault_disk_enter(enum fault_kind kind, bool *ret_short)
{
	pthread_mutex_lock(&fault_disk->lock);
	*ret_short = false;
	fault_disk->calls++;
	if (fault_disk->calls == fault_disk->plan.cut_at) {
		fault_lose_power();
	}
	if (!is_due(kind)) {
		return 0;
	}
	fault_disk->faults++;
	*ret_short = fault_disk->plan.kind == FAULT_SHORT;
	return *ret_short ? 0 : fault_disk->plan.fail_errno;
}

void fault_disk_leave(void)
{
	pthread_mutex_unlock(&fault_disk->lock);
}
