/*
 * The page that a report is: one file of HTML that can be mailed. Style inside, plots as SVG
 * (plot.h), no script, no network; readable in light and dark, on a phone, printed. Texts
 * are plain and are escaped here.
 */
#ifndef PLIMSOLL_LAB_REPORT_H
#define PLIMSOLL_LAB_REPORT_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Begins it: the title, and below it what it comes to, in one sentence. */
void report_begin(struct buf *out, const char *title, const char *headline);
void report_end(struct buf *out);

void report_section(struct buf *out, const char *title);
void report_text(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As it is written, in letters of one width. */
void report_verbatim(struct buf *out, struct slice text);

enum report_tone {
	REPORT_GOOD,
	REPORT_BAD,
};

/* A sentence with a coloured edge: a verdict. */
void report_verdict(struct buf *out, enum report_tone tone, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A list of sentences: begin, the items, end. */
void report_list_begin(struct buf *out);
void report_list_item(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_list_end(struct buf *out);

/*
 * A table. Columns whose name begins with '<' hold text and stand left, others numbers and stand
 * right. Cells are given row by row, the row ends by itself behind the last column.
 */
struct report_table {
	struct buf *out;
	const char *const *columns; /* borrowed */
	unsigned n_columns, at;
};

struct report_table report_table_begin(struct buf *out, const char *const *columns, unsigned n);
void report_cell(struct report_table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, marked as what to look at. */
void report_cell_bad(struct report_table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_table_end(struct report_table *t);

/*
 * Writes a finished page to a file, whole or not at all: what stood there before stays until the
 * new one is complete. ERR_LIMIT, ERR_IO, ERR_DISK_FULL with the reason in note.
 */
NODISCARD enum err report_save(const struct buf *page, const char *path, struct err_note *note);

#endif
