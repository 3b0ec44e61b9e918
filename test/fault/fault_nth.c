/*
 * Preloaded into the processes of a whole server: makes the Nth allocation or the Nth system call
 * of one role fail. What, where and when stands in a file that the test and all processes map, so
 * one running server is tried with many N. Calls are counted where a program calls libc (ours,
 * libuv's, SQLite's, OpenSSL's, curl's); what libc calls inside itself is not seen.
 *
 * It needs no system call that the sandboxes forbid: the file is mapped before they close.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
	KIND_NONE,
	KIND_ALLOC,
	KIND_CALL
};

/* The file; test/harness/nth.mjs writes it. */
struct control {
	_Atomic uint32_t kind; /* 0: nothing is counted */
	uint32_t at;	       /* the call that fails, counted from 1 */
	_Atomic uint32_t count, fired;
	char role[16];
	char what[32]; /* name of the call that failed */
	uint8_t trace; /* print the stack then */
};

static struct control *control;
static char own_role[16] = "supervisor";

static bool is_due(enum kind kind, const char *what)
{
	struct control *c = control;

	if (c == NULL || atomic_load(&c->kind) != (uint32_t)kind ||
	    strcmp(c->role, own_role) != 0 || atomic_fetch_add(&c->count, 1) + 1 != c->at) {
		return false;
	}
	atomic_fetch_add(&c->fired, 1);
	strncpy(c->what, what, sizeof(c->what) - 1);
	if (c->trace != 0) {
		void *frames[32];
		backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
	}
	return true;
}

/*
 * Debian 12's libseccomp follows a null pointer when it has no memory while it makes a filter (seen
 * with this test). That is at a start, before the process serves, and not ours to mend: its
 * allocations do not fail here.
 */
static uintptr_t seccomp_from, seccomp_to;

static int find_seccomp(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	if (strstr(info->dlpi_name, "libseccomp") != NULL) {
		for (int i = 0; i < info->dlpi_phnum; i++) {
			uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr +
					info->dlpi_phdr[i].p_memsz;
			if (info->dlpi_phdr[i].p_type == PT_LOAD && end > seccomp_to) {
				seccomp_to = end;
			}
		}
		seccomp_from = info->dlpi_addr;
	}
	return 0;
}

static bool is_due_alloc(const char *what, const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	return (at < seccomp_from || at >= seccomp_to) && is_due(KIND_ALLOC, what);
}

/* ---- memory: glibc exports the functions behind its own names ---- */

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t n)
{
	return is_due_alloc("malloc", __builtin_return_address(0)) ? no_memory() : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return is_due_alloc("calloc", __builtin_return_address(0)) ? no_memory()
								   : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return is_due_alloc("realloc", __builtin_return_address(0)) ? no_memory()
								    : __libc_realloc(p, n);
}

/* ---- system calls ---- */

/*
 * Pipes and event descriptors with which a process wakes itself do not fail on a system that lives,
 * and libuv ends the process if one does: that is not tried.
 */
static bool wakes_itself(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || (st.st_mode & S_IFMT) == 0);
}

#define CALL_ON(type, name, params, args, error)                                                   \
	CALL_IF(type, name, params, args, error, !wakes_itself(fd))
