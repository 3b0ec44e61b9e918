/*
 * plimsoll helper: a machine that computes for servers elsewhere. Its configuration needs [nats]
 * only; there is no data folder, no listener, no key.
 */
#include <stdio.h>

#include "cmd/cmd.h"

int cmd_helper(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	if (conf_str(conf, "nats", "url")[0] == '\0') {
		fprintf(stderr,
		    "plimsoll helper: [nats] url says nothing: a helper needs the address of the "
		    "NATS server that its servers use, as in tls://nats.example.org:4222\n");
		return EXIT_CONFIG;
	}
	const struct serve_options serve = { .conf_path = o->conf_path,
		.no_sandbox = o->no_sandbox,
		.is_helper = true,
		.argv = o->argv };
	return supervisor_run(app, conf, &serve);
}
