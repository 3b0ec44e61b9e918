/*
 * The list of system calls per profile. What is not on it is answered, not killed, because a
 * library of another version may try something and do without it:
 *
 *	EPERM   everything not listed: files, network, other processes, more power. Known to be
 *tried are sockets of the resolver and SQLite's read-write attempt on a read-only file. ENOSYS what
 *came after Linux 5.0 (number 424 and up) and is not listed: libraries take it for an older kernel
 *and fall back kill    what nothing here ever does by itself: executing programs, looking into
 *other processes. An attempt is an attack; the supervisor logs it and starts afresh.
 *
 * Memory that is executable cannot be made. Threads only where the profile has them, and processes
 * only in one profile: clone() must say CLONE_THREAD, and clone3(), whose flags a filter cannot
 *see, does not exist (libc falls back to clone()). The profile that has processes executes programs
 *that it has opened, of which Landlock leaves one; that one then takes the rest from itself.
 */
#include "core/role/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "core/role/role.h"

/* One list: names and the number of them. Names that an architecture lacks are passed over. */
struct calls {
	const char *const *names;
	size_t n;
};
#define CALLS(array)                                                                               \
	{                                                                                          \
		(array), sizeof(array) / sizeof((array)[0])                                        \
	}

/* clang-format off */
static const char *const base_names[] = {
	/* memory (mmap and mprotect below) */
	"brk", "munmap", "mremap", "madvise", "membarrier",
	/* time, random, threads as such, leaving */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"getrandom", "futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity",
	"exit", "exit_group", "restart_syscall", "alarm", "setitimer",
	/* signals to oneself */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack",
	/* who am I */
	"getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage",
	"getcpu", "uname", "sysinfo", "times",
	/* open descriptors */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek",
	"close", "fcntl", "dup", "dup2", "dup3", "pipe2", "fstat",
	"poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "eventfd2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
	/* connected sockets, such as those of peers */
	"sendmsg", "recvmsg", "sendto", "recvfrom", "shutdown", "getsockopt", "setsockopt",
	"getsockname", "getpeername",
};
static const char *const read_names[] = {
	"newfstatat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getcwd", "getdents64", "fstatfs", "statfs", "fadvise64",
};
static const char *const write_names[] = {
	"open", "openat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "ftruncate",
	"fsync", "fdatasync", "sync_file_range", "fallocate", "fchmod", "fchmodat", "fchown",
	"umask", "flock", "linkat", "utimensat",
};
static const char *const accept_names[] = { "accept", "accept4", "sendfile" };
static const char *const dial_names[] = { "connect", "sendmmsg", "recvmmsg" };

/* To begin a helper, and for the helper to load its libraries and close itself in further. */
static const char *const spawn_names[] = {
	"close_range", "wait4", "waitid", "arch_prctl", "set_tid_address", "capget", "capset",
	"setrlimit", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
};

static const char *const kill_names[] = {
	"execve", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
};
/* clang-format on */

static const struct calls base_calls = CALLS(base_names), read_calls = CALLS(read_names),
			  write_calls = CALLS(write_names), accept_calls = CALLS(accept_names),
			  dial_calls = CALLS(dial_names), kill_calls = CALLS(kill_names),
			  spawn_calls = CALLS(spawn_names);

/* Numbers of calls that came after Linux 5.0 are the same on all architectures. */
enum {
	NEW_FIRST = 424,
	NEW_END = 560
};

/* A filter while it is built. */
struct filter {
	scmp_filter_ctx ctx;
	int failed;	      /* errno of the first refusal of libseccomp */
	bool listed[NEW_END]; /* numbers that have a rule */
};

static void note_result(struct filter *f, int result)
{
	if (result < 0 && f->failed == 0) {
		f->failed = -result;
	}
}

static void add(struct filter *f, uint32_t action, const char *name, unsigned n,
    const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		return;
	}
	note_result(f, seccomp_rule_add_array(f->ctx, action, nr, n, args));
	if (nr >= 0 && nr < NEW_END) {
		f->listed[nr] = true;
	}
}

static void add_list(struct filter *f, uint32_t action, struct calls calls)
{
	for (size_t i = 0; i < calls.n; i++) {
		add(f, action, calls.names[i], 0, NULL);
	}
}

/* Allows name where argument arg, masked, is value. */
static void allow_if(
    struct filter *f, const char *name, unsigned arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp cmp = {
		.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value
	};

	add(f, SCMP_ACT_ALLOW, name, 1, &cmp);
}

static void allow_value(struct filter *f, const char *name, unsigned arg, uint64_t value)
{
	allow_if(f, name, arg, UINT32_MAX, value);
}

static void allow_base(struct filter *f)
{
	static const unsigned long ioctls[] = { FIONBIO, FIONREAD, FIOCLEX, SIOCOUTQ, TCGETS };
	static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_SECCOMP,
		PR_SET_VMA };

	add_list(f, SCMP_ACT_ALLOW, base_calls);
	allow_if(f, "mmap", 2, PROT_EXEC, 0);
	allow_if(f, "mprotect", 2, PROT_EXEC, 0);
	/* The form that libc uses for fstat(). */
	allow_if(f, "newfstatat", 3, AT_EMPTY_PATH, AT_EMPTY_PATH);
	allow_value(f, "tgkill", 0, (uint64_t)getpid()); /* abort() */
	for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]); i++) {
		allow_value(f, "ioctl", 1, ioctls[i]);
	}
	for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]); i++) {
		allow_value(f, "prctl", 0, (uint64_t)prctls[i]);
	}
	/* Reading limits of oneself: no new limit given (argument 2 is NULL). */
	const struct scmp_arg_cmp own[] = { { 0, SCMP_CMP_EQ, 0, 0 }, { 2, SCMP_CMP_EQ, 0, 0 } };
	add(f, SCMP_ACT_ALLOW, "prlimit64", 2, own);
}

