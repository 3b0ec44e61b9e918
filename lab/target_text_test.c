/*
 * Readers of /proc and of Prometheus' format: real lines, and what must not be taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/exposition.h"
#include "lab/target_text.h"

static void a_process_whose_name_has_brackets(void **state)
{
	struct proc_stat s;

	(void)state;
	assert_true(proc_read_stat(
	    SLICE("4321 (a) b (c) S 17 4321 4321 0 -1 4194560 2203 0 0 0 150 25 0 0 20 0 11 0 "
		  "98765 1234567 890 18446744073709551615 1 1 0 0"),
	    &s));
	assert_string_equal(s.name, "a) b (c");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.parent, 17);
	assert_int_equal(s.ticks, 175);
	assert_int_equal(s.threads, 11);
	assert_int_equal(s.started_ticks, 98765);
	assert_int_equal(s.resident_pages, 890);
	assert_false(proc_read_stat(SLICE(""), &s));
	assert_false(proc_read_stat(SLICE("12 (x"), &s));
	assert_false(proc_read_stat(SLICE("12 (x) S 1 2 3"), &s));
	assert_false(
	    proc_read_stat(SLICE("12 (x) S one 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7 8 9 1 2"), &s));
}

static void counters_of_threads_disks_and_processors(void **state)
{
	uint64_t a = 0, b = 0;

	(void)state;
	assert_true(proc_read_schedstat(SLICE("123456789 987 42"), &a, &b));
	assert_true(a == 123456789 && b == 987);
	assert_false(proc_read_schedstat(SLICE("123"), &a, &b));
	struct slice io = SLICE("rchar: 5\nwchar: 6\nread_bytes: 4096\nwrite_bytes: 81920\n"
				"cancelled_write_bytes: 0");
	assert_true(proc_read_field(io, "write_bytes", &a) && a == 81920);
	assert_true(proc_read_field(SLICE("VmRSS:\t   1234 kB\n"), "VmRSS", &a) && a == 1234);
	assert_false(proc_read_field(io, "bytes", &a));
	assert_true(
	    proc_read_steal(SLICE("cpu  10 20 30 40 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8"), &a, &b));
	assert_true(a == 8 && b == 126);
	assert_false(proc_read_steal(SLICE("cpu0 1 2 3 4 5 6 7 8"), &a, &b));
}

static void samples_and_what_is_none(void **state)
{
	struct slice rest = SLICE(
	    "# HELP x y\n# TYPE x counter\nx 5\n\nnonsense\nx{a=\"b\",c=\"d}\\\"e\"} 1.5e3 1700\n"
	    "open{a=\"b 1\nnan NaN\ninf +Inf\n{a=\"b\"} 1\nlast{}\t 7");
	struct exposition_sample s;
	struct slice label;

	(void)state;
	assert_true(exposition_next(&rest, &s));
	assert_true(slice_eq(s.name, SLICE("x")) && s.value == 5 && s.labels.len == 0);
	assert_false(exposition_label(&s, "a", &label));
	assert_true(exposition_next(&rest, &s));
	assert_true(slice_eq(s.name, SLICE("x")) && s.value == 1500);
	assert_true(exposition_label(&s, "a", &label) && slice_eq(label, SLICE("b")));
	assert_true(exposition_label(&s, "c", &label) && slice_eq(label, SLICE("d}\\\"e")));
	assert_false(exposition_label(&s, "e", &label));
	assert_true(exposition_next(&rest, &s));
	assert_true(slice_eq(s.name, SLICE("last")) && s.value == 7);
	assert_false(exposition_next(&rest, &s));
	s.labels = SLICE("a=b");
	assert_false(exposition_label(&s, "a", &label));
	s.labels = SLICE("a=\"");
	assert_false(exposition_label(&s, "a", &label));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_whose_name_has_brackets),
		cmocka_unit_test(counters_of_threads_disks_and_processors),
		cmocka_unit_test(samples_and_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
