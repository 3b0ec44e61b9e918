/*
 * Processes of this machine. The processor time of a process is its clock (threads that have ended
 * included); what is per thread comes from schedstat, in nanoseconds. All of /proc is readable by
 * everybody but io and fd, which belong to the owner: what cannot be read stays unknown.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "lab/target_priv.h"

enum {
	FILE_BYTES = 4096,
};

/* Counters of target_grown(). */
enum {
	SEEN_CPU = 1,
	SEEN_RAN,
	SEEN_WAITED,
	SEEN_READ,
	SEEN_WRITTEN,
};

/* A small file; empty where it cannot be read. */
static struct slice read_small(const char *path, char out[FILE_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, FILE_BYTES);

	if (fd >= 0) {
		close(fd);
	}
	while (n > 0 && out[n - 1] == '\n') {
		n--;
	}
	return n > 0 ? SLICE_OF(out, (size_t)n) : SLICE_EMPTY;
}

static bool read_stat(int pid, int tid, struct proc_stat *ret)
{
	char path[64], text[FILE_BYTES];

	if (tid > 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	} else {
		(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	}
	return proc_read_stat(read_small(path, text), ret);
}

/* The number that a name of an entry is; 0: it is none. */
static int number_of(const char *name)
{
	uint64_t n = 0;

	return slice_to_u64(slice_str(name), 1 << 30, &n) == ERR_OK ? (int)n : 0;
}

/* Nanoseconds that it ran since the look before; what it waited goes to the role. */
static void add_thread(struct target *t, struct target_role *r, int pid, int tid, uint64_t start)
{
	char path[64], text[FILE_BYTES];
	uint64_t ran = 0, waited = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
	if (!proc_read_schedstat(read_small(path, text), &ran, &waited)) {
		return;
	}
	double ran_s = (double)target_grown(t, tid, SEEN_RAN, start, ran) / 1e9;
	r->hot_s = ran_s > r->hot_s ? ran_s : r->hot_s;
	r->known[TARGET_HOT_S] = true;
	target_count(
	    r, TARGET_RUN_DELAY_S, (double)target_grown(t, tid, SEEN_WAITED, start, waited) / 1e9);
}

static void add_threads(struct target *t, struct target_role *r, int pid, uint64_t start)
{
	char path[64];
	struct dirent *entry = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int tid = number_of(entry->d_name);
		if (tid > 0) {
			add_thread(t, r, pid, tid, start);
		}
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
}

static void add_disk(struct target *t, struct target_role *r, int pid, uint64_t start)
{
	char path[64], text[FILE_BYTES];
	uint64_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/io", pid);
	struct slice io = read_small(path, text);
	if (proc_read_field(io, "read_bytes", &n)) {
		target_count(
		    r, TARGET_READ_BYTES, (double)target_grown(t, pid, SEEN_READ, start, n));
	}
	if (proc_read_field(io, "write_bytes", &n)) {
		target_count(
		    r, TARGET_WRITTEN_BYTES, (double)target_grown(t, pid, SEEN_WRITTEN, start, n));
	}
}

static void add_sockets(struct target_role *r, int pid)
{
	char path[320], to[32];
	struct dirent *entry = NULL;
	double n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		ssize_t len = readlink(path, to, sizeof(to));
		n += len > 7 && memcmp(to, "socket:", 7) == 0 ? 1 : 0;
	}
	(void)closedir(dir);
	target_gauge(r, TARGET_SOCKETS, n);
}

/* A process that is bound to some processors makes the target no smaller than all that it may use.
 */
static void add_cpus(struct target *t, int pid)
{
	cpu_set_t set;

	if (sched_getaffinity(pid, sizeof(set), &set) == 0) {
		CPU_OR(&t->cpus, &t->cpus, &set);
	}
}

