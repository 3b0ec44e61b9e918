/*
 * Blobs and drafts on a real file system: names, what is visible when, and what is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/blob/blob.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct place {
	char dir[64];
	struct blob_store *s;
	struct err_note note;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->dir, sizeof(p->dir), "/tmp/plimsoll-blob-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_int_equal(blob_open(p->dir, BLOB_WRITE, &p->s, &p->note), ERR_OK);
	*state = p;
	return 0;
}

static enum err forget(void *arg, const struct blob_info *info)
{
	struct place *p = arg;

	return blob_remove(p->s, info->name, &p->note);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char path[128];
	unsigned n;

	assert_int_equal(blob_each(p->s, forget, p, &p->note), ERR_OK);
	assert_int_equal(blob_sweep_drafts(p->s, INT64_MAX, &n, &p->note), ERR_OK);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/blobs/%02x", p->dir, i);
		assert_int_equal(rmdir(path), 0);
	}
	snprintf(path, sizeof(path), "%s/blobs/new", p->dir);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/blobs", p->dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(p->dir), 0);
	blob_close(&p->s);
	free(p);
	return 0;
}

/* A draft with that text. */
static struct slice draft_of(struct place *p, const char *text, char out[BLOB_DRAFT_CHARS + 1])
{
	blob_draft_name(out);
	struct slice draft = SLICE_OF(out, BLOB_DRAFT_CHARS);
	assert_int_equal(blob_draft_make(p->s, draft, &p->note), ERR_OK);
	assert_int_equal(blob_draft_write(p->s, draft, 0, slice_str(text), &p->note), ERR_OK);
	return draft;
}

static void assert_content(struct place *p, struct slice name, const char *text)
{
	char got[64] = "";
	uint64_t size = 0;
	int fd = -1;

	assert_int_equal(blob_get(p->s, name, &fd, &size, &p->note), ERR_OK);
	assert_int_equal(size, strlen(text));
	assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	(void)close(fd);
}