#define CALL(type, name, params, args, error) CALL_IF(type, name, params, args, error, true)
#define CALL_IF(type, name, params, args, error, counts)                                           \
	static type(*real_##name) params;                                                          \
	type name params                                                                           \
	{                                                                                          \
		if ((counts) && is_due(KIND_CALL, #name)) {                                        \
			errno = error;                                                             \
			return (type)-1;                                                           \
		}                                                                                  \
		if (real_##name == NULL) {                                                         \
			*(void **)&real_##name = dlsym(RTLD_NEXT, #name);                          \
		}                                                                                  \
		return real_##name args;                                                           \
	}

/* clang-format off */
CALL_ON(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), EIO)
CALL_ON(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n), EIO)
CALL_ON(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), EIO)
CALL_ON(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), EIO)
CALL(ssize_t, pread64, (int fd, void *b, size_t n, off64_t at), (fd, b, n, at), EIO)
CALL(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at), ENOSPC)
CALL(ssize_t, recv, (int fd, void *b, size_t n, int f), (fd, b, n, f), ENOMEM)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f), ENOMEM)
CALL(ssize_t, send, (int fd, const void *b, size_t n, int f), (fd, b, n, f), ENOBUFS)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f), ENOBUFS)
CALL(int, fsync, (int fd), (fd), EIO)
CALL(int, fdatasync, (int fd), (fd), EIO)
CALL(int, ftruncate64, (int fd, off64_t n), (fd, n), EIO)
CALL(int, fstat64, (int fd, struct stat64 *st), (fd, st), ENOMEM)
CALL(int, socket, (int d, int t, int p), (d, t, p), EMFILE)
CALL(int, socketpair, (int d, int t, int p, int v[2]), (d, t, p, v), EMFILE)
CALL(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f), EMFILE)
CALL(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n), ENETUNREACH)
CALL(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), ENOBUFS)
CALL(int, getpeername, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n), ENOBUFS)
CALL(int, getsockopt, (int fd, int l, int o, void *v, socklen_t *n), (fd, l, o, v, n), ENOBUFS)
CALL(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n), ENOMEM)
CALL(int, mkdir, (const char *p, mode_t m), (p, m), ENOSPC)
CALL(int, unlink, (const char *p), (p), EIO)
CALL(int, unlinkat, (int d, const char *p, int f), (d, p, f), EIO)
CALL(int, renameat, (int d, const char *p, int e, const char *q), (d, p, e, q), EIO)
CALL(pid_t, fork, (void), (), EAGAIN)
CALL(void *, mmap, (void *p, size_t n, int r, int f, int fd, off_t at), (p, n, r, f, fd, at), ENOMEM)
CALL(void *, mmap64, (void *p, size_t n, int r, int f, int fd, off64_t at), (p, n, r, f, fd, at), ENOMEM)
CALL(int, mprotect, (void *p, size_t n, int r), (p, n, r), ENOMEM)
/* clang-format on */

#define OPEN(name)                                                                                 \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		static int (*real)(const char *, int, ...);                                        \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;                   \
		va_end(args);                                                                      \
		if (is_due(KIND_CALL, #name)) {                                                    \
			errno = EMFILE;                                                            \
			return -1;                                                                 \
		}                                                                                  \
		if (real == NULL) {                                                                \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
		}                                                                                  \
		return real(path, flags, mode);                                                    \
	}
#define OPENAT(name)                                                                               \
	int name(int dir, const char *path, int flags, ...)                                        \
	{                                                                                          \
		static int (*real)(int, const char *, int, ...);                                   \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;                   \
		va_end(args);                                                                      \
		if (is_due(KIND_CALL, #name)) {                                                    \
			errno = EMFILE;                                                            \
			return -1;                                                                 \
		}                                                                                  \
		if (real == NULL) {                                                                \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                 \
		}                                                                                  \
		return real(dir, path, flags, mode);                                               \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (is_due(KIND_CALL, "pthread_create")) {
		return EAGAIN;
	}
	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	}
	return real(t, a, fn, arg);
}

__attribute__((constructor)) static void map_control(int argc, char **argv)
{
	const char *path = getenv("PLIMSOLL_FAULT");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		return;
	}
	if (argc >= 3 && strcmp(argv[1], "--role") == 0) {
		snprintf(own_role, sizeof(own_role), "%s", argv[2]);
	}
	(void)dl_iterate_phdr(find_seccomp, NULL);
	void *frame[1];
	(void)backtrace(frame, 1); /* the first one loads a library */
	void *at = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	control = at == MAP_FAILED ? NULL : at;
}