bool target_proc_add(struct target *t, struct target_role *r, int pid, double elapsed_s)
{
	struct proc_stat s = { .state = '?' };
	int64_t cpu_us = clock_cpu_of_us(pid);

	if (cpu_us < 0 || !read_stat(pid, 0, &s) || s.state == 'Z') {
		return false;
	}
	double cpu_s =
	    (double)target_grown(t, pid, SEEN_CPU, s.started_ticks, (uint64_t)cpu_us) / 1e6;
	target_count(r, TARGET_CPU_S, cpu_s);
	add_threads(t, r, pid, s.started_ticks);
	add_disk(t, r, pid, s.started_ticks);
	if (t->round % TARGET_DEAR_EVERY == 1) {
		add_sockets(r, pid);
		add_cpus(t, pid);
	}
	target_gauge(r, TARGET_PROCESSES, 1);
	target_gauge(r, TARGET_THREADS, (double)s.threads);
	target_gauge(
	    r, TARGET_MEMORY_BYTES, (double)s.resident_pages * (double)sysconf(_SC_PAGESIZE));
	r->awake += s.state == 'R' || s.state == 'D' ? 1 : 0;
	r->blocked += s.state == 'D' ? 1 : 0;
	(void)elapsed_s;
	return true;
}

/* ---- which processes ---- */

struct family {
	int pid, parent;
	bool in; /* one of them */
};

static bool is_called(int pid, const struct proc_stat *s, const char *name)
{
	char path[64], exe[512];

	if (strcmp(s->name, name) == 0) {
		return true;
	}
	/* Threads of some programs rename the process; its file keeps the name. */
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0) {
		return false;
	}
	exe[n] = '\0';
	const char *base = strrchr(exe, '/');
	return base != NULL && strcmp(base + 1, name) == 0;
}

static unsigned read_all(const struct target_source *s, struct family *all)
{
	struct dirent *entry = NULL;
	DIR *dir = opendir("/proc");
	unsigned n = 0;

	while (dir != NULL && n < TARGET_PROCESSES_MAX && (entry = readdir(dir)) != NULL) {
		struct proc_stat stat = { .state = '?' };
		int pid = number_of(entry->d_name);
		if (pid <= 0 || !read_stat(pid, 0, &stat) || stat.state == 'Z') {
			continue;
		}
		bool in =
		    s->kind == TARGET_PROCESS ? pid == s->pid : is_called(pid, &stat, s->name);
		all[n++] = (struct family){ pid, (int)stat.parent, in && pid != getpid() };
	}
	if (dir != NULL) {
		(void)closedir(dir);
	}
	return n;
}

/* Children of those that are in are in too, and theirs. */
static void add_children(struct family *all, unsigned n)
{
	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < n; i++) {
			for (unsigned k = 0; k < n && !all[i].in; k++) {
				all[i].in = all[k].in && all[i].parent == all[k].pid &&
					    all[i].pid != getpid();
				more = more || all[i].in;
			}
		}
	}
}

enum err target_proc_look(
    struct target *t, const struct target_source *s, double elapsed_s, struct err_note *note)
{
	struct family *all = calloc(TARGET_PROCESSES_MAX, sizeof(*all));
	struct target_role *r = target_role_of(t, slice_str(s->name));
	unsigned found = 0;

	if (all == NULL || r == NULL) {
		free(all);
		return err_note_set(note, ERR_LIMIT, "too many roles to watch");
	}
	unsigned n = read_all(s, all);
	add_children(all, n);
	for (unsigned i = 0; i < n; i++) {
		found += all[i].in && target_proc_add(t, r, all[i].pid, elapsed_s) ? 1 : 0;
	}
	free(all);
	if (found > 0) {
		return ERR_OK;
	}
	return s->kind == TARGET_PROCESS
		   ? err_note_set(
			 note, ERR_NOT_FOUND, "%s: there is no process %d", s->name, s->pid)
		   : err_note_set(note, ERR_NOT_FOUND, "there is no process called %s", s->name);
}