static void only_good_names_are_names(void **state)
{
	(void)state;
	assert_true(blob_name_is_good(SLICE(HASH)));
	assert_true(blob_name_is_good(SLICE(HASH ".gz")));
	assert_false(blob_name_is_good(SLICE("")));
	assert_false(blob_name_is_good(SLICE(HASH ".")));
	assert_false(blob_name_is_good(SLICE(HASH "/gz")));
	assert_false(blob_name_is_good(SLICE(HASH ".toolongform")));
	assert_false(blob_name_is_good(
	    SLICE("00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff")));
	assert_false(blob_name_is_good(
	    SLICE("../../../../../../../../../../../../../../../../../../../../../abc")));
	assert_false(blob_draft_is_good(SLICE("../aaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void a_blob_is_there_when_it_is_kept(void **state)
{
	struct place *p = *state;
	char text[BLOB_DRAFT_CHARS + 1];
	struct slice name = SLICE(HASH ".gz"), draft = draft_of(p, "hello", text);
	uint64_t size;
	int fd;

	assert_int_equal(blob_draft_write(p->s, draft, 5, SLICE(" world"), &p->note), ERR_OK);
	assert_int_equal(blob_get(p->s, name, &fd, &size, &p->note), ERR_NOT_FOUND);
	assert_int_equal(blob_keep(p->s, draft, name, &p->note), ERR_OK);
	assert_content(p, name, "hello world");
	/* Its draft is no more. */
	assert_int_equal(blob_draft_open(p->s, draft, &fd, &p->note), ERR_NOT_FOUND);
	assert_int_equal(blob_keep(p->s, draft, name, &p->note), ERR_NOT_FOUND);
	assert_int_equal(blob_drop(p->s, draft, &p->note), ERR_OK);
}

static void readers_go_on_when_it_is_replaced_or_removed(void **state)
{
	struct place *p = *state;
	char text[BLOB_DRAFT_CHARS + 1], got[8] = "";
	struct slice name = SLICE(HASH);
	uint64_t size;
	int fd;

	assert_int_equal(blob_keep(p->s, draft_of(p, "one", text), name, &p->note), ERR_OK);
	assert_int_equal(blob_get(p->s, name, &fd, &size, &p->note), ERR_OK);
	assert_int_equal(blob_keep(p->s, draft_of(p, "two", text), name, &p->note), ERR_OK);
	assert_content(p, name, "two");
	assert_int_equal(blob_remove(p->s, name, &p->note), ERR_OK);
	assert_int_equal(blob_remove(p->s, name, &p->note), ERR_OK);
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_string_equal(got, "one");
	(void)close(fd);
}

static void a_draft_that_was_never_made_cannot_be_written(void **state)
{
	struct place *p = *state;
	char text[BLOB_DRAFT_CHARS + 1];

	blob_draft_name(text);
	assert_int_equal(
	    blob_draft_write(p->s, SLICE_OF(text, BLOB_DRAFT_CHARS), 0, SLICE("x"), &p->note),
	    ERR_NOT_FOUND);
}

/* Whoever knows the old name writes to nothing, or to a new draft of that name. */
static void what_is_taken_changes_no_more(void **state)
{
	struct place *p = *state;
	char text[BLOB_DRAFT_CHARS + 1], taken_text[BLOB_DRAFT_CHARS + 1];
	struct slice draft = draft_of(p, "checked", text), taken;
	int fd = -1;

	blob_draft_name(taken_text);
	taken = SLICE_OF(taken_text, BLOB_DRAFT_CHARS);
	assert_int_equal(blob_draft_take(p->s, draft, taken, &p->note), ERR_OK);
	assert_int_equal(blob_draft_write(p->s, draft, 7, SLICE(" late"), &p->note), ERR_NOT_FOUND);
	assert_int_equal(blob_draft_take(p->s, draft, taken, &p->note), ERR_NOT_FOUND);
	assert_int_equal(blob_draft_make(p->s, draft, &p->note), ERR_OK);
	assert_int_equal(blob_draft_write(p->s, draft, 0, SLICE("other"), &p->note), ERR_OK);
	assert_int_equal(blob_keep(p->s, taken, SLICE(HASH), &p->note), ERR_OK);
	assert_content(p, SLICE(HASH), "checked");
	/* Emptied, not cut: a shorter content has nothing of the old one behind it. */
	assert_int_equal(blob_draft_make(p->s, draft, &p->note), ERR_OK);
	assert_int_equal(blob_draft_open(p->s, draft, &fd, &p->note), ERR_OK);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	(void)close(fd);
}

static void a_second_opening_finds_the_folders(void **state)
{
	struct place *p = *state;
	struct blob_store *again = NULL;
	char text[BLOB_DRAFT_CHARS + 1];

	assert_int_equal(blob_open(p->dir, BLOB_WRITE, &again, &p->note), ERR_OK);
	assert_int_equal(blob_keep(again, draft_of(p, "abc", text), SLICE(HASH), &p->note), ERR_OK);
	assert_content(p, SLICE(HASH), "abc");
	blob_close(&again);
}

static enum err count(void *arg, const struct blob_info *info)
{
	int64_t *n = arg;

	assert_true(info->size == 3 && info->kept_ms > clock_wall_ms() - 3600000);
	*n += 1;
	return ERR_OK;
}

static void all_are_listed_and_old_drafts_are_swept(void **state)
{
	struct place *p = *state;
	char text[BLOB_DRAFT_CHARS + 1], name[BLOB_NAME_SIZE];
	unsigned char hash[32] = { 0 };
	int64_t n = 0;
	unsigned swept = 0;

	for (unsigned i = 0; i < 20; i++) {
		hash[0] = (unsigned char)(i * 13);
		blob_name_of(hash, i % 2 == 0 ? "" : "gz", name);
		assert_int_equal(
		    blob_keep(p->s, draft_of(p, "abc", text), slice_str(name), &p->note), ERR_OK);
	}
	assert_int_equal(blob_each(p->s, count, &n, &p->note), ERR_OK);
	assert_int_equal(n, 20);
	(void)draft_of(p, "left over", text);
	assert_int_equal(
	    blob_sweep_drafts(p->s, clock_wall_ms() - 3600000, &swept, &p->note), ERR_OK);
	assert_int_equal(swept, 0);
	assert_int_equal(
	    blob_sweep_drafts(p->s, clock_wall_ms() + 3600000, &swept, &p->note), ERR_OK);
	assert_int_equal(swept, 1);
}

static void a_reader_needs_the_folder(void **state)
{
	struct blob_store *s = NULL;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(blob_open("/nonexistent", BLOB_READ, &s, &note), ERR_NOT_FOUND);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_good_names_are_names),
		cmocka_unit_test_setup_teardown(a_blob_is_there_when_it_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    readers_go_on_when_it_is_replaced_or_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_draft_that_was_never_made_cannot_be_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_taken_changes_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_second_opening_finds_the_folders, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    all_are_listed_and_old_drafts_are_swept, set_up, tear_down),
		cmocka_unit_test(a_reader_needs_the_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
