/*
 * The token comes from a file or the environment, never from the command line, which others can
 * see.
 */
#include "cmd/lab_fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"

enum {
	MADE_TOKEN = 24
};

/* The text of the token in out; ERR_NOT_FOUND: none was given. */
static enum err read_token(const struct lab_options *o, char out[FLEET_TOKEN_BYTES],
    struct slice *ret, struct err_note *note)
{
	const char *given = getenv("PLIMSOLL_LAB_TOKEN");

	out[0] = '\0';
	if (o->token_file != NULL) {
		FILE *in = fopen(o->token_file, "re");
		if (in == NULL || fgets(out, FLEET_TOKEN_BYTES, in) == NULL) {
			int failed = errno;
			if (in != NULL) {
				(void)fclose(in);
			}
			return err_note_set(note, ERR_INVALID, "%s cannot be read: %s",
			    o->token_file, in == NULL ? strerror(failed) : "it is empty");
		}
		(void)fclose(in);
	} else if (given != NULL) {
		(void)snprintf(out, FLEET_TOKEN_BYTES, "%s", given);
	}
	*ret = slice_trim(slice_sub(slice_str(out), 0, slice_find(slice_str(out), '\n', 0)));
	return ret->len > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err lab_fleet_open(const struct lab_options *o, struct fleet **ret, struct err_note *note)
{
	char token[FLEET_TOKEN_BYTES];
	struct fleet_plan plan = {
		.processes = o->processes, .joined = o->generators, .listen = o->listen
	};

	enum err e = o->generators == 0 ? ERR_OK : read_token(o, token, &plan.token, note);
	if (e == ERR_NOT_FOUND) {
		rng_token(token, MADE_TOKEN);
		plan.token = SLICE_OF(token, MADE_TOKEN);
		fprintf(stderr,
		    "plimsoll load: on the other machines:\n  PLIMSOLL_LAB_TOKEN=%.*s plimsoll load --join %s\n",
		    SLICE_ARG(plan.token), o->listen);
		e = ERR_OK;
	}
	return e == ERR_OK ? fleet_open(&plan, ret, note) : e;
}

enum err lab_fleet_join(const struct lab_options *o, struct err_note *note)
{
	char token[FLEET_TOKEN_BYTES];
	struct slice known = SLICE_EMPTY;

	enum err e = read_token(o, token, &known, note);
	if (e == ERR_NOT_FOUND) {
		return err_note_set(note, ERR_INVALID,
		    "--join needs the token that the leader printed, in PLIMSOLL_LAB_TOKEN or --token-file");
	}
	return e == ERR_OK ? fleet_join(o->join, known, o->processes == 0 ? 1 : o->processes,
				 o->load.from, note)
			   : e;
}
