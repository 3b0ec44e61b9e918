/*
 * Each a line or two over report.h.
 */
#include "lab/report_parts.h"

#include <math.h>

void report_cell_real(struct report_table *t, double value, int digits)
{
	if (isfinite(value)) {
		report_cell(t, "%.*f", digits, value);
	} else {
		report_cell(t, "-");
	}
}

void report_cell_count(struct report_table *t, uint64_t n, bool bad)
{
	(bad && n > 0 ? report_cell_bad : report_cell)(t, "%llu", (unsigned long long)n);
}

void report_cell_quantity(struct report_table *t, enum quantity q, double value)
{
	struct buf text = buf_new(64);

	quantity_put(q, value, &text);
	report_cell(t, "%.*s", SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
}

void report_put_machine(const struct machine *m, struct buf *out)
{
	buf_printf(out, "%u cores of %s, %.1f GB of memory, %s", m->cores,
	    m->cpu[0] == '\0' ? "an unnamed processor" : m->cpu, (double)m->memory_bytes / 1e9,
	    m->kernel);
}
