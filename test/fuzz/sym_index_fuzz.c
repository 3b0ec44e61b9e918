/*
 * Indexes that somebody has changed: the sums are put right first, so that everything behind them
 * is reached. Whatever the tables and blocks say, reading stays inside the file and ends.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/check.h"
#include "services/symbols/sym_index.h"

enum {
	INPUT_MAX = 1 << 16,
	TEXT_MAX = 1 << 20
};

/* As if the index had been written like this. */
static size_t put_sums_right(uint8_t *bytes, size_t size)
{
	struct index_header h;

	if (size < sizeof(h)) {
		return size;
	}
	memcpy(&h, bytes, sizeof(h));
	uint32_t end = (uint32_t)size & ~3u, sums_at = end;
	/* What is left for the sums is at most a block's share of the rest. */
	if (h.sums >= sizeof(h) && h.sums <= end && h.sums % 4 == 0) {
		sums_at = h.sums;
	}
	uint32_t n = (sums_at - INDEX_HEADER_BYTES + INDEX_SUM_BYTES - 1) / INDEX_SUM_BYTES;
	memcpy(h.magic, INDEX_MAGIC, sizeof(h.magic));
	h.version = INDEX_VERSION;
	h.sums = sums_at;
	h.file_bytes = sums_at + n * 4;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = INDEX_HEADER_BYTES + i * INDEX_SUM_BYTES, left = sums_at - from;
		uint32_t sum = (uint32_t)crc32(
		    0, bytes + from, left < INDEX_SUM_BYTES ? left : (uInt)INDEX_SUM_BYTES);
		memcpy(bytes + sums_at + i * 4, &sum, sizeof(sum));
	}
	h.sums_sum = (uint32_t)crc32(0, bytes + sums_at, n * 4);
	h.sum = 0;
	h.sum = (uint32_t)crc32(0, (const Bytef *)&h, sizeof(h));
	memcpy(bytes, &h, sizeof(h));
	return h.file_bytes;
}

static void ask(struct sym_index *ix, uint64_t at)
{
	struct sym_found f;
	struct buf name = buf_new(TEXT_MAX);

	if (sym_index_find(ix, at, &f)) {
		CHECK(f.n_calls > 0 && f.n_calls <= SYM_CALLS_MAX + 1);
		for (unsigned i = 0; i < f.n_calls; i++) {
			bool is_good = sym_index_text(ix, f.calls[i].function, &name) &&
				       sym_index_text(ix, f.calls[i].file, &name);
			CHECK(is_good || sym_index_is_damaged(ix));
			buf_clear(&name);
		}
	}
	buf_free(&name);
}

static void use(int fd)
{
	struct sym_index *ix = NULL;
	enum err e = sym_index_open(fd, NULL, &ix, NULL);

	CHECK(e == ERR_OK || e == ERR_CORRUPT);
	if (e != ERR_OK) {
		return;
	}
	struct buf name = buf_new(TEXT_MAX);
	struct sym_identity id = sym_index_identity(ix);
	(void)sym_index_text(ix, id.name, &name);
	(void)sym_index_text(ix, id.code_file, &name);
	buf_free(&name);
	for (uint64_t at = 0x0ff0; at < 0x1400 && !sym_index_is_damaged(ix); at += 5) {
		ask(ix, at);
	}
	ask(ix, UINT32_MAX);
	sym_index_close(&ix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[2 * INPUT_MAX];
	static int fd = -1;

	if (size > INPUT_MAX) {
		return 0;
	}
	if (fd < 0) {
		fd = memfd_create("index", MFD_CLOEXEC);
	}
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data, size);
	size = put_sums_right(bytes, size);
	CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, size, 0) == (ssize_t)size);
	use(fd);
	return 0;
}
