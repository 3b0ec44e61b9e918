/*
 * The reader of ELF files over images that are made here: both classes, both byte orders, what may
 * be missing, and numbers that lie. test/fuzz/elf_fuzz.c has the rest.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "services/symbols/elf_facts.h"
#include "services/symbols/gunzip.h"

enum {
	IMAGE_MAX = 1 << 20,
	SECTIONS_MAX = 12,
	ID_BYTES = 20
};

/* An image while it is made: bytes of sections first, then names, then the table. */
struct image {
	unsigned char bytes[IMAGE_MAX];
	size_t len;
	bool is_64, is_big;
	char names[1024];
	size_t names_len;
	struct {
		size_t name;
		uint64_t type, flags, at, size;
	} sections[SECTIONS_MAX];
	size_t n;
	size_t table;
};

static struct image im;

static void put_number(size_t at, uint64_t n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t shift = 8 * (im.is_big ? len - 1 - i : i);
		im.bytes[at + i] = (unsigned char)(n >> shift);
	}
}

static void put_field(size_t at, const size_t place[2], const size_t len[2], uint64_t n)
{
	put_number(at + place[im.is_64], n, len[im.is_64]);
}

#define PUT(at, type, field, n)                                                                    \
	put_field((at),                                                                            \
	    (const size_t[]){ offsetof(Elf32_##type, field), offsetof(Elf64_##type, field) },      \
	    (const size_t[]){                                                                      \
		sizeof(((Elf32_##type *)0)->field), sizeof(((Elf64_##type *)0)->field) },          \
	    (n))

static size_t width_of(size_t w32, size_t w64)
{
	return im.is_64 ? w64 : w32;
}

static void begin(bool is_64, bool is_big)
{
	memset(&im, 0, sizeof(im));
	im.is_64 = is_64;
	im.is_big = is_big;
	im.len = width_of(sizeof(Elf32_Ehdr), sizeof(Elf64_Ehdr));
	im.names_len = 1;
	im.n = 1;
}

static void add(
    const char *name, uint64_t type, uint64_t flags, const void *bytes, size_t len, size_t size)
{
	im.sections[im.n].name = im.names_len;
	im.sections[im.n].type = type;
	im.sections[im.n].flags = flags;
	im.sections[im.n].at = im.len;
	im.sections[im.n].size = size;
	im.n++;
	memcpy(im.names + im.names_len, name, strlen(name) + 1);
	im.names_len += strlen(name) + 1;
	if (len > 0) {
		memcpy(im.bytes + im.len, bytes, len);
	}
	im.len += len;
}

static void add_build_id(size_t id_len)
{
	size_t at = im.len;
	unsigned char id[ELF_BUILD_ID_MAX + 4];

	for (size_t i = 0; i < sizeof(id); i++) {
		id[i] = (unsigned char)(0xa0 + i);
	}
	add(".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, "", 0, 16 + id_len);
	put_number(at, 4, 4);
	put_number(at + 4, id_len, 4);
	put_number(at + 8, NT_GNU_BUILD_ID, 4);
	memcpy(im.bytes + at + 12, "GNU", 4);
	memcpy(im.bytes + at + 16, id, id_len);
	im.len = at + 16 + id_len;
}

static void end(void)
{
	add(".shstrtab", SHT_STRTAB, 0, "", 0, 0);
	im.sections[im.n - 1].at = im.len;
	im.sections[im.n - 1].size = im.names_len;
	memcpy(im.bytes + im.len, im.names, im.names_len);
	im.len += im.names_len;
	im.table = im.len;
	size_t width = width_of(sizeof(Elf32_Shdr), sizeof(Elf64_Shdr));
	for (size_t i = 0; i < im.n; i++, im.len += width) {
		PUT(im.len, Shdr, sh_name, im.sections[i].name);
		PUT(im.len, Shdr, sh_type, im.sections[i].type);
		PUT(im.len, Shdr, sh_flags, im.sections[i].flags);
		PUT(im.len, Shdr, sh_offset, im.sections[i].at);
		PUT(im.len, Shdr, sh_size, im.sections[i].size);
		PUT(im.len, Shdr, sh_addralign, 4);
	}
	memcpy(im.bytes, ELFMAG, SELFMAG);
	im.bytes[EI_CLASS] = im.is_64 ? ELFCLASS64 : ELFCLASS32;
	im.bytes[EI_DATA] = im.is_big ? ELFDATA2MSB : ELFDATA2LSB;
	im.bytes[EI_VERSION] = EV_CURRENT;
	PUT(0, Ehdr, e_type, ET_DYN);
	PUT(0, Ehdr, e_shoff, im.table);
	PUT(0, Ehdr, e_shentsize, width);
	PUT(0, Ehdr, e_shnum, im.n);
	PUT(0, Ehdr, e_shstrndx, im.n - 1);
}

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	return fd;
}

static struct elf_facts facts_of(const void *bytes, size_t len, size_t claimed)
{
	int fd = file_of(bytes, len);
	const struct elf_place place = { .fd = fd, .len = claimed, .max = IMAGE_MAX };
	struct elf_facts f = elf_facts_of(&place, SLICE_OF(bytes, len < 8192 ? len : 8192));

	(void)close(fd);
	return f;
}

static struct elf_facts facts(void)
{
	return facts_of(im.bytes, im.len, im.len);
}

static size_t pack(unsigned char *out, size_t room)
{
	z_stream z = { .next_in = im.bytes, .avail_in = (unsigned)im.len };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = out;
	z.avail_out = (unsigned)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t len = z.total_out;
	(void)deflateEnd(&z);
	return len;
}

static void make_program(bool is_64, bool is_big)
{
	begin(is_64, is_big);
	add_build_id(ID_BYTES);
	add(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, "code", 4, 4);
	add(".bss", SHT_NOBITS, SHF_ALLOC, "", 0, 1 << 30);
	add(".debug_info", SHT_PROGBITS, 0, "debug", 5, 5);
	end();
}

static const char id_text[] = "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3";

static void test_a_program_with_debug_information_in_each_class_and_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		make_program((i & 1) != 0, (i & 2) != 0);
		struct elf_facts f = facts();
		assert_int_equal(f.kind, ELF_DEBUGINFO | ELF_EXECUTABLE);
		assert_string_equal(f.build_id, id_text);
		assert_int_equal(f.size, im.len);
	}
}

static void test_what_was_split_is_told_apart(void **state)
{
	(void)state;
	begin(true, false);
	add_build_id(ID_BYTES);
	add(".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, "", 0, 4);
	add(".debug_line", SHT_PROGBITS, 0, "debug", 5, 5);
	end();
	assert_int_equal(facts().kind, ELF_DEBUGINFO);

	begin(true, false);
	add_build_id(8);
	add(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, "code", 4, 4);
	add(".gnu_debuglink", SHT_PROGBITS, 0, "link", 4, 4);
	end();
	assert_int_equal(facts().kind, ELF_EXECUTABLE);
	assert_string_equal(facts().build_id, "a0a1a2a3a4a5a6a7");

	begin(true, false);
	add_build_id(ID_BYTES);
	add(".text", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, "", 0, 4);
	add(".symtab", SHT_SYMTAB, 0, "symbols", 7, 7);
	end();
	assert_int_equal(facts().kind, ELF_DEBUGINFO);
}

static void test_the_build_id_of_a_file_without_sections_is_in_its_segments(void **state)
{
	(void)state;
	make_program(true, false);
	size_t at = im.len;
	PUT(at, Phdr, p_type, PT_NOTE);
	PUT(at, Phdr, p_offset, im.sections[1].at);
	PUT(at, Phdr, p_filesz, im.sections[1].size);
	PUT(at, Phdr, p_align, 4);
	im.len += sizeof(Elf64_Phdr);
	PUT(0, Ehdr, e_phoff, at);
	PUT(0, Ehdr, e_phentsize, sizeof(Elf64_Phdr));
	PUT(0, Ehdr, e_phnum, 1);
	PUT(0, Ehdr, e_shoff, 0);
	int fd = file_of(im.bytes, im.len);
	struct elf_place place = { .fd = fd, .len = im.len };
	unsigned char id[ELF_BUILD_ID_MAX];
	struct elf *e = NULL;
	size_t len = 0;
	assert_int_equal(elf_open(&(struct elf_source){ elf_place_read, &place }, &e), ERR_OK);
	assert_int_equal(elf_build_id(e, id, &len), ERR_OK);
	assert_int_equal(len, ID_BYTES);
	assert_int_equal(id[19], 0xb3);
	assert_int_equal(elf_kind(e), 0);
	elf_close(&e);
	(void)close(fd);
}

static void test_files_without_a_usable_build_id_are_nothing(void **state)
{
	(void)state;
	begin(true, false);
	add(".text", SHT_PROGBITS, SHF_ALLOC, "code", 4, 4);
	end();
	assert_int_equal(facts().kind, 0);
	begin(true, false);
	add_build_id(ELF_BUILD_ID_MAX + 1);
	add(".text", SHT_PROGBITS, SHF_ALLOC, "code", 4, 4);
	end();
	assert_int_equal(facts().kind, 0);
	make_program(true, false);
	memset(im.bytes + im.sections[1].at + 16, 0, ID_BYTES);
	assert_int_equal(facts().kind, 0);
	make_program(true, false);
	PUT(0, Ehdr, e_type, ET_CORE);
	assert_int_equal(facts().kind, 0);
}

static void test_numbers_that_lie_are_refused(void **state)
{
	static const uint64_t lies[] = { 1, 61, IMAGE_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_program(true, false);
		PUT(0, Ehdr, e_shoff, lies[i]);
		assert_int_equal(facts().kind & ELF_EXECUTABLE, 0);
		make_program(true, false);
		PUT(im.table + (im.n - 1) * sizeof(Elf64_Shdr), Shdr, sh_offset, lies[i]);
		(void)facts();
		make_program(true, false);
		PUT(im.table + (im.n - 1) * sizeof(Elf64_Shdr), Shdr, sh_size,
		    lies[i] < 1024 ? UINT64_MAX : lies[i]);
		assert_int_equal(facts().kind, 0);
		make_program(true, false);
		PUT(im.table + sizeof(Elf64_Shdr), Shdr, sh_offset, lies[i]);
		assert_int_equal(facts().kind, 0);
	}
	make_program(true, false);
	PUT(0, Ehdr, e_shnum, 0);
	PUT(im.table, Shdr, sh_size, UINT64_MAX);
	assert_int_equal(facts().kind, 0);
	make_program(true, false);
	PUT(0, Ehdr, e_shstrndx, 1);
	assert_int_equal(facts().kind, 0);
	make_program(true, false);
	PUT(0, Ehdr, e_shentsize, 7);
	assert_int_equal(facts().kind, 0);
}

static void test_a_file_that_has_become_shorter_is_damaged(void **state)
{
	(void)state;
	make_program(true, false);
	for (size_t len = 0; len < im.len; len += 13) {
		assert_int_equal(facts_of(im.bytes, len, im.len).kind, 0);
	}
}

static void test_more_sections_than_the_header_can_say(void **state)
{
	(void)state;
	make_program(true, false);
	PUT(0, Ehdr, e_shnum, 0);
	PUT(im.table, Shdr, sh_size, im.n);
	PUT(0, Ehdr, e_shstrndx, SHN_XINDEX);
	PUT(im.table, Shdr, sh_link, im.n - 1);
	assert_int_equal(facts().kind, ELF_DEBUGINFO | ELF_EXECUTABLE);
}

static void test_what_is_in_gzip_form_is_looked_into(void **state)
{
	static unsigned char packed[IMAGE_MAX];

	(void)state;
	make_program(true, false);
	size_t len = pack(packed, sizeof(packed));
	struct elf_facts f = facts_of(packed, len, len);
	assert_int_equal(f.kind, ELF_DEBUGINFO | ELF_EXECUTABLE | ELF_PACKED);
	assert_string_equal(f.build_id, id_text);
	assert_int_equal(f.size, im.len);
	assert_int_equal(facts_of(packed, len - 4, len - 4).kind, 0);
	packed[len] = 'x';
	assert_int_equal(facts_of(packed, len + 1, len + 1).kind, 0);
}

/* Larger than what is kept at hand, with its names far from its table. */
static void test_packed_files_are_read_at_any_place(void **state)
{
	static unsigned char packed[IMAGE_MAX], content[IMAGE_MAX], out[64];
	static const size_t places[] = { 0, 900000, 899000, 300000, 5, 1000000, 7 };

	(void)state;
	memset(&im, 0, sizeof(im));
	im.len = sizeof(content);
	for (size_t i = 0; i < sizeof(content); i++) {
		im.bytes[i] = content[i] = (unsigned char)((i * 7) ^ (i >> 11));
	}
	size_t len = pack(packed, sizeof(packed));
	int fd = file_of(packed, len);
	struct gunzip *g = NULL;
	uint64_t size = 0;
	assert_int_equal(gunzip_open(fd, 0, len, IMAGE_MAX, &g), ERR_OK);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(gunzip_read(g, places[i], out, sizeof(out)), ERR_OK);
		assert_memory_equal(out, content + places[i], sizeof(out));
	}
	assert_int_equal(gunzip_read(g, IMAGE_MAX - 10, out, 11), ERR_INVALID);
	assert_int_equal(gunzip_size(g, &size), ERR_OK);
	assert_int_equal(size, IMAGE_MAX);
	/* Back and forth is bounded. */
	for (unsigned pass = 3; pass <= GUNZIP_PASSES_MAX; pass++) {
		assert_int_equal(gunzip_read(g, 7, out, 1), ERR_OK);
		assert_int_equal(gunzip_read(g, 1000000, out, 1), ERR_OK);
	}
	assert_int_equal(gunzip_read(g, 7, out, 1), ERR_LIMIT);
	gunzip_close(&g);
	assert_int_equal(gunzip_open(fd, 0, len, 1000, &g), ERR_OK);
	assert_int_equal(gunzip_size(g, &size), ERR_LIMIT);
	gunzip_close(&g);
	(void)close(fd);
}

/* ---- sections ---- */

static enum err copy_section(const char *name, uint64_t max, char *out, size_t *ret_len)
{
	int fd = file_of(im.bytes, im.len), to = memfd_create("section", MFD_CLOEXEC);
	struct elf_place place = { .fd = fd, .len = im.len };
	struct elf_section s;
	struct err_note note = { 0 };
	struct elf *e = NULL;

	assert_int_equal(elf_open(&(struct elf_source){ elf_place_read, &place }, &e), ERR_OK);
	assert_true(elf_section_find(e, slice_str(name), &s));
	enum err err = elf_section_copy(e, &s, max, to, &note);
	ssize_t n = pread(to, out, IMAGE_MAX, 0);
	assert_true(n >= 0);
	*ret_len = (size_t)n;
	elf_close(&e);
	(void)close(fd);
	(void)close(to);
	return err;
}

/* A compressed section that says it is of that size. */
static size_t make_compressed(const char *text, uint64_t size)
{
	unsigned char packed[1024] = { 0 };
	uLongf len = sizeof(packed) - sizeof(Elf64_Chdr);

	begin(true, false);
	add_build_id(ID_BYTES);
	assert_int_equal(
	    compress(packed + sizeof(Elf64_Chdr), &len, (const Bytef *)text, strlen(text)), Z_OK);
	size_t at = im.len;
	len += sizeof(Elf64_Chdr);
	add(".debug_str", SHT_PROGBITS, SHF_COMPRESSED, packed, len, len);
	PUT(at, Chdr, ch_type, ELFCOMPRESS_ZLIB);
	PUT(at, Chdr, ch_size, size);
	end();
	return at;
}

static void test_sections_are_copied_and_unpacked(void **state)
{
	static char out[IMAGE_MAX];
	static const char text[] = "many words many words many words";
	size_t len = 0;

	(void)state;
	make_program(true, true);
	assert_int_equal(copy_section(".debug_info", 5, out, &len), ERR_OK);
	assert_int_equal(len, 5);
	assert_memory_equal(out, "debug", 5);
	assert_int_equal(copy_section(".debug_info", 4, out, &len), ERR_LIMIT);
	(void)make_compressed(text, strlen(text));
	assert_int_equal(copy_section(".debug_str", 100, out, &len), ERR_OK);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(out, text, len);
}

static void test_sections_that_lie_are_refused(void **state)
{
	static char out[IMAGE_MAX];
	static const char text[] = "many words many words many words";
	size_t len = 0;

	(void)state;
	(void)make_compressed(text, strlen(text) - 1);
	assert_int_equal(copy_section(".debug_str", 100, out, &len), ERR_INVALID);
	(void)make_compressed(text, strlen(text) + 1);
	assert_int_equal(copy_section(".debug_str", 100, out, &len), ERR_INVALID);
	(void)make_compressed(text, UINT64_MAX);
	assert_int_equal(copy_section(".debug_str", 100, out, &len), ERR_LIMIT);
	size_t at = make_compressed(text, strlen(text));
	PUT(at, Chdr, ch_type, 77);
	assert_int_equal(copy_section(".debug_str", 100, out, &len), ERR_UNSUPPORTED);
	make_program(true, false);
	PUT(im.table + 4 * sizeof(Elf64_Shdr), Shdr, sh_size, IMAGE_MAX);
	assert_int_equal(copy_section(".debug_info", UINT64_MAX, out, &len), ERR_INVALID);
	PUT(im.table + 4 * sizeof(Elf64_Shdr), Shdr, sh_offset, UINT64_MAX - 1);
	assert_int_equal(copy_section(".debug_info", UINT64_MAX, out, &len), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_program_with_debug_information_in_each_class_and_order),
		cmocka_unit_test(test_what_was_split_is_told_apart),
		cmocka_unit_test(test_the_build_id_of_a_file_without_sections_is_in_its_segments),
		cmocka_unit_test(test_files_without_a_usable_build_id_are_nothing),
		cmocka_unit_test(test_numbers_that_lie_are_refused),
		cmocka_unit_test(test_a_file_that_has_become_shorter_is_damaged),
		cmocka_unit_test(test_more_sections_than_the_header_can_say),
		cmocka_unit_test(test_what_is_in_gzip_form_is_looked_into),
		cmocka_unit_test(test_packed_files_are_read_at_any_place),
		cmocka_unit_test(test_sections_are_copied_and_unpacked),
		cmocka_unit_test(test_sections_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
