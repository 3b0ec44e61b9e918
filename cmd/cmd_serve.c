/*
 * plimsoll serve: checks, then hands over to the supervisor.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/first_link.h"

static bool service_exists(const struct app *app, const char *name)
{
	for (size_t i = 0; i < app->n_services; i++) {
		if (strcmp(app->services[i]->name, name) == 0 && app->services[i]->n_ops > 0) {
			return true;
		}
	}
	return false;
}

int cmd_serve(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct err_note note = { 0 };

	if (o->word != NULL && !service_exists(app, o->word)) {
		fprintf(stderr, "plimsoll serve: there is no service \"%s\"; there are:", o->word);
		for (size_t i = 0; i < app->n_services; i++) {
			if (app->services[i]->n_ops > 0) {
				fprintf(stderr, " %s", app->services[i]->name);
			}
		}
		fprintf(stderr, "\n");
		return EXIT_USAGE;
	}
	if (service_verify(app->services, app->n_services, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_FAILED;
	}
	int code = cmd_check_conf(app, conf, o->word);
	if (code != EXIT_OK) {
		return code;
	}
	char greeting[FIRST_LINK_TEXT];
	bool has_greeting = first_link(app, conf, o->word, greeting);
	const struct serve_options serve = { .conf_path = o->conf_path,
		.only_service = o->word,
		.no_sandbox = o->no_sandbox,
		.argv = o->argv,
		.greeting = has_greeting ? greeting : NULL };
	return supervisor_run(app, conf, &serve);
}
