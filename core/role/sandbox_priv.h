/*
 * The two halves of sandbox.c that know a kernel interface each.
 */
#ifndef PLIMSOLL_ROLE_SANDBOX_PRIV_H
#define PLIMSOLL_ROLE_SANDBOX_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/role/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* Version of the kernel's Landlock, 1 and up; 0: there is none. */
int landlock_version(void);

/* Restricts files and TCP for this thread and those it makes from now on. */
NODISCARD enum err landlock_restrict(
    uint32_t flags, const struct sandbox_extra *extra, const char *data_dir, struct err_note *note);

bool seccomp_works(void);

/* Restricts all threads of the process. */
NODISCARD enum err seccomp_restrict(
    uint32_t flags, const struct pg_reach *database, struct err_note *note);

#endif
