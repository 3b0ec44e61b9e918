/*
 * The tables of symbols on both engines: files and their blobs, which of them gc removes by age,
 * last use, number of builds and as try builds, and that the audit sees what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "accounts/db_rig.h"
#include "core/store/pg_rig.h"
#include "services/symbols/symbol_file.h"
#include "services/symbols/symbols.h"
#include "services/symbols/symbols_gc.h"
#include "services/symbols/symbols_token.h"

enum {
	DAY_MS = 86400000
};

#define NOW_MS (INT64_C(1000) * DAY_MS)

static struct db_rig rig;
static char dir[64];
static struct blob_store *blobs;

static int start(void **state)
{
	const struct service *s = &symbols_service;

	(void)state;
	db_rig_init(&rig);
	assert_int_equal(
	    sql_migrate(rig.db, s->name, s->migrations, s->n_migrations, &rig.note), ERR_OK);
	snprintf(dir, sizeof(dir), "/tmp/plimsoll-gc-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(blob_open(dir, BLOB_WRITE, &blobs, &rig.note), ERR_OK);
	return 0;
}

static int stop(void **state)
{
	char path[128];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/blobs/%02x", dir, i);
		assert_int_equal(rmdir(path), 0);
	}
	snprintf(path, sizeof(path), "%s/blobs/new", dir);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/blobs", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	blob_close(&blobs);
	db_rig_fini(&rig);
	return 0;
}

/* ---- helpers ---- */

static void put(
    const char *module, const char *id, bool is_try, int64_t days_ago, int64_t used_days_ago)
{
	unsigned char hash[32] = { (unsigned char)(days_ago & 255), (unsigned char)id[1] };
	char blob[BLOB_NAME_SIZE];
	const struct symbol_key key = { slice_str(module), slice_str(id), SLICE("x.sym") };

	blob_name_of(hash, "gz", blob);
	assert_int_equal(symbol_file_put(rig.db,
			     &(struct symbol_file){ .key = key,
				 .is_try = is_try,
				 .blob = slice_str(blob),
				 .size = 10,
				 .stored_size = 5,
				 .md5 = SLICE("md5"),
				 .code_file = SLICE("code"),
				 .code_id = slice_str(id),
				 .build_id = SLICE_EMPTY,
				 .generator = SLICE_EMPTY,
				 .upstream = SLICE_EMPTY,
				 .modified_ms = NOW_MS - days_ago * DAY_MS },
			     &rig.note),
	    ERR_OK);
	if (used_days_ago >= 0) {
		assert_int_equal(symbol_file_set_used(rig.db, &key, is_try,
				     NOW_MS - used_days_ago * DAY_MS, &rig.note),
		    ERR_OK);
	}
}

static bool is_there(const char *module, const char *id, bool is_try)
{
	const struct symbol_key key = { slice_str(module), slice_str(id), SLICE("x.sym") };
	struct symbol_file f;
	enum err e = symbol_file_get(rig.db, &rig.arena, &key, is_try, &f, &rig.note);

	assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
	return e == ERR_OK;
}

static enum err begin(void *arg)
{
	(void)arg;
	return ERR_OK;
}

static enum err end(void *arg, enum err e)
{
	(void)arg;
	return e;
}

static struct symbols_gc_done run(struct symbols_gc_rules rules)
{
	struct symbols_gc gc = { .db = rig.db,
		.blobs = blobs,
		.begin = begin,
		.end = end,
		.now_ms = NOW_MS,
		.rules = rules,
		.note = &rig.note };

	assert_int_equal(symbols_gc_run(&gc), ERR_OK);
	return gc.done;
}

/* ---- tests ---- */

static void without_rules_nothing_goes(void **state)
{
	(void)state;
	put("a", "A1", false, 900, -1);
	put("a", "A1", true, 900, -1);
	assert_int_equal(run((struct symbols_gc_rules){ .dry_run = false }).files, 0);
	assert_true(is_there("a", "A1", false) && is_there("a", "A1", true));
}

