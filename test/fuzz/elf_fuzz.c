/*
 * ELF files of strangers, read, and their sections cut out, as the role files does it. What is in
 * gzip form is to debuggers what it is without, and whatever numbers say, reading stays inside the
 * file and writing below the bound.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/check.h"
#include "services/symbols/elf_facts.h"
#include "services/symbols/gunzip.h"
#include "services/symbols/windows_file.h"

enum {
	INPUT_MAX = 1 << 16,
	SECTION_MAX = 1 << 20,
	HEAD_BYTES = 8192
};

static int put_file(int fd, const void *bytes, size_t len)
{
	CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len);
	return fd;
}

static size_t pack(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (unsigned)size };

	CHECK(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_out = out;
	z.avail_out = (unsigned)room;
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	size_t len = z.total_out;
	(void)deflateEnd(&z);
	return len;
}

static struct elf_facts facts_of(int fd, size_t len, const void *head, size_t head_len)
{
	const struct elf_place place = { .fd = fd, .len = len, .max = SECTION_MAX };

	return elf_facts_of(
	    &place, SLICE_OF(head, head_len < HEAD_BYTES ? head_len : (size_t)HEAD_BYTES));
}

static void check_facts(const struct elf_facts *f, const struct elf_facts *packed, size_t size)
{
	size_t digits = strlen(f->build_id);

	CHECK((f->kind == 0) == (digits == 0) && digits % 2 == 0 && digits <= ELF_BUILD_ID_HEX);
	CHECK(packed->kind == (f->kind == 0 ? 0 : f->kind | ELF_PACKED));
	CHECK(packed->size == f->size && (f->kind == 0 || f->size == size));
	CHECK(strcmp(packed->build_id, f->build_id) == 0);
}

static void cut_sections(int fd, size_t size, int out)
{
	static const char *const names[] = { ".text", ".debug_info", ".debug_str", ".bss",
		".note.gnu.build-id", ".shstrtab", ".zstd" };
	struct elf_place place = { .fd = fd, .len = size };
	struct elf *e = NULL;

	if (elf_open(&(struct elf_source){ elf_place_read, &place }, &e) != ERR_OK) {
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct elf_section s;
		struct err_note note = { 0 };
		if (!elf_section_find(e, slice_str(names[i]), &s) || !elf_section_has_bytes(&s)) {
			continue;
		}
		CHECK(ftruncate(out, 0) == 0);
		enum err err = elf_section_copy(e, &s, SECTION_MAX, out, &note);
		off_t len = lseek(out, 0, SEEK_END);
		CHECK(len >= 0 && len <= SECTION_MAX);
		CHECK(err == ERR_OK || err == ERR_INVALID || err == ERR_LIMIT ||
		      err == ERR_UNSUPPORTED);
	}
	elf_close(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packed[2 * INPUT_MAX];
	static int plain_fd = -1, packed_fd = -1, out = -1;

	if (size > INPUT_MAX) {
		return 0;
	}
	if (plain_fd < 0) {
		plain_fd = memfd_create("plain", MFD_CLOEXEC);
		packed_fd = memfd_create("packed", MFD_CLOEXEC);
		out = memfd_create("section", MFD_CLOEXEC);
		CHECK(plain_fd >= 0 && packed_fd >= 0 && out >= 0);
	}
	struct elf_facts f = facts_of(put_file(plain_fd, data, size), size, data, size);
	if ((f.kind & (ELF_PACKED | WINDOWS_PE | WINDOWS_PDB)) == 0) {
		size_t len = pack(data, size, packed, sizeof(packed));
		struct elf_facts p = facts_of(put_file(packed_fd, packed, len), len, packed, len);
		check_facts(&f, &p, size);
	}
	cut_sections(plain_fd, size, out);
	return 0;
}
