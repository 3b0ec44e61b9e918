/*
 * The reader of PE files and PDBs over images that are made here: what may be missing, and numbers
 * that lie. test/scenario/symbols_windows.test.mjs has files of a linker beside LLVM's readers,
 * test/fuzz/windows_file_fuzz.c the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "services/symbols/windows_file.h"

enum {
	IMAGE_MAX = 32 * 1024,
	BLOCK = 512,
	DATA_BLOCK = 3, /* the first behind the header and two maps of free blocks */
	PE_AT = 0x80
};

static unsigned char im[IMAGE_MAX];
static size_t im_len;

static enum err read_image(void *arg, uint64_t at, void *out, size_t len)
{
	(void)arg;
	if (at > im_len || len > im_len - at) {
		return ERR_INVALID;
	}
	memcpy(out, im + at, len);
	return ERR_OK;
}

static enum err read_id(struct windows_facts *ret)
{
	*ret = (struct windows_facts){ .kind = 0 };
	return windows_read(&(struct elf_source){ read_image, NULL }, ret);
}

static void put(size_t at, uint32_t n, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		im[at + i] = (unsigned char)(n >> (8 * i));
	}
	im_len = at + len > im_len ? at + len : im_len;
}

static void clear(void)
{
	memset(im, 0, sizeof(im));
	im_len = 0;
}

/* ---- PE ---- */

static void make_pe(uint32_t magic)
{
	clear();
	memcpy(im, "MZ", 2);
	put(0x3c, PE_AT, 4);
	memcpy(im + PE_AT, "PE\0\0", 4);
	put(PE_AT + 8, 0x5f84c1b2, 4);
	put(PE_AT + 20, 0xf0, 2);
	put(PE_AT + 24, magic, 2);
	put(PE_AT + 24 + 56, 0xabc000, 4);
}

static void a_program_has_its_stamp_and_size(void **state)
{
	struct windows_facts f;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		make_pe(i == 0 ? 0x10b : 0x20b);
		assert_true(windows_begins(SLICE_OF((const char *)im, im_len)));
		assert_int_equal(read_id(&f), ERR_OK);
		assert_int_equal(f.kind, WINDOWS_PE);
		assert_string_equal(f.id, "5f84c1b2abc000");
	}
	/* The stamp has eight digits, the size as many as it needs. */
	put(PE_AT + 8, 0x2a, 4);
	put(PE_AT + 24 + 56, 0x1000, 4);
	assert_int_equal(read_id(&f), ERR_OK);
	assert_string_equal(f.id, "0000002a1000");
}

static void programs_that_are_none_or_lie_have_no_id(void **state)
{
	struct windows_facts f;

	(void)state;
	make_pe(0x20b);
	memcpy(im + PE_AT, "NE", 2);
	assert_int_equal(read_id(&f), ERR_SYNTAX);
	make_pe(0x107);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_pe(0x20b);
	put(PE_AT + 20, 20, 2);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_pe(0x20b);
	put(0x3c, UINT32_MAX, 4);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_pe(0x20b);
	for (size_t len = im_len; im_len-- > 0;) {
		assert_int_equal(read_id(&f), ERR_INVALID);
		assert_true(im_len < len);
	}
}

/* ---- PDB ---- */

/* Streams 0 to 3, one block each; a size of UINT32_MAX: it is not there. */
static void make_pdb(const uint32_t sizes[4])
{
	static const char magic[32] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
				      "DS\0\0";
	size_t blocks = 0, directory, map;

	clear();
	memcpy(im, magic, sizeof(magic));
	for (size_t i = 0; i < 4; i++) {
		blocks += sizes[i] != 0 && sizes[i] != UINT32_MAX ? 1 : 0;
	}
	directory = DATA_BLOCK + blocks;
	map = directory + 1;
	put(32, BLOCK, 4);
	put(40, (uint32_t)map + 1, 4);
	put(44, (uint32_t)(4 * (1 + 4 + blocks)), 4);
	put(52, (uint32_t)map, 4);
	put(map * BLOCK, (uint32_t)directory, 4);
	put(directory * BLOCK, 4, 4);
	for (size_t i = 0, n = 0; i < 4; i++) {
		size_t at = (DATA_BLOCK + n) * BLOCK;
		put(directory * BLOCK + 4 + 4 * i, sizes[i], 4);
		if (sizes[i] == 0 || sizes[i] == UINT32_MAX) {
			continue;
		}
		put(directory * BLOCK + 4 * (5 + n), (uint32_t)(DATA_BLOCK + n), 4);
		if (i == 1) {
			put(at + 8, 0x1, 4);
			for (uint32_t b = 0; b < 16; b++) {
				put(at + 12 + b, 0xf0 + b, 1);
			}
		} else if (i == 3) {
			put(at + 8, 0x2b, 4);
		}
		n++;
	}
	im_len = (map + 1) * BLOCK;
}

