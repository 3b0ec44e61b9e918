/*
 * Errors are said here, once.
 */
#include "cmd/lab_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/report.h"

const char *lab_model_path(const char *word, char *out, size_t size)
{
	if (strchr(word, '/') != NULL || slice_ends(slice_str(word), SLICE(".lua"))) {
		return word;
	}
	(void)snprintf(out, size, "%s/%s.lua", PLIMSOLL_MODEL_DIR, word);
	return out;
}

int lab_usage_error(const char *command, const char *what)
{
	fprintf(stderr, "plimsoll: %s; see `plimsoll %s --help`\n", what, command);
	return EXIT_USAGE;
}

int lab_failed(const char *command, const struct err_note *note)
{
	fprintf(stderr, "plimsoll %s: %s\n", command, note->text);
	return EXIT_FAILED;
}

bool lab_print(const struct buf *text)
{
	struct slice all = SLICE_EMPTY;

	if (buf_finish(text, &all) != ERR_OK || fwrite(all.ptr, 1, all.len, stdout) != all.len ||
	    fflush(stdout) != 0) {
		fputs("plimsoll: the output could not be written\n", stderr);
		return false;
	}
	return true;
}

bool lab_save_page(const char *command, const struct buf *page, const char *path)
{
	struct err_note note = { 0 };

	if (report_save(page, path, &note) != ERR_OK) {
		fprintf(
		    stderr, "plimsoll %s: %s could not be written: %s\n", command, path, note.text);
		return false;
	}
	return true;
}

enum err lab_read_json(
    const char *path, struct arena *arena, const struct json **ret, struct err_note *note)
{
	struct buf text = buf_new(LAB_TEXT_BYTES);
	struct err_note why = { 0 };
	bool input = strcmp(path, "-") == 0;
	int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	enum err e = buf_read_all(&text, fd);
	if (!input) {
		close(fd);
	}
	if (e != ERR_OK) {
		e = err_note_set(note, e, "%s cannot be read: %s", path, err_text(e));
	} else {
		e = json_parse(arena, buf_slice(&text), ret, &why);
		if (e != ERR_OK) {
			e = err_note_set(note, e, "%s is no JSON: %s", path, why.text);
		}
	}
	buf_free(&text);
	return e;
}