static void by_age_and_only_try_builds_by_theirs(void **state)
{
	(void)state;
	put("a", "A1", false, 31, -1);
	put("a", "A2", false, 29, -1);
	put("a", "A3", true, 31, 0);
	put("a", "A4", true, 29, -1);
	struct symbols_gc_done done =
	    run((struct symbols_gc_rules){ .try_ms = 30 * INT64_C(86400000) });
	assert_int_equal(done.files, 1);
	assert_int_equal(done.file_bytes, 10);
	assert_false(is_there("a", "A3", true));
	assert_int_equal(
	    run((struct symbols_gc_rules){ .older_ms = 30 * INT64_C(86400000), .dry_run = true })
		.files,
	    1);
	assert_true(is_there("a", "A1", false));
	assert_int_equal(
	    run((struct symbols_gc_rules){ .older_ms = 30 * INT64_C(86400000) }).files, 1);
	assert_false(is_there("a", "A1", false));
	assert_true(is_there("a", "A2", false) && is_there("a", "A4", true));
}

static void by_last_use(void **state)
{
	(void)state;
	put("a", "A1", false, 100, -1); /* never */
	put("a", "A2", false, 100, 60);
	put("a", "A3", false, 100, 10);
	put("a", "A4", false, 10, -1); /* never, but it is new */
	assert_int_equal(
	    run((struct symbols_gc_rules){ .unused_ms = 50 * INT64_C(86400000) }).files, 2);
	assert_false(is_there("a", "A1", false) || is_there("a", "A2", false));
	assert_true(is_there("a", "A3", false) && is_there("a", "A4", false));
}

/* Modules with more rows than are read at once, and equal times. */
static void by_number_of_builds(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 450; i++) {
		snprintf(id, sizeof(id), "A%03d", i);
		put("many", id, false, 500 - i / 2, -1);
	}
	put("few", "B1", false, 900, -1);
	put("zz", "C1", false, 900, -1);
	put("zz", "C2", false, 800, -1);
	assert_int_equal(run((struct symbols_gc_rules){ .keep = 1 }).files, 449 + 1);
	assert_true(is_there("few", "B1", false) && is_there("zz", "C2", false));
	assert_false(is_there("zz", "C1", false));
	assert_true(is_there("many", "A448", false) != is_there("many", "A449", false));
}

/* As if an upstream had been asked for it. */
static void put_cached(const char *module, const char *id, int64_t days_ago, int64_t used_days_ago)
{
	char sql[256];

	put(module, id, false, days_ago, used_days_ago);
	snprintf(sql, sizeof(sql),
	    "UPDATE symbols_file SET upstream = 'https://s.example' WHERE debug_file = '%s' AND"
	    " debug_id = '%s'",
	    module, id);
	db_rig_run(&rig, sql);
}

static void only_builds_that_were_uploaded_to_stay_are_counted(void **state)
{
	(void)state;
	put("a", "A1", false, 90, -1);
	put("a", "A2", true, 80, -1);
	put_cached("a", "A3", 70, -1);
	put("a", "A4", false, 60, -1);
	put("a", "A5", true, 50, -1);
	assert_int_equal(run((struct symbols_gc_rules){ .keep = 2 }).files, 0);
	assert_int_equal(run((struct symbols_gc_rules){ .keep = 1 }).files, 1);
	assert_false(is_there("a", "A1", false));
	assert_true(is_there("a", "A2", true) && is_there("a", "A3", false));
}

static void what_upstreams_have_goes_by_use_alone(void **state)
{
	struct symbol_file f;
	const struct symbol_key key = { SLICE("a"), SLICE("A3"), SLICE("x.sym") };

	(void)state;
	put_cached("a", "A1", 100, 40);
	put_cached("a", "A2", 100, 10);
	put_cached("a", "A3", 20, -1);
	put("a", "A4", false, 100, 40);
	assert_int_equal(run((struct symbols_gc_rules){ .older_ms = 50 * INT64_C(86400000),
				 .unused_ms = 50 * INT64_C(86400000) })
			     .files,
	    1);
	assert_false(is_there("a", "A4", false));
	assert_int_equal(
	    run((struct symbols_gc_rules){ .cached_ms = 30 * INT64_C(86400000) }).files, 1);
	assert_false(is_there("a", "A1", false));
	assert_true(is_there("a", "A2", false) && is_there("a", "A3", false));
	/* An upload makes it its own; another fetch changes nothing. */
	put("a", "A3", false, 1, -1);
	assert_int_equal(symbol_file_get(rig.db, &rig.arena, &key, false, &f, &rig.note), ERR_OK);
	assert_int_equal(f.upstream.len, 0);
	struct symbol_file cached = f;
	cached.upstream = SLICE("https://s.example");
	cached.size = 77;
	assert_int_equal(symbol_file_put_cached(rig.db, &cached, &rig.note), ERR_OK);
	assert_int_equal(symbol_file_get(rig.db, &rig.arena, &key, false, &f, &rig.note), ERR_OK);
	assert_true(f.upstream.len == 0 && f.size == 10);
	assert_true(slice_eq(f.code_id, SLICE("A3")));
	db_rig_run(&rig, "UPDATE symbols_file SET code_id = '', code_file = ''");
	cached.code_id = SLICE("C0DE");
	assert_int_equal(symbol_file_put_cached(rig.db, &cached, &rig.note), ERR_OK);
	assert_int_equal(
	    symbol_file_by_code(rig.db, &rig.arena, SLICE("code"), SLICE("C0DE"), &f, &rig.note),
	    ERR_OK);
	assert_true(f.upstream.len == 0 && f.size == 10);
}

