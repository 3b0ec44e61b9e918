/*
 * Flags that all subcommands share, and the configuration they lead to.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "core/role/app.h"
#include "core/role/predecessor.h"

enum {
	PROBLEMS_BYTES = 64 * 1024,
	COMPLAINT_BYTES = 1024,
};

static bool take_argument(int argc, char **argv, int *i, const char **ret)
{
	if (*i + 1 >= argc) {
		fprintf(stderr, "plimsoll: %s needs a value; see `plimsoll help`\n", argv[*i]);
		return false;
	}
	*ret = argv[++*i];
	return true;
}

static bool take_set(int argc, char **argv, int *i, struct cmd_options *o)
{
	if (o->n_sets == CMD_MAX_SETS) {
		fprintf(stderr, "plimsoll: at most %d --set\n", CMD_MAX_SETS);
		return false;
	}
	return take_argument(argc, argv, i, &o->sets[o->n_sets++]);
}

/* A flag without a value. */
static bool set_switch(const char *word, struct cmd_options *o)
{
	const struct {
		const char *name;
		bool *value;
	} switches[] = {
		{ "--no-sandbox", &o->no_sandbox },
		{ "--reference", &o->reference },
		{ "--man", &o->man },
		{ "--json", &o->json },
		{ "--data", &o->data },
		{ "--without-keys", &o->without_keys },
		{ "--without-blobs", &o->without_blobs },
		{ "--try", &o->is_try },
		{ "--force", &o->force },
		{ "--anonymise", &o->anonymise },
		{ "--dry-run", &o->dry_run },
		{ "-h", &o->help },
		{ "--help", &o->help },
	};

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (strcmp(word, switches[i].name) == 0) {
			*switches[i].value = true;
			return true;
		}
	}
	return false;
}

/* Where the value of a flag goes; NULL: the flag takes none. */
static const char **value_of(const char *word, struct cmd_options *o)
{
	const struct {
		const char *name;
		const char **value;
	} values[] = {
		{ "-c", &o->conf_path },
		{ "--from", &o->from },
		{ "--to", &o->to },
		{ "--password", &o->password },
		{ "--audience", &o->audience },
		{ "--key", &o->key },
		{ "--issuer", &o->issuer },
		{ "--at", &o->at },
		{ "--older-than", &o->older_than },
		{ "--unused-for", &o->unused_for },
		{ "--keep", &o->keep },
		{ "--try-older-than", &o->try_older_than },
		{ "--previous", &o->previous },
		{ "--url", &o->url },
		{ "--token-file", &o->token_file },
		{ "--cached-unused-for", &o->cached_unused_for },
		{ "--missing-older-than", &o->missing_older_than },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(word, values[i].name) == 0) {
			return values[i].value;
		}
	}
	return NULL;
}

/* A word without a dash, or the dash alone, which stands for standard input. */
static bool take_word(const char *word, struct cmd_options *o)
{
	if (word[0] == '-' && word[1] != '\0') {
		return false;
	}
	if (o->word == NULL) {
		o->word = word;
		return true;
	}
	if (o->n_more == CMD_MAX_WORDS) {
		return false;
	}
	o->more[o->n_more++] = word;
	return true;
}

bool cmd_options_parse(int argc, char **argv, struct cmd_options *ret)
{
	struct cmd_options o = { 0 };

	for (int i = 0; i < argc; i++) {
		const char **value = value_of(argv[i], &o);
		bool good = true;
		if (strcmp(argv[i], "--set") == 0) {
			good = take_set(argc, argv, &i, &o);
		} else if (value != NULL) {
			good = take_argument(argc, argv, &i, value);
		} else if (!set_switch(argv[i], &o) && !take_word(argv[i], &o)) {
			fprintf(stderr, "plimsoll: \"%s\" is not understood; see `plimsoll help`\n",
			    argv[i]);
			good = false;
		}
		if (!good) {
			return false;
		}
	}
	*ret = o;
	return true;
}

/* Applies "section.key=value". */
static enum err apply_set(struct conf *conf, const char *text, struct buf *problems)
{
	struct slice all = slice_str(text);
	size_t equals = slice_find(all, '=', 0);
	struct slice left = slice_sub(all, 0, equals);
	size_t dot = slice_find(left, '.', 0);

	if (equals == all.len || dot == left.len) {
		buf_printf(problems,
		    "--set %s: must look like section.key=value, as in --set web.listen=8080\n",
		    text);
		return ERR_CONFIG;
	}
	return conf_set(conf, "command line", slice_sub(left, 0, dot),
	    slice_sub(left, dot + 1, left.len), slice_sub(all, equals + 1, all.len), problems);
}

/* To standard error, and to the server whose place a `serve` was to take. */
static void complain(int exit_code, const struct buf *problems)
{
	char first[COMPLAINT_BYTES];
	struct slice all = buf_slice(problems);

	fprintf(stderr, "%.*s", SLICE_ARG(all));
	if (all.len > 0) {
		snprintf(first, sizeof(first), "%.*s", SLICE_ARG(all));
		predecessor_complain(NULL, exit_code, first);
	}
}

int cmd_load_conf(const struct app *app, const struct cmd_options *o, struct conf **ret)
{
	struct buf problems = buf_new(PROBLEMS_BYTES);
	struct conf *conf = NULL;
	enum err e = app_conf_new(app, &conf);
	bool good = e == ERR_OK;

	if (e != ERR_OK) {
		buf_printf(&problems, "configuration: %s\n", err_text(e));
	}
	if (good && o->conf_path != NULL) {
		good = conf_load(conf, o->conf_path, &problems) == ERR_OK;
	}
	if (conf != NULL) {
		good = conf_load_env(conf, &problems) == ERR_OK && good;
	}
	for (unsigned i = 0; conf != NULL && i < o->n_sets; i++) {
		good = apply_set(conf, o->sets[i], &problems) == ERR_OK && good;
	}
	complain(EXIT_CONFIG, &problems);
	buf_free(&problems);
	if (!good) {
		conf_free(&conf);
		return EXIT_CONFIG;
	}
	*ret = conf;
	return EXIT_OK;
}

int cmd_check_conf(const struct app *app, const struct conf *conf, const char *only)
{
	struct buf problems = buf_new(PROBLEMS_BYTES);
	struct err_note runtime = { 0 };
	uint32_t services = 0;
	int code = EXIT_OK;

	if (app_conf_check(app, conf, &runtime) != ERR_OK ||
	    app_services(app, conf, only, &services, &runtime) != ERR_OK) {
		buf_printf(&problems, "%s\n", runtime.text);
		code = EXIT_CONFIG;
	}
	for (size_t i = 0; i < app->n_services; i++) {
		struct err_note note = { 0 };
		const struct service *s = app->services[i];
		if ((services & (1u << i)) != 0 && s->check != NULL &&
		    s->check(conf, &note) != ERR_OK) {
			buf_printf(&problems, "%s: %s\n", s->name, note.text);
			code = EXIT_CONFIG;
		}
	}
	complain(code, &problems);
	buf_free(&problems);
	return code;
}
