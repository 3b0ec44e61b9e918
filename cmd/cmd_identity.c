/*
 * plimsoll identity: which of its verbs is meant.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd_identity.h"

/* clang-format off */
static const struct {
	const char *name, *second, *arguments;
	unsigned n_least, n_most; /* words behind name and second */
	identity_fn *run;
} verbs[] = {
	{ "key",    "list",   "",         0, 0, identity_key_list },
	{ "key",    "new",    "",         0, 0, identity_key_new },
	{ "key",    "retire", "ID",       1, 1, identity_key_retire },
	{ "verify", NULL,     "[--audience SITE] [--key FILE [--issuer HOST]] [--at TIME] [FILE|-]", 0, 1, identity_verify_file },
	{ "cost",   NULL,     "",         0, 0, identity_cost },
};
/* clang-format on */

enum {
	N_VERBS = sizeof(verbs) / sizeof(verbs[0])
};

static int usage(void)
{
	fprintf(stderr, "plimsoll identity: one of these is needed:\n");
	for (size_t i = 0; i < N_VERBS; i++) {
		fprintf(stderr, "  plimsoll identity %s%s%s %s\n", verbs[i].name,
		    verbs[i].second == NULL ? "" : " ",
		    verbs[i].second == NULL ? "" : verbs[i].second, verbs[i].arguments);
	}
	return EXIT_USAGE;
}

static bool is_meant(size_t i, const struct cmd_options *o)
{
	unsigned n = o->n_more;

	if (strcmp(o->word, verbs[i].name) != 0) {
		return false;
	}
	if (verbs[i].second != NULL) {
		if (n == 0 || strcmp(o->more[0], verbs[i].second) != 0) {
			return false;
		}
		n--;
	}
	return n >= verbs[i].n_least && n <= verbs[i].n_most;
}

int cmd_identity(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	(void)app;
	for (size_t i = 0; o->word != NULL && i < N_VERBS; i++) {
		if (is_meant(i, o)) {
			return verbs[i].run(conf, o);
		}
	}
	return usage();
}
