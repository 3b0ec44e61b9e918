/*
 * Style and the plain parts. Colours are variables, so that dark, light and paper differ in one
 * place each; on paper there is no dark, and nothing is broken across sheets that need not be.
 */
#include "lab/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/enc.h"

enum {
	TEXT_BYTES = 8192
};

/* clang-format off */
/* In pieces: a compiler need not take longer texts. */
static const char *const style[] = {
    ":root{color-scheme:light dark;--ink:#1b1f24;--dim:#5c6670;--ground:#fff;--line:#d5dae0;--grid:#e6eaee;"
    "--bad:#c02f1d;--good:#16794c;"
    "--s0:#0b6bb8;--s1:#cf5300;--s2:#00825c;--s3:#8547b8;--s4:#946c00;--s5:#c2327a;--s6:#4a7d86;--s7:#6b6b6b}\n"
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--dim:#9aa5b0;--ground:#14181c;--line:#3a424b;"
    "--grid:#29303a;--bad:#ff8371;--good:#5cc795;"
    "--s0:#58aef0;--s1:#ff9350;--s2:#3fc79b;--s3:#c096f0;--s4:#dcb23c;--s5:#f583b4;--s6:#86bcc6;--s7:#b0b0b0}}\n"
    "*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);"
    "max-width:62rem;margin:0 auto;padding:1.5rem 1rem 3rem}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;"
    "border-bottom:1px solid var(--line);padding-bottom:.2rem}h3{font-size:1rem;margin:0}p{margin:.5rem 0;max-width:46rem}\n"
    ".lead{font-size:1.1rem;overflow-wrap:anywhere}ul{margin:.5rem 0;padding-left:1.3rem}li{margin:.2rem 0;max-width:46rem;"
    "overflow-wrap:anywhere}\n"
    ".verdict{border-left:.35rem solid var(--good);padding:.2rem .8rem;margin:.6rem 0}.verdict.bad{border-color:var(--bad)}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .7rem .25rem 0;text-align:right;border-bottom:1px solid var(--grid);vertical-align:top}"
    "th{color:var(--dim);font-weight:600;border-color:var(--line);vertical-align:bottom;white-space:nowrap}"
    "td.t,th.t{text-align:left}td.t{min-width:6rem}td.why{min-width:16rem}td.bad{color:var(--bad);font-weight:600}\n",
    "pre{overflow-x:auto;font-size:.8rem;line-height:1.4;background:var(--grid);padding:.6rem;border-radius:.3rem}\n"
    "figure{margin:1.4rem 0 1.8rem;break-inside:avoid}figcaption{margin-bottom:.7rem}"
    ".key{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;margin:.15rem 0 0;padding:0;font-size:.85rem}"
    ".key li{margin:0}.key svg{width:1.5rem;height:.7rem;margin-right:.35rem}\n"
    ".area{position:relative;height:14rem;margin:0 1.4rem 2.9rem 3.7rem}.area>svg{position:absolute;inset:0;width:100%;"
    "height:100%;overflow:visible}.area span{position:absolute;font-size:.75rem;line-height:1;color:var(--dim);white-space:nowrap}"
    ".area .y{right:100%;margin-right:.45rem;transform:translateY(50%)}.area .x{top:100%;margin-top:.4rem;transform:translateX(-50%)}"
    ".area .name{top:100%;right:0;margin-top:1.45rem}.area .mark{color:var(--ink);transform:translateX(-100%);padding-right:.3rem;top:.1rem}"
    ".area .mark.after{transform:none;padding:0 0 0 .3rem}.area .level{right:0;padding-bottom:.2rem;color:var(--ink)}\n"
    "svg *{vector-effect:non-scaling-stroke}.grid{stroke:var(--grid)}.axis{stroke:var(--dim);fill:none;stroke-opacity:.5}"
    ".markline{stroke:var(--ink);stroke-dasharray:2 3}polyline,.dot,.span{fill:none;stroke-width:1.8;stroke-linejoin:round}"
    ".dot{stroke-width:6.5;stroke-linecap:round}.span{stroke-width:1.3}\n"
    ".bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.35rem .7rem;align-items:center;font-size:.875rem;"
    "max-width:46rem}.bars>span:nth-child(3n+1){max-width:12rem;overflow-wrap:anywhere}"
    ".bars>span:nth-child(3n){text-align:right;font-variant-numeric:tabular-nums}.bars svg{width:100%;height:1.1rem;"
    "display:block;overflow:visible}.track{fill:var(--grid)}\n"
    ".c0{stroke:var(--s0)}.c1{stroke:var(--s1);stroke-dasharray:7 3}.c2{stroke:var(--s2);stroke-dasharray:2 3}"
    ".c3{stroke:var(--s3);stroke-dasharray:9 3 2 3}.c4{stroke:var(--s4)}.c5{stroke:var(--s5);stroke-dasharray:7 3}"
    ".c6{stroke:var(--s6);stroke-dasharray:2 3}.c7{stroke:var(--s7);stroke-dasharray:9 3 2 3}.dot,.span{stroke-dasharray:none}\n"
    ".f0{fill:var(--s0)}.f1{fill:var(--s1)}.f2{fill:var(--s2)}.f3{fill:var(--s3)}.f4{fill:var(--s4)}.f5{fill:var(--s5)}"
    ".f6{fill:var(--s6)}.f7{fill:var(--s7)}.interval{stroke:var(--ink);stroke-width:1.3}\n"
    "@media(max-width:600px){h1{font-size:1.35rem}.area{height:12rem;margin-left:3.3rem}"
    ".bars{grid-template-columns:1fr max-content;grid-auto-flow:dense}"
    ".bars>svg{grid-column:1/3;margin-bottom:.4rem}.bars>span:nth-child(3n+1){max-width:none}}\n"
    "@media print{body{font-size:10.5pt;padding:0;max-width:none}.wide{overflow:visible}table{font-size:8.5pt}"
    "h2,h3{break-after:avoid}tr,.verdict{break-inside:avoid}.area{height:11rem}th,td{padding-right:.5rem}"
    "td.why{min-width:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}@page{margin:15mm}\n",
};
/* clang-format on */

