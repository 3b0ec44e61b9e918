/*
 * Dumps and files of other programs: values of all forms, what is passed over, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/store/foreign.h"

static bool wanted(struct slice table)
{
	return slice_eq(table, SLICE("t")) || slice_eq(table, SLICE("u"));
}

/* Opens text as a dump. */
static enum err open_text(const char *text, struct foreign **ret, struct err_note *note)
{
	char path[] = "/tmp/plimsoll-foreign-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	enum err e = foreign_open(path, wanted, ret, note);
	unlink(path);
	return e;
}

/* All values of a query with '|' between. */
static void rows_are(struct foreign *f, const char *sql, const char *expected)
{
	struct foreign_rows *rows = NULL;
	struct err_note note = { 0 };
	struct buf all = buf_new(4096);
	enum err e;

	assert_int_equal(foreign_select(f, sql, NULL, 0, &rows, &note), ERR_OK);
	while ((e = foreign_step(rows)) == ERR_OK) {
		buf_append_slice(
		    &all, foreign_is_null(rows, 0) ? SLICE("NULL") : foreign_text(rows, 0));
		buf_append_char(&all, '|');
	}
	assert_int_equal(e, ERR_END);
	foreign_end(&rows);
	buf_append_char(&all, '\0');
	assert_string_equal(all.data, expected);
	buf_free(&all);
}

static void a_dump_of_mysql_is_read(void **state)
{
	struct foreign *f = NULL;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(
	    open_text(
		"-- MySQL dump 10.13\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `t`;\n"
		"CREATE TABLE `t` (\n `a` int NOT NULL DEFAULT '0',\n `b` decimal(10,2) "
		"DEFAULT NULL,\n `key` mediumtext COMMENT 'it''s; a ) comment',\n PRIMARY "
		"KEY (`a`,`b`),\n KEY `x` (`b`)\n) ENGINE=InnoDB;\n"
		"LOCK TABLES `t` WRITE;\n"
		"INSERT INTO `t` VALUES (1,NULL,'it\\'s'),(-2,1.5,'a\\\\b\\n\\0;'),"
		"(3,2,_binary 'x''y'),(4,5,0x6869),(5,6,X'');\n"
		"INSERT INTO `t` (`key`,`a`) VALUES ('named',6);\n"
		"INSERT INTO `other` VALUES (1,'a;b');\nUNLOCK TABLES;\n"
		"# another comment\n-- Dump completed on 2026-11-26\n\n",
		&f, &note),
	    ERR_OK);
	rows_are(f, "SELECT a FROM t ORDER BY a", "-2|1|3|4|5|6|");
	rows_are(f, "SELECT b FROM t ORDER BY a", "1.5|NULL|2|5|6|NULL|");
	rows_are(f, "SELECT hex(\"key\") FROM t WHERE a = -2", "615C620A003B|");
	rows_are(
	    f, "SELECT \"key\" FROM t WHERE a IN (1, 3, 4, 6) ORDER BY a", "it's|x'y|hi|named|");
	assert_true(foreign_has(f, "t", "key"));
	assert_false(foreign_has(f, "t", "c"));
	assert_false(foreign_has(f, "other", NULL));
	assert_int_equal(foreign_index(f, "t", "a", &note), ERR_OK);
	foreign_close(&f);
}

static void a_dump_of_sqlite_is_read(void **state)
{
	struct foreign *f = NULL;
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(open_text("PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n"
				   "CREATE TABLE t (a INTEGER NOT NULL, b TEXT, PRIMARY KEY (a));\n"
				   "INSERT INTO t VALUES(1,'back\\slash''s');\n"
				   "INSERT INTO \"t\" VALUES(2,NULL);\n"
				   "CREATE INDEX i ON t (b);\nCOMMIT;\n",
			     &f, &note),
	    ERR_OK);
	rows_are(f, "SELECT b FROM t ORDER BY a", "back\\slash's|NULL|");
	foreign_close(&f);
}

static void what_is_not_whole_or_not_understood_is_refused(void **state)
{
	static const char begin[] = "CREATE TABLE t (a int, b text);\n";
	static const struct {
		const char *text;
		enum err expected;
		const char *says;
	} cases[] = {
		{ "INSERT INTO t VALUES (1,'x');\n", ERR_CORRUPT, "not whole" },
		{ "INSERT INTO t VALUES (1,'x", ERR_CORRUPT, "in the middle of a value" },
		{ "INSERT INTO t VALUES (1", ERR_CORRUPT, "" },
		{ "INSERT INTO t VALUES", ERR_CORRUPT, "" },
		{ "INSERT INTO t VALUES (1,'x')", ERR_CORRUPT, "middle of a statement" },
		{ "/* no end", ERR_CORRUPT, "comment" },
		{ "INSERT INTO t VALUES (1,'x','y');", ERR_SYNTAX, "more values" },
		{ "INSERT INTO t VALUES (1);", ERR_SYNTAX, "fewer values" },
		{ "INSERT INTO t VALUES (1,now());", ERR_SYNTAX, "not understood" },
		{ "INSERT INTO t VALUES (1,-'x');", ERR_SYNTAX, "a number" },
		{ "INSERT INTO t VALUES (1,0xq);", ERR_SYNTAX, "hex" },
		{ "INSERT INTO t (c) VALUES (1);", ERR_SYNTAX, "a column" },
		{ "INSERT INTO t SELECT 1;", ERR_SYNTAX, "VALUES" },
		{ "INSERT INTO u VALUES (1);", ERR_SYNTAX, "without their table" },
		{ "CREATE TABLE t (a int);", ERR_SYNTAX, "the same table" },
		{ "-- Dump completed\nINSERT INTO t VALUES (1,'x');\n", ERR_CORRUPT, "not whole" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct foreign *f = NULL;
		struct err_note note = { 0 };
		char text[512];
		snprintf(text, sizeof(text), "%s%s", begin, cases[i].text);
		assert_int_equal(open_text(text, &f, &note), cases[i].expected);
		assert_non_null(strstr(note.text, cases[i].says));
		assert_null(f);
	}
	struct foreign *f = NULL;
	struct err_note note = { 0 };
	assert_int_equal(open_text("-- Dump completed\n", &f, &note), ERR_SYNTAX);
	assert_int_equal(open_text("SQLite format 3", &f, &note), ERR_CORRUPT);
	assert_int_equal(foreign_open("/nonexistent/file", wanted, &f, &note), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_of_mysql_is_read),
		cmocka_unit_test(a_dump_of_sqlite_is_read),
		cmocka_unit_test(what_is_not_whole_or_not_understood_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
