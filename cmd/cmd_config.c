/*
 * plimsoll config: what is in effect and where each value came from; with --reference the page of
 * all keys that stands in doc/CONFIGURATION.md, with --man the same as plimsoll.ini(5).
 */
#include <stdio.h>

#include "cmd/cmd.h"

enum {
	OUTPUT_BYTES = 256 * 1024
};

static const char man_begin[] = ".\\\" Made by `plimsoll config --man`.\n"
				".Dd November 26, 2026\n"
				".Dt PLIMSOLL.INI 5\n"
				".Os\n"
				".Sh NAME\n"
				".Nm plimsoll.ini\n"
				".Nd configuration of the Plimsoll server\n"
				".Sh DESCRIPTION\n"
				"Lines\n"
				".Dq [section]\n"
				"and\n"
				".Dq key = value ;\n"
				"what follows a semicolon is a comment.\n"
				"A key that is not there has its default.\n"
				".Xr plimsoll 1\n"
				"reads the file that\n"
				".Fl c\n"
				"names;\n"
				".Dq plimsoll check\n"
				"says what is wrong with it, and\n"
				".Dq plimsoll config\n"
				"prints every key in effect and where its value came from.\n"
				"Reloadable keys take effect on SIGHUP, others at the next start.\n"
				".Sh KEYS\n";

static const char man_end[] = ".Sh FILES\n"
			      ".Bl -tag -width Ds\n"
			      ".It Pa /etc/plimsoll/plimsoll.ini\n"
			      "The file of the Debian package.\n"
			      ".El\n"
			      ".Sh SEE ALSO\n"
			      ".Xr plimsoll 1\n";

int cmd_config(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct buf out = buf_new(OUTPUT_BYTES);
	struct slice text = SLICE_EMPTY;

	struct conf_table tables[APP_MAX_CONF_TABLES];
	size_t n = app_conf_tables(app, tables);

	if (o->man) {
		buf_append_str(&out, man_begin);
		conf_print_man(tables, n, &out);
		buf_append_str(&out, man_end);
	} else if (o->reference) {
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