static void put_format(struct buf *out, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
static void put_format(struct buf *out, const char *fmt, va_list args)
{
	char text[TEXT_BYTES];

	(void)vsnprintf(text, sizeof(text), fmt, args);
	enc_html(out, slice_str(text));
}

void report_begin(struct buf *out, const char *title, const char *headline)
{
	buf_append_str(out,
	    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
	enc_html(out, slice_str(title));
	buf_append_str(out, "</title>\n<style>");
	for (size_t i = 0; i < sizeof(style) / sizeof(style[0]); i++) {
		buf_append_str(out, style[i]);
	}
	buf_append_str(out, "</style></head>\n<body>\n<h1>");
	enc_html(out, slice_str(title));
	buf_append_str(out, "</h1>\n<p class=\"lead\">");
	enc_html(out, slice_str(headline));
	buf_append_str(out, "</p>\n");
}

void report_end(struct buf *out)
{
	buf_append_str(out, "</body></html>\n");
}

void report_section(struct buf *out, const char *title)
{
	buf_append_str(out, "<h2>");
	enc_html(out, slice_str(title));
	buf_append_str(out, "</h2>\n");
}

void report_text(struct buf *out, const char *fmt, ...)
{
	va_list args;

	buf_append_str(out, "<p>");
	va_start(args, fmt);
	put_format(out, fmt, args);
	va_end(args);
	buf_append_str(out, "</p>\n");
}

void report_verbatim(struct buf *out, struct slice text)
{
	buf_append_str(out, "<pre>");
	enc_html(out, text);
	buf_append_str(out, "</pre>\n");
}

void report_verdict(struct buf *out, enum report_tone tone, const char *fmt, ...)
{
	va_list args;

	buf_append_str(
	    out, tone == REPORT_BAD ? "<p class=\"verdict bad\">" : "<p class=\"verdict\">");
	va_start(args, fmt);
	put_format(out, fmt, args);
	va_end(args);
	buf_append_str(out, "</p>\n");
}

void report_list_begin(struct buf *out)
{
	buf_append_str(out, "<ul>\n");
}

void report_list_item(struct buf *out, const char *fmt, ...)
{
	va_list args;

	buf_append_str(out, "<li>");
	va_start(args, fmt);
	put_format(out, fmt, args);
	va_end(args);
	buf_append_str(out, "</li>\n");
}

void report_list_end(struct buf *out)
{
	buf_append_str(out, "</ul>\n");
}

/* ---- tables ---- */

static bool holds_text(const struct report_table *t, unsigned column)
{
	return t->columns[column][0] == '<';
}

struct report_table report_table_begin(struct buf *out, const char *const *columns, unsigned n)
{
	const struct report_table t = { out, columns, n, 0 };

	buf_append_str(out, "<div class=\"wide\"><table><thead><tr>");
	for (unsigned i = 0; i < n; i++) {
		bool text = holds_text(&t, i);
		buf_append_str(out, text ? "<th class=\"t\">" : "<th>");
		enc_html(out, slice_str(columns[i] + (text ? 1 : 0)));
		buf_append_str(out, "</th>");
	}
	buf_append_str(out, "</tr></thead>\n<tbody>");
	return t;
}

/* The last column of text takes the sentences. */
static const char *class_of(const struct report_table *t, bool bad)
{
	bool text = holds_text(t, t->at), why = text && t->at > 0 && t->at + 1 == t->n_columns;

	return bad ? (text ? "t bad" : "bad") : why ? "t why" : text ? "t" : "";
}

static void put_cell(struct report_table *t, bool bad, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);
static void put_cell(struct report_table *t, bool bad, const char *fmt, va_list args)
{
	const char *class = class_of(t, bad);

	if (t->at == 0) {
		buf_append_str(t->out, "<tr>");
	}
	if (class[0] == '\0') {
		buf_append_str(t->out, "<td>");
	} else {
		buf_printf(t->out, "<td class=\"%s\">", class);
	}
	put_format(t->out, fmt, args);
	buf_append_str(t->out, "</td>");
	if (++t->at == t->n_columns) {
		buf_append_str(t->out, "</tr>\n");
		t->at = 0;
	}
}

void report_cell(struct report_table *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_cell(t, false, fmt, args);
	va_end(args);
}

void report_cell_bad(struct report_table *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_cell(t, true, fmt, args);
	va_end(args);
}

void report_table_end(struct report_table *t)
{
	buf_append_str(t->out, "</tbody></table></div>\n");
}

/* ---- the file ---- */

static enum err write_file(const char *path, struct slice text, struct err_note *note)
{
	FILE *out = fopen(path, "we");

	if (out == NULL) {
		return err_note_set(note, err_from_errno(errno), "%s", strerror(errno));
	}
	bool good = fwrite(text.ptr, 1, text.len, out) == text.len && fflush(out) == 0;
	int why = errno;
	if (fclose(out) != 0 && good) {
		good = false;
		why = errno;
	}
	return good ? ERR_OK : err_note_set(note, err_from_errno(why), "%s", strerror(why));
}

enum err report_save(const struct buf *page, const char *path, struct err_note *note)
{
	char beside[4096];
	struct slice text = SLICE_EMPTY;

	if (buf_finish(page, &text) != ERR_OK) {
		return err_note_set(note, ERR_LIMIT, "the page is larger than a page may be");
	}
	/* What is no file (a pipe, /dev/stdout) is written to as it is. */
	if (strncmp(path, "/dev/", 5) == 0 ||
	    snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside)) {
		return write_file(path, text, note);
	}
	enum err e = write_file(beside, text, note);
	if (e == ERR_OK && rename(beside, path) != 0) {
		e = err_note_set(note, err_from_errno(errno), "%s", strerror(errno));
	}
	if (e != ERR_OK) {
		(void)unlink(beside);
	}
	return e;
}
