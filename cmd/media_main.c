/*
 * plimsoll-media: makes the sizes of one picture. It is executed by the role media for each, with
 * the picture as its standard input, and writes the result (picture_wire.h) to its standard output:
 *
 *	plimsoll-media USE MOST_PIXELS MOST_BYTES
 *
 * It is a program of its own because libvips brings a hundred libraries along, which no process
 * should map while there is nothing to do, and because a picture must have nothing to take over but
 * this: it begins with what the role has, of which it gives up all but the open descriptors and
 * memory before it looks at the first byte.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/role/role.h"
#include "core/role/sandbox.h"
#include "services/pairs/picture/picture_make.h"

enum {
	MEMORY_MIB = 512, /* beyond what libraries take */
};

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SHADOW 1
#endif
#endif
#ifndef HAS_SHADOW
#define HAS_SHADOW 0
#endif

/* Bytes of address space that this process has now; 0: /proc is not there to be read. */
static uint64_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;

	if (f != NULL) {
		char line[64];
		pages = fgets(line, sizeof(line), f) == NULL ? 0 : strtoull(line, NULL, 10);
		(void)fclose(f);
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The sanitizer's shadow alone has terabytes of addresses. */
static bool limit_memory(void)
{
	enum {
		LIBRARIES_MIB = 192 /* where they cannot be counted; of Debian 12 they take 132 */
	};
	uint64_t now = address_space();
	rlim_t most =
	    (now != 0 ? now : (uint64_t)LIBRARIES_MIB << 20) + ((uint64_t)MEMORY_MIB << 20);
	const struct rlimit limit = { most, most };

	return HAS_SHADOW || setrlimit(RLIMIT_AS, &limit) == 0;
}

/* In a server that runs without sandboxes there is none here either. */
static enum err close_sandbox(struct err_note *note)
{
	const struct sandbox_extra nothing = { .database = NULL };
	int bits = 0;

	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0
		   ? ERR_OK
		   : sandbox_enter(SANDBOX_THREADS, &nothing, "", &bits, note);
}

static bool write_all(struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(STDOUT_FILENO, s.ptr, s.len);
		if (n <= 0) {
			return false;
		}
		s = slice_sub(s, (size_t)n, s.len);
	}
	return true;
}

/* _exit(): there is nothing to clean up in a process that ends. */
static _Noreturn void fail(const char *what, const struct err_note *note)
{
	fprintf(stderr, "plimsoll-media: %s: %s\n", what, note->text);
	_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct err_note note = { 0 };
	struct picture_result result = { .outcome = PICTURE_BAD };

	if (argc != 4) {
		fprintf(stderr, "plimsoll-media is executed by `plimsoll serve`\n");
		return EXIT_USAGE;
	}
	bool is_avatar = strcmp(argv[1], "avatar") == 0;
	uint64_t max_pixels = strtoull(argv[2], NULL, 10);
	struct buf picture = buf_new((size_t)strtoull(argv[3], NULL, 10));
	struct buf out = buf_new(PICTURE_RESULT_MAX);
	if (picture_init(&note) != ERR_OK) {
		fail("libvips", &note);
	}
	if (!limit_memory() || close_sandbox(&note) != ERR_OK) {
		fail("sandbox", &note);
	}
	if (buf_read_all(&picture, STDIN_FILENO) != ERR_OK) {
		fail("input", &note);
	}
	picture_make(buf_slice(&picture), is_avatar ? PICTURE_AVATAR : PICTURE_PHOTO, max_pixels,
	    &result, &note);
	if (result.outcome != PICTURE_MADE) {
		fprintf(stderr, "plimsoll-media: %s\n", note.text);
	}
	picture_result_put(&out, &result);
	if (out.failed || !write_all(buf_slice(&out))) {
		fail("output", &note);
	}
	_exit(EXIT_OK);
}
