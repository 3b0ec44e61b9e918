/*
 * Landlock by its three system calls (libc has no wrappers). Rules are per folder, so the data
 * directory keeps database and keys apart. What the running kernel's version does not know is left
 * out; seccomp denies the same things where it can see them, so that an old kernel loses depth but
 * no boundary, except one: version 1 to 3 do not know TCP (seccomp still denies the calls).
 */
#include "core/role/sandbox_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/role/role.h"

/* Newer than the header of Debian 12; the kernel's documentation has the numbers. */
#define FS_TRUNCATE   (1ULL << 14) /* version 3 */
#define FS_IOCTL_DEV  (1ULL << 15) /* version 5 */
#define NET_BIND      (1ULL << 0)  /* version 4 */
#define NET_CONNECT   (1ULL << 1)
#define RULE_NET_PORT 2
#define SCOPE_SOCKET  (1ULL << 0) /* version 6: abstract Unix sockets of others */
#define SCOPE_SIGNAL  (1ULL << 1)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE)
#define FS_NEVER                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                              \
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |                           \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                          \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                          \
	    LANDLOCK_ACCESS_FS_REFER | FS_IOCTL_DEV)
/* A draft gets its name in another folder; version 1 knows no such right and refuses it to all. */
#define FS_KEEP (FS_READ | FS_WRITE | LANDLOCK_ACCESS_FS_REFER)
#define FS_RUN	(FS_READ | LANDLOCK_ACCESS_FS_EXECUTE)
/* What makes sense for something that is not a folder. */
#define FS_FILE                                                                                    \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE |              \
	    LANDLOCK_ACCESS_FS_EXECUTE)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct port_attr {
	uint64_t access, port;
};

struct rule {
	uint32_t flags;	    /* any of these sandbox_flags gives it */
	const char *folder; /* below the data directory, or an absolute path */
	uint64_t access;
};

/* clang-format off */
static const struct rule rules[] = {
	{ SANDBOX_READ_DATA,  "db",   FS_READ },
	{ SANDBOX_WRITE_DATA, "db",   FS_READ | FS_WRITE },
	{ SANDBOX_KEYS,       "keys", FS_READ | FS_WRITE },
	{ SANDBOX_READ_BLOBS,  "blobs", FS_READ },
	{ SANDBOX_WRITE_BLOBS, "blobs", FS_KEEP },
	/* The resolver and the certificates of authorities. A folder's rule outlives the replacement
	 * of a file in it; a file's does not. */
	{ SANDBOX_DIAL, "/etc/resolv.conf",                   FS_READ },
	{ SANDBOX_DIAL, "/etc/hosts",                         FS_READ },
	{ SANDBOX_DIAL, "/etc/host.conf",                     FS_READ },
	{ SANDBOX_DIAL, "/etc/gai.conf",                      FS_READ },
	{ SANDBOX_DIAL, "/etc/nsswitch.conf",                 FS_READ },
	{ SANDBOX_DIAL, "/etc/services",                      FS_READ },
	{ SANDBOX_DIAL, "/etc/protocols",                     FS_READ },
	{ SANDBOX_DIAL, "/run/systemd/resolve",               FS_READ },
	{ SANDBOX_DIAL, "/run/resolvconf",                    FS_READ },
	{ SANDBOX_DIAL, "/run/NetworkManager",                FS_READ },
	{ SANDBOX_DIAL, "/etc/ssl/certs",                     FS_READ },
	{ SANDBOX_DIAL, "/etc/ssl/openssl.cnf",               FS_READ },
	{ SANDBOX_DIAL, "/usr/lib/ssl",                       FS_READ },
	{ SANDBOX_DIAL, "/usr/share/ca-certificates",         FS_READ },
	{ SANDBOX_DIAL, "/usr/local/share/ca-certificates",   FS_READ },
	/* What a helper is linked with, and its loader, which the kernel executes. */
	{ SANDBOX_SPAWN, "/etc/ld.so.cache",                  FS_READ },
	{ SANDBOX_SPAWN, "/usr/lib",                          FS_RUN },
	{ SANDBOX_SPAWN, "/lib",                              FS_RUN },
#if SANDBOX_SANITIZED
	/* Reports need names of functions. */
	{ UINT32_MAX, "/proc/self",     FS_READ },
	{ UINT32_MAX, "/proc/self/exe", FS_READ },
	{ UINT32_MAX, "/usr/lib",       FS_READ },
#endif
};
/* clang-format on */

static int create_ruleset(const struct ruleset_attr *attr, size_t size, uint32_t flags)
{
	return (int)syscall(SYS_landlock_create_ruleset, attr, size, flags);
}

