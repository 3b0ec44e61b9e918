/*
 * What the commands of the lab share: reading a file of JSON, printing, writing a page, and saying
 * what failed.
 */
#ifndef PLIMSOLL_CMD_LAB_OUTPUT_H
#define PLIMSOLL_CMD_LAB_OUTPUT_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/role/role.h"

enum {
	LAB_TEXT_BYTES = 64 << 20, /* of a result or a page */
	EXIT_VOID = 6,		   /* the figures are not the target's */
};

/* "persona" is one of those that came with the program, its path in out; with '/' or ".lua" it is a
 * file. */
const char *lab_model_path(const char *word, char *out, size_t size);

/* "plimsoll: WHAT; see `plimsoll COMMAND --help`" on standard error; EXIT_USAGE. */
int lab_usage_error(const char *command, const char *what);

/* "plimsoll COMMAND: NOTE" on standard error; EXIT_FAILED. */
int lab_failed(const char *command, const struct err_note *note);

/* Prints what is in the buffer; false, said, if standard output does not take it. */
bool lab_print(const struct buf *text);

/* Writes a page; false, said, if it cannot be written. */
bool lab_save_page(const char *command, const struct buf *page, const char *path);

/* Reads a file (or standard input: "-") as JSON into the arena. */
NODISCARD enum err lab_read_json(
    const char *path, struct arena *arena, const struct json **ret, struct err_note *note);

#endif
