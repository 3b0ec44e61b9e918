/*
 * Closes a role process in after it has started: what a start reads (configured files, libraries'
 * tables) is read by then, and what comes from outside has not been looked at yet.
 */
#include "core/role/sandbox.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/role/role.h"
#include "core/role/sandbox_priv.h"

enum err sandbox_available(struct err_note *note)
{
	if (landlock_version() < 1) {
		return err_note_set(note, ERR_UNSUPPORTED,
		    "this kernel has no Landlock (Linux 5.13 or newer with landlock in its lsm list)");
	}
	if (!seccomp_works()) {
		return err_note_set(note, ERR_UNSUPPORTED, "this kernel has no seccomp filters");
	}
	return ERR_OK;
}

/*
 * A server started by root keeps of root's powers only the one to reach its own files when they
 * belong to somebody else, and only in roles that have files at all.
 */
static enum err drop_capabilities(uint32_t flags, struct err_note *note)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0) {
		return err_note_set(note, ERR_SYSTEM, "cannot read the capabilities");
	}
	const uint32_t files = SANDBOX_READ_DATA | SANDBOX_WRITE_DATA | SANDBOX_KEYS |
			       SANDBOX_READ_BLOBS | SANDBOX_WRITE_BLOBS;
	uint32_t keep = (flags & files) != 0 ? 1u << CAP_DAC_OVERRIDE : 0;
	data[0].permitted &= keep;
	data[0].effective = data[0].permitted;
	data[1].permitted = data[1].effective = 0;
	data[0].inheritable = data[1].inheritable = 0;
	if (syscall(SYS_capset, &header, data) != 0) {
		return err_note_set(note, ERR_SYSTEM, "cannot give up capabilities");
	}
	return ERR_OK;
}

/* Threads of this process; 1 where /proc is not mounted. */
static unsigned count_threads(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/task");

	for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		n += entry->d_name[0] != '.';
	}
	if (dir != NULL) {
		closedir(dir);
	}
	return dir == NULL ? 1 : n;
}

static enum err drop_privileges(uint32_t flags, struct err_note *note)
{
	const struct rlimit no_core = { 0, 0 };

	/* Not dumpable: no core file with secrets, no ptrace and no /proc/PID/mem by others. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &no_core) != 0) {
		return err_note_set(note, ERR_SYSTEM, "cannot give up privileges");
	}
	return drop_capabilities(flags, note);
}

enum err sandbox_enter(uint32_t flags, const struct sandbox_extra *extra, const char *data_dir,
    int *ret_bits, struct err_note *note)
{
	if (count_threads() != 1) {
		return err_note_set(
		    note, ERR_SYSTEM, "threads were made before the sandbox closed");
	}
	enum err e = drop_privileges(flags, note);
	if (e == ERR_OK) {
		e = landlock_restrict(flags, extra, data_dir, note);
	}
	if (e == ERR_OK) {
		e = seccomp_restrict(flags, extra->database, note);
	}
	if (e == ERR_OK) {
		*ret_bits = SANDBOX_BIT_PRIVS | SANDBOX_BIT_LANDLOCK | SANDBOX_BIT_SECCOMP;
	}
	return e;
}
