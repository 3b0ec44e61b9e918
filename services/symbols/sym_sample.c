/*
 * Just enough of zip for one archive that is known to be good.
 */
#include "services/symbols/sym_sample.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "core/base/buf.h"

enum {
	ARCHIVE_MAX = 64 << 20,
	CENTRAL_BYTES = 46,
	LOCAL_BYTES = 30,
	END_BYTES = 22,
	NAME_MAX_BYTES = 200
};

const char *sym_sample_path(void)
{
	static char path[4096];
	const char *folder = getenv("PLIMSOLL_SAMPLE_DATA"), *source = getenv("SOURCE_ROOT");

	(void)snprintf(path, sizeof(path), "%s%s/firefox-symbols-sample.zip",
	    folder != NULL   ? folder
	    : source == NULL ? "."
			     : source,
	    folder != NULL ? "" : "/../shared/data");
	return path;
}

static uint32_t number(const char *at, unsigned bytes)
{
	uint32_t n = 0;

	memcpy(&n, at, bytes);
	return n;
}

static struct slice unpack(struct slice zip, const char *entry)
{
	const char *local = zip.ptr + number(entry + 42, 4);
	uint32_t packed = number(entry + 20, 4), size = number(entry + 24, 4);
	const char *data = local + LOCAL_BYTES + number(local + 26, 2) + number(local + 28, 2);
	char *out = malloc(size + 1);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data,
		.avail_in = packed,
		.next_out = (Bytef *)out,
		.avail_out = size };

	assert_non_null(out);
	if (number(entry + 10, 2) == 0) {
		memcpy(out, data, size);
		return SLICE_OF(out, size);
	}
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(inflateEnd(&z), Z_OK);
	return SLICE_OF(out, size);
}

bool sym_sample_each(void (*fn)(void *arg, const char *name, struct slice text), void *arg)
{
	struct buf zip = buf_new(ARCHIVE_MAX);
	int fd = open(sym_sample_path(), O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return false;
	}
	assert_int_equal(buf_read_all(&zip, fd), ERR_OK);
	close(fd);
	const char *end = zip.data + zip.len - END_BYTES;
	const char *entry = zip.data + number(end + 16, 4);
	for (uint32_t left = number(end + 10, 2); left > 0; left--) {
		char name[NAME_MAX_BYTES] = "";
		size_t len = number(entry + 28, 2);
		assert_true(len < sizeof(name));
		memcpy(name, entry + CENTRAL_BYTES, len);
		if (len > 4 && strcmp(name + len - 4, ".sym") == 0) {
			struct slice text = unpack(buf_slice(&zip), entry);
			fn(arg, name, text);
			free((void *)(uintptr_t)text.ptr);
		}
		entry += CENTRAL_BYTES + len + number(entry + 30, 2) + number(entry + 32, 2);
	}
	buf_free(&zip);
	return true;
}
