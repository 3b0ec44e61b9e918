/*
 * PE files, PDBs and portable PDBs of strangers, read as the role files does it: whatever numbers
 * say, reading stays inside the file, ends soon, and an id is one that may stand in a key.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/base/check.h"
#include "services/symbols/symbol_key.h"
#include "services/symbols/windows_file.h"

enum {
	READS_MAX = 200
};

struct input {
	const uint8_t *data;
	size_t size;
	unsigned reads;
};

static enum err read_input(void *arg, uint64_t at, void *out, size_t len)
{
	struct input *in = arg;

	in->reads++;
	CHECK(in->reads <= READS_MAX && len <= ELF_READ_MAX);
	if (at > in->size || len > in->size - at) {
		return ERR_INVALID;
	}
	memcpy(out, in->data + at, len);
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	const struct elf_source source = { read_input, &in };
	struct windows_facts f = { .kind = 0 };
	bool begins = windows_begins(SLICE_OF((const char *)data, size));
	enum err e = windows_read(&source, &f);

	CHECK(e == ERR_OK || e == ERR_SYNTAX || e == ERR_INVALID);
	CHECK(begins || e != ERR_OK);
	if (e == ERR_OK) {
		CHECK(f.kind == WINDOWS_PE || f.kind == WINDOWS_PDB);
		CHECK(
		    symbol_id_is_good(slice_str(f.id)) && strlen(f.id) >= 9 && strlen(f.id) <= 40);
	}
	return 0;
}