/* As it is when it has come, and nobody has asked since: its coming was a use. */
static void put_fetched(const char *id, int64_t days_ago)
{
	const struct symbol_key key = { SLICE("a"), slice_str(id), SLICE("x.sym") };
	struct symbol_file f;

	put("a", id, false, days_ago, -1);
	assert_int_equal(symbol_file_get(rig.db, &rig.arena, &key, false, &f, &rig.note), ERR_OK);
	f.upstream = SLICE("https://s.example");
	assert_int_equal(symbol_file_delete(rig.db, &key, false, &rig.note), ERR_OK);
	assert_int_equal(symbol_file_put_cached(rig.db, &f, &rig.note), ERR_OK);
}

static enum err note_id(void *arg, const struct symbol_file *f)
{
	char *ids = arg;
	size_t len = strlen(ids);

	(void)snprintf(ids + len, 64 - len, "%.*s ", SLICE_ARG(f->key.debug_id));
	return ERR_OK;
}

static void those_of_upstreams_are_found_by_their_last_use(void **state)
{
	char ids[64] = "";
	int64_t n = 0;

	(void)state;
	put("a", "A0", false, 300, 200); /* uploaded */
	put_cached("a", "A1", 100, 40);
	put_cached("a", "A2", 100, 70);
	put_fetched("A3", 20);
	put_fetched("A4", 90);
	put_fetched("A5", 0);
	assert_int_equal(
	    symbol_file_cached_oldest(rig.db, NOW_MS - DAY_MS, 9, note_id, ids, &n, &rig.note),
	    ERR_OK);
	assert_int_equal(n, 4);
	assert_string_equal(ids, "A4 A2 A1 A3 ");
	ids[0] = '\0';
	assert_int_equal(
	    symbol_file_cached_oldest(rig.db, NOW_MS + 1, 2, note_id, ids, &n, &rig.note), ERR_OK);
	assert_string_equal(ids, "A4 A2 ");
}

static void old_counts_and_what_never_came_go(void **state)
{
	struct buf rows = buf_new(65536);
	char sql[512];
	struct symbols_gc_done done;

	(void)state;
	buf_append_str(&rows, "INSERT INTO symbols_missing VALUES ");
	for (int i = 0; i < 450; i++) {
		buf_printf(&rows, "%s('m', 'A%d', 'm.sym', '', '', 1, 1, %lld)", i > 0 ? "," : "",
		    i, (long long)(i < 430 ? NOW_MS - 91 * INT64_C(86400000) : NOW_MS));
	}
	buf_append_char(&rows, '\0');
	assert_false(rows.failed);
	db_rig_run(&rig, rows.data);
	buf_free(&rows);
	for (int i = 0; i < 3; i++) {
		snprintf(sql, sizeof(sql),
		    "INSERT INTO symbols_upload_file (upload, debug_file, debug_id, file, is_try,"
		    " is_compressed, is_update, size, md5, session, created_ms, completed_ms)"
		    " VALUES (1, 'm', 'A1', 'm.sym', 0, 1, 0, 1, '', '%s', %lld, 0)",
		    i == 0 ? "" : "session", (long long)(i == 2 ? NOW_MS : 1));
		db_rig_run(&rig, sql);
	}
	done = run((struct symbols_gc_rules){ .missing_ms = 90 * INT64_C(86400000) });
	assert_int_equal(done.missing, 430);
	assert_int_equal(done.unsent, 1);
	done = run((struct symbols_gc_rules){ .missing_ms = 90 * INT64_C(86400000) });
	assert_int_equal(done.missing, 0);
	assert_int_equal(done.unsent, 0);
}