static void allow_reading(struct filter *f)
{
	const uint64_t mask = O_ACCMODE | O_CREAT | O_TRUNC;

	add_list(f, SCMP_ACT_ALLOW, read_calls);
	allow_if(f, "openat", 2, mask, O_RDONLY);
	allow_if(f, "open", 1, mask, O_RDONLY);
}

static void allow_dialling(struct filter *f)
{
	allow_value(f, "socket", 0, AF_INET);
	allow_value(f, "socket", 0, AF_INET6);
	allow_value(f, "socketpair", 0, AF_UNIX); /* libcurl wakes itself with one */
	add_list(f, SCMP_ACT_ALLOW, dial_calls);
}

/* A stream socket of that family, of which a datagram one is none. */
static void allow_stream(struct filter *f, int family)
{
	const uint64_t kind = ~(uint64_t)(SOCK_NONBLOCK | SOCK_CLOEXEC) & UINT32_MAX;
	const struct scmp_arg_cmp args[] = {
		{ 0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint64_t)family },
		{ 1, SCMP_CMP_MASKED_EQ, kind, SOCK_STREAM },
	};

	add(f, SCMP_ACT_ALLOW, "socket", 2, args);
}

/*
 * To the database server. Which one is seen by Landlock alone, and of TCP only the port; a Unix
 * socket is guarded by the rights on its file.
 */
static void allow_database(struct filter *f, const struct pg_reach *database)
{
	if (database->unix_socket) {
		allow_stream(f, AF_UNIX);
	}
	if (database->n_ports > 0) {
		allow_stream(f, AF_INET);
		allow_stream(f, AF_INET6);
	}
	add(f, SCMP_ACT_ALLOW, "connect", 0, NULL);
}

/*
 * A process without namespaces of its own, a program that is open already, and its libraries:
 * code is mapped from files, and nothing that can be written is ever executed.
 */
static void allow_spawning(struct filter *f)
{
	static const int prctls[] = { PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE, PR_SET_PDEATHSIG };
	const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	const struct scmp_arg_cmp code[] = {
		{ 2, SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC },
		{ 3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0 },
	};
	const struct scmp_arg_cmp self = { 0, SCMP_CMP_EQ, 0, 0 };

	add_list(f, SCMP_ACT_ALLOW, spawn_calls);
	allow_if(f, "clone", 0, namespaces, 0);
	allow_if(f, "execveat", 4, AT_EMPTY_PATH, AT_EMPTY_PATH);
	allow_value(f, "kill", 1, SIGKILL);
	add(f, SCMP_ACT_ALLOW, "mmap", 2, code);
	add(f, SCMP_ACT_ALLOW, "prlimit64", 1, &self);
	for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]); i++) {
		allow_value(f, "prctl", 0, (uint64_t)prctls[i]);
	}
}

static void build(struct filter *f, uint32_t flags, const struct pg_reach *database)
{
	bool writes = (flags & (SANDBOX_WRITE_DATA | SANDBOX_KEYS | SANDBOX_WRITE_BLOBS)) != 0;
	/* libpq looks for files of its own; Landlock says which are there to be read. */
	bool reads = SANDBOX_SANITIZED || database != NULL ||
		     (flags & (SANDBOX_READ_DATA | SANDBOX_READ_BLOBS | SANDBOX_DIAL)) != 0;

	note_result(f, seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_TSYNC, 1));
	note_result(f, seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2));
	allow_base(f);
	if (writes) {
		add_list(f, SCMP_ACT_ALLOW, read_calls);
		add_list(f, SCMP_ACT_ALLOW, write_calls);
	} else if (reads) {
		allow_reading(f);
	}
	if ((flags & SANDBOX_ACCEPT) != 0) {
		add_list(f, SCMP_ACT_ALLOW, accept_calls);
		allow_value(f, "socketpair", 0, AF_UNIX); /* conn_tunnel.c */
	}
	if ((flags & SANDBOX_DIAL) != 0) {
		allow_dialling(f);
	}
	if (database != NULL) {
		allow_database(f, database);
	}
	if ((flags & SANDBOX_SPAWN) != 0) {
		allow_spawning(f);
	} else if ((flags & SANDBOX_THREADS) != 0) {
		allow_if(f, "clone", 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
	}
}

static void hide_new(struct filter *f)
{
	add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	for (int nr = NEW_FIRST; nr < NEW_END; nr++) {
		if (!f->listed[nr]) {
			note_result(
			    f, seccomp_rule_add_array(f->ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0, NULL));
		}
	}
}

bool seccomp_works(void)
{
	return seccomp_api_get() >= 3; /* filters with TSYNC: Linux 4.14 */
}

enum err seccomp_restrict(uint32_t flags, const struct pg_reach *database, struct err_note *note)
{
	struct filter f = { .ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM)) };

	if (f.ctx == NULL) {
		return err_note_set(note, ERR_MEMORY, "seccomp makes no filter");
	}
	build(&f, flags, database);
	add_list(&f, SCMP_ACT_KILL_PROCESS, kill_calls);
	if ((flags & SANDBOX_SPAWN) == 0) {
		add(&f, SCMP_ACT_KILL_PROCESS, "execveat", 0, NULL);
	}
	hide_new(&f);
	int failed = f.failed;
	if (failed == 0) {
		failed = -seccomp_load(f.ctx);
	}
	seccomp_release(f.ctx);
	if (failed != 0) {
		errno = failed;
		return err_note_set(note, ERR_SYSTEM, "seccomp does not take the filter");
	}
	return ERR_OK;
}