int landlock_version(void)
{
	int n = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return n < 0 ? 0 : n;
}

/* Takes out of wanted what the kernel's version does not know. */
static struct ruleset_attr known_to(int version, struct ruleset_attr wanted)
{
	if (version < 2) {
		wanted.fs &= ~LANDLOCK_ACCESS_FS_REFER;
	}
	if (version < 3) {
		wanted.fs &= ~FS_TRUNCATE;
	}
	if (version < 5) {
		wanted.fs &= ~FS_IOCTL_DEV;
	}
	wanted.net = version < 4 ? 0 : wanted.net;
	wanted.scoped = version < 6 ? 0 : wanted.scoped;
	return wanted;
}

/* data_dir NULL: the folder is as it stands there, and has to be there. */
static enum err add_rule(int ruleset, const struct rule *rule, const char *data_dir,
    uint64_t handled, struct err_note *note)
{
	char path[PATH_MAX];
	bool own = data_dir != NULL && rule->folder[0] != '/';
	struct landlock_path_beneath_attr beneath = { .allowed_access = rule->access & handled };
	struct stat st;
	enum err e = ERR_OK;

	snprintf(path, sizeof(path), "%s%s%s", own ? data_dir : "", own ? "/" : "", rule->folder);
	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0) {
		/* A machine without that file of the resolver has nothing to allow. */
		return own || data_dir == NULL
			   ? err_note_set(note, ERR_IO, "cannot open the folder %s", path)
			   : ERR_OK;
	}
	if (fstat(beneath.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		beneath.allowed_access &= FS_FILE;
	}
	if (beneath.allowed_access != 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
		e = err_note_set(note, ERR_SYSTEM, "Landlock refuses a rule for %s", path);
	}
	close(beneath.parent_fd);
	return e;
}

/* The ports and certificates of the database server. */
static enum err add_database(
    int ruleset, const struct pg_reach *database, uint64_t handled, struct err_note *note)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < database->n_ports && (handled & NET_CONNECT) != 0; i++) {
		const struct port_attr attr = { NET_CONNECT, database->ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0) != 0) {
			return err_note_set(note, ERR_SYSTEM, "Landlock refuses a rule for a port");
		}
	}
	for (unsigned i = 0; e == ERR_OK && i < database->n_files; i++) {
		const struct rule rule = { 0, database->files[i], FS_READ };

		e = add_rule(ruleset, &rule, NULL, FS_READ, note);
	}
	return e;
}

/* A program that was opened before; as it is, also when its name stands for another one later. */
static enum err add_helper(int ruleset, int fd, uint64_t handled, struct err_note *note)
{
	const struct landlock_path_beneath_attr beneath = {
		.allowed_access = FS_RUN & FS_FILE & handled, .parent_fd = fd
	};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0
		   ? ERR_OK
		   : err_note_set(note, ERR_SYSTEM, "Landlock refuses a rule for the helper");
}

enum err landlock_restrict(
    uint32_t flags, const struct sandbox_extra *extra, const char *data_dir, struct err_note *note)
{
	struct ruleset_attr attr = { .fs = FS_READ | FS_WRITE | FS_NEVER,
		.net = NET_BIND | ((flags & SANDBOX_DIAL) != 0 ? 0 : NET_CONNECT),
		.scoped = SCOPE_SOCKET | SCOPE_SIGNAL };
	enum err e = ERR_OK;

	attr = known_to(landlock_version(), attr);
	int ruleset = create_ruleset(&attr, sizeof(attr), 0);
	if (ruleset < 0) {
		return err_note_set(note, ERR_SYSTEM, "Landlock makes no rule set");
	}
	for (size_t i = 0; e == ERR_OK && i < sizeof(rules) / sizeof(rules[0]); i++) {
		if ((flags & rules[i].flags) != 0 || rules[i].flags == UINT32_MAX) {
			e = add_rule(ruleset, &rules[i], data_dir, attr.fs, note);
		}
	}
	if (e == ERR_OK && extra->read_folder != NULL) {
		const struct rule folder = { flags, extra->read_folder, FS_READ };
		e = add_rule(ruleset, &folder, NULL, attr.fs, note);
	}
	if (e == ERR_OK && extra->database != NULL) {
		e = add_database(ruleset, extra->database, attr.net, note);
	}
	if (e == ERR_OK && extra->helper_fd != NULL) {
		e = add_helper(ruleset, *extra->helper_fd, attr.fs, note);
	}
	if (e == ERR_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
		e = err_note_set(note, ERR_SYSTEM, "Landlock does not take the rules");
	}
	close(ruleset);
	return e;
}
