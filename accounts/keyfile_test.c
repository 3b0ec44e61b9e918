/*
 * Key files: made once, never replaced in silence, refused when others may have read them.
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

#include "accounts/keyfile.h"
#include "accounts/keys.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/keyfile-test-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/keys/%s", dir, name);
	return path;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "a.key", "symmetric.key", "MADE", "real" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)unlink(path_of(names[i]));
	}
	(void)rmdir(path_of(""));
	return rmdir(dir);
}

static unsigned made;

static enum err make(struct buf *out, struct err_note *note)
{
	(void)note;
	made++;
	buf_printf(out, "content %u", made);
	return ERR_OK;
}

static enum err load(struct buf *out, struct err_note *note)
{
	buf_clear(out);
	*note = (struct err_note){ 0 };
	return keyfile_load(dir, "a.key", make, out, note);
}

static void it_is_made_once(void **state)
{
	struct buf b = buf_new(8192);
	struct err_note note;
	struct stat st;

	(void)state;
	made = 0;
	assert_int_equal(load(&b, &note), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), SLICE("content 1")));
	assert_int_equal(load(&b, &note), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), SLICE("content 1")));
	assert_int_equal(made, 1);
	assert_int_equal(stat(path_of("a.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(path_of(""), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	buf_free(&b);
}

static void one_that_is_gone_is_not_replaced(void **state)
{
	struct buf b = buf_new(8192);
	struct err_note note;

	(void)state;
	assert_int_equal(load(&b, &note), ERR_OK);
	assert_int_equal(unlink(path_of("a.key")), 0);
	assert_int_equal(load(&b, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "a.key is missing"));
	assert_int_equal(unlink(path_of("MADE")), 0);
	assert_int_equal(load(&b, &note), ERR_OK);
	buf_free(&b);
}

static void one_that_others_may_read_is_refused(void **state)
{
	struct buf b = buf_new(8192);
	struct err_note note;

	(void)state;
	assert_int_equal(load(&b, &note), ERR_OK);
	assert_int_equal(chmod(path_of("a.key"), 0640), 0);
	assert_int_equal(load(&b, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "may be read by others (mode 640)"));
	assert_int_equal(chmod(path_of("a.key"), 0600), 0);
	assert_int_equal(chmod(path_of(""), 0750), 0);
	assert_int_equal(load(&b, &note), ERR_CONFIG);
	assert_int_equal(chmod(path_of(""), 0700), 0);
	assert_int_equal(load(&b, &note), ERR_OK);
	buf_free(&b);
}

static void a_symbolic_link_is_refused(void **state)
{
	struct buf b = buf_new(8192);
	struct err_note note;
	char real[128];

	(void)state;
	assert_int_equal(load(&b, &note), ERR_OK);
	(void)snprintf(real, sizeof(real), "%s", path_of("real"));
	assert_int_equal(rename(path_of("a.key"), real), 0);
	assert_int_equal(symlink("real", path_of("a.key")), 0);
	assert_int_not_equal(load(&b, &note), ERR_OK);
	buf_free(&b);
}

static void a_file_comes_and_goes_as_a_whole(void **state)
{
	struct buf b = buf_new(8192);
	struct err_note note;

	(void)state;
	assert_int_equal(keyfile_read(dir, "b.key", &b, &note), ERR_NOT_FOUND);
	assert_int_equal(access(path_of(""), F_OK), -1); /* reading makes no folder */
	assert_int_equal(load(&b, &note), ERR_OK);
	buf_clear(&b);
	assert_int_equal(keyfile_read(dir, "b.key", &b, &note), ERR_NOT_FOUND);
	assert_int_equal(keyfile_remove(dir, "b.key", &note), ERR_NOT_FOUND);
	assert_int_equal(keyfile_write(dir, "b.key", SLICE("one"), &note), ERR_OK);
	assert_int_equal(keyfile_write(dir, "b.key", SLICE("two"), &note), ERR_OK);
	assert_int_equal(keyfile_read(dir, "b.key", &b, &note), ERR_OK);
	assert_true(slice_eq(buf_slice(&b), SLICE("two")));
	assert_int_equal(keyfile_rename(dir, "b.key", "c.key", &note), ERR_OK);
	assert_int_not_equal(keyfile_rename(dir, "b.key", "c.key", &note), ERR_OK);
	assert_int_equal(chmod(path_of("c.key"), 0644), 0);
	assert_int_equal(keyfile_read(dir, "c.key", &b, &note), ERR_CONFIG);
	assert_int_equal(keyfile_remove(dir, "c.key", &note), ERR_OK);
	buf_free(&b);
}

static void symmetric_keys_have_their_size(void **state)
{
	struct symmetric_keys a, b;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(symmetric_keys_load(dir, &a, &note), ERR_OK);
	assert_int_equal(symmetric_keys_load(dir, &b, &note), ERR_OK);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(a.current, a.previous, sizeof(a.current));
	assert_int_equal(truncate(path_of("symmetric.key"), 63), 0);
	assert_int_equal(symmetric_keys_load(dir, &b, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "63 bytes where 64 belong"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_made_once, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    one_that_is_gone_is_not_replaced, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    one_that_others_may_read_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_symbolic_link_is_refused, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    a_file_comes_and_goes_as_a_whole, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(
		    symmetric_keys_have_their_size, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
