/*
 * plimsoll config: what is in effect and where each value came from; with --reference the page of
 * all keys that stands in doc/CONFIGURATION.md.
 */
#include <stdio.h>

#include "cmd/cmd.h"

enum {
	OUTPUT_BYTES = 256 * 1024
};

int cmd_config(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct buf out = buf_new(OUTPUT_BYTES);
	struct slice text = SLICE_EMPTY;

	if (o->reference) {
		struct conf_table tables[APP_MAX_CONF_TABLES];
		size_t n = app_conf_tables(app, tables);
		buf_append_str(&out,
		    "# Configuration\n\n"
		    "Every key with its default. A file has `[section]` and `key = value` lines; "
		    "`plimsoll serve -c FILE` reads it, `plimsoll check -c FILE` says what is "
		    "wrong with it. This page is made by `plimsoll config --reference`.\n");
		conf_print_reference(tables, n, &out);
	} else {
		conf_print(conf, &out);
	}
	int code = buf_finish(&out, &text) == ERR_OK ? EXIT_OK : EXIT_FAILED;
	printf("%.*s", SLICE_ARG(text));
	buf_free(&out);
	return code;
}
