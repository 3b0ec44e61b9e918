/*
 * SQL dumps of other programs: any text ends as a database or as an error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/store/foreign.h"
#include "test/fuzz/fuzz.h"

static bool wanted(struct slice table)
{
	return table.len == 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;
	struct foreign *f = NULL;
	struct err_note note = { 0 };

	if (fd < 0) {
		snprintf(path, sizeof(path), "/tmp/plimsoll-dump-fuzz-XXXXXX");
		fd = mkstemp(path);
		CHECK(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	enum err e = foreign_open(path, wanted, &f, &note);
	CHECK((e == ERR_OK) == (f != NULL));
	foreign_close(&f);
	return 0;
}
