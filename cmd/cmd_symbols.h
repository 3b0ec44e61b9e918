/*
 * What the files of "plimsoll symbols" share.
 */
#ifndef PLIMSOLL_CMD_CMD_SYMBOLS_H
#define PLIMSOLL_CMD_CMD_SYMBOLS_H

#include "cmd/cmd_user.h"

/*
 * cmd_symbols_symbolicate.c: "symbolicate FILE OFFSET..." of a file that is there. False: something
 * else is meant; *ret_code is the command's exit code.
 */
bool symbols_symbolicate_file(const struct cmd_options *o, int *ret_code);

/* The same of a module in the store. */
user_fn symbols_symbolicate_stored;

/* cmd_symbols_upload.c: "upload FILE|FOLDER...", to a server that runs; the exit code. */
int symbols_send_files(const struct conf *conf, const struct cmd_options *o);

#endif
