/*
 * Manifests of backups, which come from wherever a backup comes from: no name in one that is taken
 * leads out of the folder, and what is taken is printed and taken again as the same.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/base/check.h"
#include "core/store/manifest.h"

enum {
	TEXT_MAX = 1 << 20
};

static void check_name(const char *name)
{
	CHECK(strcmp(name, MANIFEST_DB) == 0 || strncmp(name, "keys/", 5) == 0);
	CHECK(strstr(name, "..") != name + 5 && strchr(name + 5, '/') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct manifest first, second;
	struct err_note note = { 0 };
	struct buf text = buf_new(TEXT_MAX);

	if (manifest_parse(&first, "manifest.json", SLICE_OF(data, size), &note) == ERR_OK) {
		for (unsigned i = 0; i < first.n_files; i++) {
			check_name(first.files[i].name);
		}
		manifest_print(&first, &text);
		CHECK(!text.failed);
		CHECK(manifest_parse(&second, "manifest.json", buf_slice(&text), &note) == ERR_OK);
		CHECK(second.n_files == first.n_files && second.n_schemas == first.n_schemas);
		CHECK(second.made_ms == first.made_ms);
	} else {
		CHECK(note.text[0] != '\0');
	}
	buf_free(&text);
	return 0;
}
