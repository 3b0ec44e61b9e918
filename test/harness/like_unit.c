/*
 * Runs a program under the filters that a systemd unit asks for, where no systemd runs:
 *	like_unit CALL... -- PROGRAM ARGUMENT...
 * Only the named system calls are allowed (SystemCallFilter=, groups expanded by the caller),
 *sockets only of the Unix and Internet families (RestrictAddressFamilies=), no memory is writable
 *and executable (MemoryDenyWriteExecute=), and there are no new privileges. As systemd, it answers
 *EPERM (EAFNOSUPPORT for families) and knows nothing of names that this library does not know.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/base/check.h"

static void forbid_writable_code(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp both = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE,
		PROT_EXEC | PROT_WRITE };
	const struct scmp_arg_cmp exec = { 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC };

	CHECK(seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1, &both) == 0);
	CHECK(
	    seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1, &exec) == 0);
}

/* The families are the only ones of which socket() and socketpair() pass. */
static void allow_families(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct scmp_arg_cmp is = { 0, SCMP_CMP_EQ, (scmp_datum_t)families[i], 0 };
		CHECK(seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is) == 0);
		CHECK(
		    seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, &is) == 0);
	}
}

/* mmap and mprotect are allowed by a second filter, because here other rules name them. */
static void load(char **names, int n, bool refine)
{
	scmp_filter_ctx ctx = seccomp_init(refine ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));

	CHECK(ctx != NULL);
	if (refine) {
		forbid_writable_code(ctx);
	} else {
		allow_families(ctx);
	}
	for (int i = 0; i < n && !refine; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);
		bool is_socket =
		    strcmp(names[i], "socket") == 0 || strcmp(names[i], "socketpair") == 0;
		if (nr >= 0 && !is_socket) {
			CHECK(seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, 0, NULL) == 0);
		}
	}
	CHECK(seccomp_load(ctx) == 0);
	seccomp_release(ctx);
}

int main(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0) {
		at++;
	}
	if (at + 1 >= argc) {
		fprintf(stderr, "usage: like_unit CALL... -- PROGRAM ARGUMENT...\n");
		return 2;
	}
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	load(argv + 1, at - 1, true);
	load(argv + 1, at - 1, false);
	execv(argv[at + 1], argv + at + 1);
	fprintf(stderr, "like_unit: %s: %s\n", argv[at + 1], strerror(errno));
	return 1;
}
