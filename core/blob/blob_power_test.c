/*
 * Power cuts and failing disks under the blob store (core/store/fault_disk.h): a process writes
 * drafts and keeps them, and tells of each that was kept. Whatever call the power goes at, every
 * blob that was told of is there and whole, and every blob that is there is whole; a failed sync or
 * a full disk is an error and leaves nothing under the name. What is left of drafts can be swept.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/blob/blob.h"
#include "core/store/fault_disk.h"

enum {
	BLOBS = 12, /* of one life */
	PIECES = 5,
	PIECE = 3000,
	LIFE_DONE = 0,
	LIFE_FAILED = 4 /* exit code: a call of the store gave an error */
};

static void name_of(unsigned i, char out[BLOB_NAME_SIZE])
{
	unsigned char hash[32] = { (unsigned char)(i * 37) };

	hash[31] = (unsigned char)i;
	blob_name_of(hash, "", out);
}

static void fill(unsigned blob, unsigned piece, char out[PIECE])
{
	for (unsigned i = 0; i < PIECE; i++) {
		out[i] = (char)('a' + (blob * 7 + piece * 3 + i) % 26);
	}
}

static enum err write_blob(const struct blob_store *s, unsigned i, struct err_note *note)
{
	char text[BLOB_DRAFT_CHARS + 1], name[BLOB_NAME_SIZE], piece[PIECE];

	blob_draft_name(text);
	struct slice draft = SLICE_OF(text, BLOB_DRAFT_CHARS);
	enum err e = blob_draft_make(s, draft, note);
	for (unsigned k = 0; e == ERR_OK && k < PIECES; k++) {
		fill(i, k, piece);
		e = blob_draft_write(s, draft, (uint64_t)k * PIECE, SLICE_OF(piece, PIECE), note);
	}
	name_of(i, name);
	return e == ERR_OK ? blob_keep(s, draft, slice_str(name), note) : e;
}

static _Noreturn void live(const char *dir, const struct fault_plan *plan, int told)
{
	struct blob_store *s = NULL;
	struct err_note note = { 0 };
	int code = LIFE_DONE;

	/* The folders are there from an earlier start. */
	CHECK(blob_open(dir, BLOB_WRITE, &s, &note) == ERR_OK);
	fault_disk_new(dir, plan);
	fault_disk_use();
	for (unsigned i = 0; i < BLOBS; i++) {
		if (write_blob(s, i, &note) != ERR_OK) {
			code = LIFE_FAILED;
		} else {
			CHECK(write(told, &i, sizeof(i)) == sizeof(i));
		}
	}
	_exit(code);
}

/* 1: there and whole; 0: not there. Anything else ends the test. */
static int look_at(const struct blob_store *s, unsigned i)
{
	char name[BLOB_NAME_SIZE], piece[PIECE], got[PIECE];
	struct err_note note = { 0 };
	uint64_t size = 0;
	int fd = -1;

	name_of(i, name);
	enum err e = blob_get(s, slice_str(name), &fd, &size, &note);
	if (e == ERR_NOT_FOUND) {
		return 0;
	}
	assert_int_equal(e, ERR_OK);
	assert_int_equal(size, PIECES * PIECE);
	for (unsigned k = 0; k < PIECES; k++) {
		fill(i, k, piece);
		assert_int_equal(read(fd, got, PIECE), PIECE);
		assert_memory_equal(got, piece, PIECE);
	}
	(void)close(fd);
	return 1;
}

static void clean(const char *dir, const struct blob_store *s)
{
	char name[BLOB_NAME_SIZE];
	struct err_note note = { 0 };
	unsigned n;

	for (unsigned i = 0; i < BLOBS; i++) {
		name_of(i, name);
		assert_int_equal(blob_remove(s, slice_str(name), &note), ERR_OK);
	}
	assert_int_equal(blob_sweep_drafts(s, INT64_MAX, &n, &note), ERR_OK);
	fault_disk_clean(dir);
}

/* One life with that plan; *ret_kept: blobs that are there afterwards. */
static void try_plan(
    const char *dir, const struct fault_plan *plan, int *ret_status, unsigned *ret_kept)
{
	struct blob_store *s = NULL;
	struct err_note note = { 0 };
	int told[2];
	unsigned i;

	assert_int_equal(blob_open(dir, BLOB_WRITE, &s, &note), ERR_OK);
	assert_int_equal(pipe(told), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(told[0]);
		live(dir, plan, told[1]);
	}
	(void)close(told[1]);
	assert_int_equal(waitpid(pid, ret_status, 0), pid);
	while (read(told[0], &i, sizeof(i)) == sizeof(i)) {
		assert_int_equal(look_at(s, i), 1);
	}
	(void)close(told[0]);
	*ret_kept = 0;
	for (i = 0; i < BLOBS; i++) {
		*ret_kept += (unsigned)look_at(s, i);
	}
	clean(dir, s);
	blob_close(&s);
}

static void make_dir(char dir[64])
{
	snprintf(dir, 64, "/tmp/plimsoll-blob-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static void remove_dir(const char *dir)
{
	char path[128];

	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/blobs/%02x", dir, i);
		assert_int_equal(rmdir(path), 0);
	}
	snprintf(path, sizeof(path), "%s/blobs/new", dir);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/blobs", dir);
	assert_int_equal(rmdir(path), 0);
	fault_disk_remove(dir);
}

static void a_cut_at_any_call_leaves_each_name_absent_or_whole(void **state)
{
	char dir[64];
	unsigned kept = 0, kept_most = 0, at = 1;
	int status = 0;

	(void)state;
	make_dir(dir);
	/* Until a life gets through to its end. */
	do {
		const struct fault_plan plan = {
			.seed = at, .cut_at = at, .keep_some = at % 2 == 0
		};
		try_plan(dir, &plan, &status, &kept);
		kept_most = kept > kept_most ? kept : kept_most;
		at++;
	} while (WIFSIGNALED(status) && at < 1000);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == LIFE_DONE);
	assert_int_equal(kept, BLOBS);
	assert_true(at > BLOBS * PIECES);
	remove_dir(dir);
}

static void a_failing_disk_is_an_error_and_leaves_no_name(void **state)
{
	static const struct {
		enum fault_kind kind;
		int error;
	} faults[] = {
		{ FAULT_WRITE, ENOSPC },
		{ FAULT_WRITE, EIO },
		{ FAULT_SYNC, EIO },
		{ FAULT_ANY, EIO },
	};
	char dir[64];
	int status = 0;
	unsigned kept = 0;

	(void)state;
	make_dir(dir);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (unsigned at = 1; at < 20; at++) {
			const struct fault_plan plan = { .seed = at,
				.kind = faults[i].kind,
				.fail_at = at,
				.fail_n = 1,
				.fail_errno = faults[i].error };
			try_plan(dir, &plan, &status, &kept);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == LIFE_FAILED);
			/* A name whose folder could not be synced may be there, whole. */
			assert_in_range(kept, BLOBS - 1, BLOBS);
		}
	}
	remove_dir(dir);
}

static void half_a_write_is_finished(void **state)
{
	const struct fault_plan plan = {
		.seed = 1, .kind = FAULT_SHORT, .fail_at = 3, .fail_n = 5
	};
	char dir[64];
	int status = 0;
	unsigned kept = 0;

	(void)state;
	make_dir(dir);
	try_plan(dir, &plan, &status, &kept);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == LIFE_DONE);
	assert_int_equal(kept, BLOBS);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_at_any_call_leaves_each_name_absent_or_whole),
		cmocka_unit_test(a_failing_disk_is_an_error_and_leaves_no_name),
		cmocka_unit_test(half_a_write_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
