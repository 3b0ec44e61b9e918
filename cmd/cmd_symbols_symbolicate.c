/*
 * plimsoll symbols symbolicate: functions, files and lines of offsets in one module, whose symbols
 * are a file or in the store. Without a server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd_symbols.h"
#include "core/blob/blob.h"
#include "services/symbols/symbol_file.h"
#include "services/symbols/symbolicate_print.h"

enum {
	OFFSET_CHARS = 31
};

static enum err print_one(struct sym_index *ix, const char *text, struct err_note *note)
{
	uint64_t offset = 0;
	enum err e = symbolicate_offset(text, &offset, note);

	return e == ERR_OK ? symbolicate_print(ix, offset, stdout) : e;
}

static enum err print_input(struct sym_index *ix, struct err_note *note)
{
	char text[OFFSET_CHARS + 1];
	enum err e = ERR_OK;

	while (e == ERR_OK && scanf("%31s", text) == 1) {
		e = print_one(ix, text, note);
	}
	return e;
}

/* The offsets that were given, or those of standard input. */
static enum err print_all(int fd, const char *const *words, unsigned n, struct err_note *note)
{
	struct sym_index *ix = NULL;
	enum err e = symbolicate_open(fd, &ix, note);

	if (e == ERR_OK && n == 0) {
		e = print_input(ix, note);
	}
	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		e = print_one(ix, words[i], note);
	}
	sym_index_close(&ix);
	return e;
}

bool symbols_symbolicate_file(const struct cmd_options *o, int *ret_code)
{
	struct err_note note = { 0 };

	if (o->word == NULL || strcmp(o->word, "symbolicate") != 0 || o->n_more == 0) {
		return false;
	}
	int fd = open(o->more[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	enum err e = print_all(fd, o->more + 1, o->n_more - 1, &note);
	(void)close(fd);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll symbols: %s: %s\n", o->more[0],
		    note.text[0] != '\0' ? note.text : err_text(e));
	}
	*ret_code = e == ERR_OK ? EXIT_OK : EXIT_FAILED;
	return true;
}

/* The .sym of "DEBUG_FILE/DEBUG_ID", regular or of a try build. */
static enum err find_file(struct user_run *r, struct symbol_file *ret)
{
	struct slice module = slice_str(r->words[0]);
	size_t slash = slice_find(module, '/', 0);
	const char *sym = symbol_sym_name(&r->arena, slice_sub(module, 0, slash));
	const char *text = arena_printf(&r->arena, "%s/%s", r->words[0], sym == NULL ? "" : sym);
	struct symbol_key key;

	if (text == NULL || symbol_key_parse(&r->arena, slice_str(text), &key) != ERR_OK) {
		return err_note_set(&r->note, ERR_INVALID,
		    "%s is no file, and no DEBUG_FILE/DEBUG_ID", r->words[0]);
	}
	enum err e = symbol_file_find(r->db, &r->arena, &key, ret, &r->note);
	return e == ERR_NOT_FOUND ? err_note_set(&r->note, e, "%s has no symbols here", r->words[0])
				  : e;
}

enum err symbols_symbolicate_stored(struct user_run *r)
{
	struct blob_store *blobs = NULL;
	struct symbol_file f;
	uint64_t size;
	int fd = -1;
	enum err e = find_file(r, &f);

	if (e == ERR_OK) {
		e = blob_open(
		    conf_str(r->conf, "plimsoll", "data_dir"), BLOB_READ, &blobs, &r->note);
	}
	if (e == ERR_OK) {
		e = blob_get(blobs, f.blob, &fd, &size, &r->note);
	}
	if (e == ERR_OK) {
		e = print_all(fd, r->words + 1, r->options->n_more - 1, &r->note);
		(void)close(fd);
	}
	blob_close(&blobs);
	return e;
}