static void a_pdb_has_its_guid_and_the_age_of_its_debug_information(void **state)
{
	static const uint32_t whole[4] = { 3, 40, 100, 64 }, bare[4] = { UINT32_MAX, 28, 0, 0 },
			      none[4] = { 0, 28, 0, UINT32_MAX };
	struct windows_facts f;

	(void)state;
	make_pdb(whole);
	assert_int_equal(read_id(&f), ERR_OK);
	assert_int_equal(f.kind, WINDOWS_PDB);
	assert_string_equal(f.id, "f3f2f1f0f5f4f7f6f8f9fafbfcfdfeff2b");
	make_pdb(bare);
	assert_int_equal(read_id(&f), ERR_OK);
	assert_string_equal(f.id, "f3f2f1f0f5f4f7f6f8f9fafbfcfdfeff1");
	make_pdb(none);
	assert_int_equal(read_id(&f), ERR_OK);
	assert_string_equal(f.id, "f3f2f1f0f5f4f7f6f8f9fafbfcfdfeff1");
}

static void pdbs_that_lie_have_no_id(void **state)
{
	static const uint32_t whole[4] = { 3, 40, 100, 64 }, short_info[4] = { 3, 27, 100, 64 };
	static const struct {
		size_t at;
		uint32_t value;
	} lies[] = {
		{ 32, 0 }, { 32, 511 }, { 32, 1000 }, { 32, 1u << 17 }, /* bytes of a block */
		{ 40, 2 },						/* blocks */
		{ 44, 8 }, { 44, UINT32_MAX },				/* bytes of the directory */
		{ 52, UINT32_MAX }, { 52, 2000 },			/* where its map is */
		{ 8 * BLOCK, UINT32_MAX }, { 8 * BLOCK, 0 },		/* the map */
		{ 7 * BLOCK, 0 }, { 7 * BLOCK, UINT32_MAX },		/* streams */
		{ 7 * BLOCK + 8, UINT32_MAX },				/* bytes of the second */
		{ 7 * BLOCK + 24, 99 },					/* its block */
	};
	struct windows_facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		make_pdb(whole);
		put(lies[i].at, lies[i].value, 4);
		assert_int_equal(read_id(&f), ERR_INVALID);
		assert_int_equal(f.kind, 0);
	}
	make_pdb(short_info);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_pdb(whole);
	im_len = 4 * BLOCK;
	assert_int_equal(read_id(&f), ERR_INVALID);
}

/* ---- portable PDB ---- */

static void make_portable(const char *stream)
{
	size_t padded = (strlen(stream) + 4) / 4 * 4;

	clear();
	memcpy(im, "BSJB", 4);
	put(12, 12, 4);
	put(30, 2, 2);
	put(32, 200, 4);
	memcpy(im + 40, "#Strings\0\0\0\0", 12);
	put(52, 100, 4);
	put(56, 20, 4);
	memcpy(im + 60, stream, strlen(stream));
	im_len = 60 + padded;
	for (uint32_t b = 0; b < 20; b++) {
		put(100 + b, b, 1);
	}
}

static void a_portable_pdb_has_its_guid(void **state)
{
	struct windows_facts f;

	(void)state;
	make_portable("#Pdb");
	assert_int_equal(read_id(&f), ERR_OK);
	assert_int_equal(f.kind, WINDOWS_PDB);
	assert_string_equal(f.id, "0302010005040706"
				  "08090a0b0c0d0e0f"
				  "ffffffff");
	make_portable("#~");
	assert_int_equal(read_id(&f), ERR_SYNTAX);
	make_portable("#a name that is longer than any may be");
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_portable("#Pdb");
	put(30, 33, 2);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_portable("#Pdb");
	put(12, 257, 4);
	assert_int_equal(read_id(&f), ERR_INVALID);
	make_portable("#Pdb");
	put(52, UINT32_MAX, 4);
	assert_int_equal(read_id(&f), ERR_INVALID);
}

static void other_files_are_none_of_them(void **state)
{
	static const char elf[] = "\x7f"
				  "ELF\2\1\1 and so on, long enough for a header of any kind here";
	struct windows_facts f;

	(void)state;
	clear();
	memcpy(im, elf, sizeof(elf));
	im_len = 100;
	assert_false(windows_begins(SLICE_OF(elf, sizeof(elf))));
	assert_int_equal(read_id(&f), ERR_SYNTAX);
	assert_false(windows_begins(SLICE("MZ")));
	assert_false(windows_begins(SLICE_EMPTY));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_has_its_stamp_and_size),
		cmocka_unit_test(programs_that_are_none_or_lie_have_no_id),
		cmocka_unit_test(a_pdb_has_its_guid_and_the_age_of_its_debug_information),
		cmocka_unit_test(pdbs_that_lie_have_no_id),
		cmocka_unit_test(a_portable_pdb_has_its_guid),
		cmocka_unit_test(other_files_are_none_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
