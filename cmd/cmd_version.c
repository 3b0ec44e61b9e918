/*
 * plimsoll version.
 */
#include <stdio.h>

#include "cmd/cmd.h"

int cmd_version(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	(void)conf;
	(void)o;
	printf("plimsoll %s\n", app->version);
	return EXIT_OK;
}
