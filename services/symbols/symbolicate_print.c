/*
 * See symbolicate_print.h. The index is a file that has no name and goes with its last descriptor.
 */
#include "services/symbols/symbolicate_print.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/symbols/index_build.h"
#include "services/symbols/sym_fields.h"
#include "services/symbols/sym_parse.h"

enum {
	SYM_MAX_GIB = 16
};

static enum err build(int from, int to, struct sym_index **ret, struct err_note *note)
{
	const struct index_limits limits = { .sym_bytes = (uint64_t)SYM_MAX_GIB << 30,
		.index_bytes = UINT32_MAX };
	struct index_built built;
	enum err e = index_build(from, to, NULL, &limits, &built, note);

	return e == ERR_OK ? sym_index_open(to, NULL, ret, note) : e;
}

enum err symbolicate_open(int fd, struct sym_index **ret, struct err_note *note)
{
	int to = memfd_create("index", MFD_CLOEXEC);

	if (to < 0) {
		return err_note_set(note, ERR_SYSTEM, "no memory for an index");
	}
	enum err e = build(fd, to, ret, note);
	(void)close(to);
	return e;
}

enum err symbolicate_offset(const char *text, uint64_t *ret, struct err_note *note)
{
	struct slice rest = slice_str(text);

	if (slice_starts(rest, SLICE("0x"))) {
		rest = slice_sub(rest, 2, rest.len);
	}
	if (!sym_take_hex(&rest, ret) || rest.len > 0) {
		return err_note_set(note, ERR_SYNTAX, "\"%s\" is no offset, as 0x16fc is", text);
	}
	return ERR_OK;
}

/* "function at file:line", of which only the function is always known. */
static enum err print_call(struct sym_index *ix, const struct sym_call *call, FILE *out)
{
	struct buf text = buf_new(4 * SYM_LINE_MAX);

	(void)sym_index_text(ix, call->function, &text);
	if (call->file != 0) {
		buf_append_str(&text, " at ");
		(void)sym_index_text(ix, call->file, &text);
	}
	if (call->line != 0) {
		buf_printf(&text, ":%u", call->line);
	}
	bool failed = text.failed;
	fprintf(out, "%.*s", SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
	return failed ? ERR_MEMORY : sym_index_is_damaged(ix) ? ERR_CORRUPT : ERR_OK;
}

enum err symbolicate_print(struct sym_index *ix, uint64_t offset, FILE *out)
{
	struct sym_found f;
	enum err e = ERR_OK;

	if (!sym_index_find(ix, offset, &f)) {
		fprintf(out, "0x%" PRIx64 "  ?\n", offset);
		return sym_index_is_damaged(ix) ? ERR_CORRUPT : ERR_OK;
	}
	for (unsigned i = f.n_calls; e == ERR_OK && i > 0; i--) {
		fprintf(out, "0x%" PRIx64 "  ", offset);
		e = print_call(ix, &f.calls[i - 1], out);
		if (i > 1) {
			fprintf(out, " (inlined)\n");
		} else {
			fprintf(out, " +0x%" PRIx64 "\n", offset - f.start);
		}
	}
	return e;
}