static void a_newer_upload_of_a_key_is_what_counts(void **state)
{
	struct symbol_file f;
	const struct symbol_key key = { SLICE("a"), SLICE("A1"), SLICE("x.sym") };

	(void)state;
	put("a", "A1", false, 100, 50);
	put("a", "A1", false, 1, -1);
	assert_int_equal(symbol_file_get(rig.db, &rig.arena, &key, false, &f, &rig.note), ERR_OK);
	assert_int_equal(f.modified_ms, NOW_MS - DAY_MS);
	assert_int_equal(f.used_ms, NOW_MS - INT64_C(50) * DAY_MS);
	put("b", "A1", true, 0, -1);
	assert_int_equal(
	    symbol_file_by_code(rig.db, &rig.arena, SLICE("code"), SLICE("A1"), &f, &rig.note),
	    ERR_OK);
	assert_true(f.is_try && slice_eq(f.key.debug_file, SLICE("b")));
}

/* A file of a build; kind 0: a .sym. */
static void put_of_build(
    const char *module, const char *file, const char *build_id, unsigned kind, bool is_try)
{
	const unsigned char hash[32] = { 7 };
	struct slice id = slice_str(build_id);
	char blob[BLOB_NAME_SIZE];

	blob_name_of(hash, "", blob);
	assert_int_equal(
	    symbol_file_put(rig.db,
		&(struct symbol_file){
		    .key = { slice_str(module), symbol_id_fold(&rig.arena, id), slice_str(file) },
		    .is_try = is_try,
		    .blob = slice_str(blob),
		    .md5 = SLICE("md5"),
		    .code_file = SLICE_EMPTY,
		    .code_id = SLICE_EMPTY,
		    .build_id = slice_starts(slice_str(file), SLICE("source/")) ? SLICE_EMPTY : id,
		    .generator = SLICE_EMPTY,
		    .modified_ms = NOW_MS - DAY_MS,
		    .elf_kind = kind,
		    .elf_size = 77 },
		&rig.note),
	    ERR_OK);
}

static bool build_has(const char *build_id, struct symbol_kinds kinds, bool is_try)
{
	struct symbol_file f;
	enum err e = symbol_file_by_build(
	    rig.db, &rig.arena, slice_str(build_id), kinds, is_try, &f, &rig.note);

	assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
	assert_true(e != ERR_OK || kinds.sym || f.elf_size == 77);
	return e == ERR_OK;
}

static void files_of_a_build_are_found_by_what_they_are(void **state)
{
	(void)state;
	put_of_build("a", "a.sym", "abcd01", 0, false);
	put_of_build("a", "a", "abcd02", ELF_EXECUTABLE | ELF_PACKED, false);
	put_of_build("a", "a.debug", "abcd02", ELF_DEBUGINFO, true);
	put_of_build("b", "b", "abcd03", ELF_EXECUTABLE | ELF_DEBUGINFO, false);
	const struct symbol_kinds sym = { .sym = true }, debug = { .elf = ELF_DEBUGINFO },
				  code = { .elf = ELF_EXECUTABLE };
	assert_true(build_has("abcd01", sym, false) && !build_has("abcd01", code, false));
	assert_true(build_has("abcd02", code, false) && !build_has("abcd02", debug, false));
	assert_true(build_has("abcd02", debug, true) && !build_has("abcd02", sym, false));
	assert_true(build_has("abcd03", code, false) && build_has("abcd03", debug, false));
	assert_false(build_has("", sym, false) || build_has("abcd", sym, false));
}

static void names_are_found_in_any_case(void **state)
{
	const struct symbol_key key = { SLICE("FOO.pdb"), SLICE("A1"), SLICE("fOO.PDB") };
	const struct symbol_key other = { SLICE("FOO.pdb"), SLICE("A2"), SLICE("fOO.PDB") };
	struct symbol_file f;

	(void)state;
	put_of_build("Foo.pdb", "Foo.pdb", "a1", 0, false);
	assert_int_equal(
	    symbol_file_any_case(rig.db, &rig.arena, &key, false, &f, &rig.note), ERR_OK);
	assert_true(slice_eq(f.key.file, SLICE("Foo.pdb")));
	assert_int_equal(
	    symbol_file_any_case(rig.db, &rig.arena, &key, true, &f, &rig.note), ERR_NOT_FOUND);
	assert_int_equal(
	    symbol_file_any_case(rig.db, &rig.arena, &other, false, &f, &rig.note), ERR_NOT_FOUND);
}

static void sources_go_with_the_rest_of_their_build(void **state)
{
	(void)state;
	put_of_build("buildid", "source/a.c", "abcd01", 0, false);
	put_of_build("buildid", "source/b.c", "abcd01", 0, true);
	put_of_build("buildid", "source/c.c", "abcd02", 0, false);
	put_of_build("a", "a.sym", "abcd01", 0, false);
	for (unsigned i = 0; i < 3; i++) {
		char id[8];
		snprintf(id, sizeof(id), "ef0%u", i);
		put_of_build("buildid", "executable", id, ELF_EXECUTABLE, false);
	}
	/* Builds below buildid/ are modules of their own, and are not counted together. */
	assert_int_equal(run((struct symbols_gc_rules){ .keep = 1 }).files, 1);
	assert_int_equal(symbol_file_delete(rig.db,
			     &(struct symbol_key){ SLICE("a"), SLICE("ABCD01"), SLICE("a.sym") },
			     false, &rig.note),
	    ERR_OK);
	assert_int_equal(run((struct symbols_gc_rules){ .dry_run = true }).files, 2);
	assert_int_equal(run((struct symbols_gc_rules){ .dry_run = false }).files, 2);
	assert_int_equal(run((struct symbols_gc_rules){ .dry_run = false }).files, 0);
}

static void the_audit_sees_what_is_wrong(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	put("a", "A1", false, 1, -1);
	assert_int_equal(symbols_service.audit(rig.db, &note), ERR_OK);
	db_rig_run(&rig, "UPDATE symbols_file SET debug_id = 'a1'");
	assert_int_equal(symbols_service.audit(rig.db, &note), ERR_CORRUPT);
}

static void tokens_end_and_are_blocked(void **state)
{
	const struct symbols_token t = { .email = SLICE("a@b"),
		.notes = SLICE("n"),
		.permissions = SYMBOLS_UPLOAD | SYMBOLS_VIEW_ALL,
		.created_ms = 1,
		.expires_ms = 2 };
	struct symbols_token got;
	char key[SYMBOLS_KEY_DIGITS + 1], label[64];
	int64_t id = 0, n = 0;

	(void)state;
	assert_int_equal(symbols_token_new(rig.db, &t, key, &id, &rig.note), ERR_OK);
	snprintf(label, sizeof(label), "%s-label", key);
	assert_int_equal(
	    symbols_token_by_key(rig.db, &rig.arena, slice_str(label), &got, &rig.note), ERR_OK);
	assert_true(got.id == id && got.permissions == t.permissions && !got.is_blocked);
	assert_int_equal(
	    symbols_token_by_key(rig.db, &rig.arena, SLICE("x"), &got, &rig.note), ERR_NOT_FOUND);
	assert_int_equal(symbols_token_block(rig.db, SLICE("a@b"), true, &n, &rig.note), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(symbols_token_set_end(rig.db, id, 77, &rig.note), ERR_OK);
	assert_int_equal(symbols_token_get(rig.db, &rig.arena, id, &got, &rig.note), ERR_OK);
	assert_true(got.is_blocked && got.expires_ms == 77);
	assert_int_equal(symbols_token_delete(rig.db, id, &rig.note), ERR_OK);
	assert_int_equal(symbols_token_get(rig.db, &rig.arena, id, &got, &rig.note), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_rules_nothing_goes, start, stop),
		cmocka_unit_test_setup_teardown(by_age_and_only_try_builds_by_theirs, start, stop),
		cmocka_unit_test_setup_teardown(by_last_use, start, stop),
		cmocka_unit_test_setup_teardown(by_number_of_builds, start, stop),
		cmocka_unit_test_setup_teardown(
		    only_builds_that_were_uploaded_to_stay_are_counted, start, stop),
		cmocka_unit_test_setup_teardown(what_upstreams_have_goes_by_use_alone, start, stop),
		cmocka_unit_test_setup_teardown(
		    those_of_upstreams_are_found_by_their_last_use, start, stop),
		cmocka_unit_test_setup_teardown(old_counts_and_what_never_came_go, start, stop),
		cmocka_unit_test_setup_teardown(
		    a_newer_upload_of_a_key_is_what_counts, start, stop),
		cmocka_unit_test_setup_teardown(
		    files_of_a_build_are_found_by_what_they_are, start, stop),
		cmocka_unit_test_setup_teardown(names_are_found_in_any_case, start, stop),
		cmocka_unit_test_setup_teardown(
		    sources_go_with_the_rest_of_their_build, start, stop),
		cmocka_unit_test_setup_teardown(the_audit_sees_what_is_wrong, start, stop),
		cmocka_unit_test_setup_teardown(tokens_end_and_are_blocked, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
