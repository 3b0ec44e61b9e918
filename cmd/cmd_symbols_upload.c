/*
 * plimsoll symbols upload FILE|FOLDER...: sends what a build has made to a server that runs, here
 * or elsewhere; what is there already is not sent. A repeat after anything that broke finishes it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd_symbols.h"
#include "cmd/symbol_sender.h"
#include "core/base/clock.h"

enum {
	TOKEN_FILE_MAX = 1024,
	TOKEN_MAX = 200,
	ORIGIN_MAX = 1024,
	TRIES = 10,
	SHOW_EVERY_US = 1000000,
	MIB = 1024 * 1024
};

#define TOKEN_VARIABLE "PLIMSOLL_SYMBOLS_TOKEN"

struct progress {
	uint64_t bytes, all_bytes;
	size_t files, all_files;
	int64_t shown_us;
};

static void show_wait(void *arg, unsigned seconds, const char *why)
{
	(void)arg;
	fprintf(stderr, "plimsoll symbols upload: %s; again in %u s\n", why, seconds);
}

static void show(void *arg, uint64_t bytes, unsigned files)
{
	struct progress *p = arg;
	int64_t now_us = clock_mono_us();

	p->bytes += bytes;
	p->files += files;
	if (now_us - p->shown_us >= SHOW_EVERY_US) {
		p->shown_us = now_us;
		fprintf(stderr,
		    "plimsoll symbols upload: %zu of %zu files, %" PRIu64
		    " MiB sent or there of %" PRIu64 "\n",
		    p->files, p->all_files, p->bytes / MIB, p->all_bytes / MIB);
	}
}

/* ---- what was said ---- */

/* The first line of a file, so that no token stands on a command line. */
static enum err read_token(const char *file, char out[TOKEN_MAX], struct err_note *note)
{
	char line[TOKEN_FILE_MAX] = "";
	const char *text = getenv(TOKEN_VARIABLE);

	if (file != NULL) {
		FILE *f = fopen(file, "re");
		text = f == NULL ? NULL : fgets(line, sizeof(line), f);
		if (f != NULL) {
			(void)fclose(f);
		}
		if (text == NULL) {
			return err_note_set(
			    note, ERR_NOT_FOUND, "%s: there is no token in it", file);
		}
	}
	struct slice token = slice_str(text);
	token = slice_sub(token, 0, slice_find(token, '\n', 0));
	token = slice_trim(slice_sub(token, 0, slice_find(token, '\r', 0)));
	for (size_t i = 0; i < token.len; i++) {
		if (token.ptr[i] <= ' ' || token.ptr[i] > '~') {
			return err_note_set(note, ERR_INVALID, "this is no token");
		}
	}
	return token.len > 0 && slice_to_cstr(token, out, TOKEN_MAX) == ERR_OK
		   ? ERR_OK
		   : err_note_set(note, ERR_INVALID,
			 "a token is needed: --token-file FILE, or %s in the environment",
			 TOKEN_VARIABLE);
}

static enum err read_origin(
    const struct conf *conf, const char *url, char out[ORIGIN_MAX], struct err_note *note)
{
	struct slice text = slice_str(url != NULL ? url : conf_str(conf, "symbols", "public_url"));

	while (slice_ends(text, SLICE("/"))) {
		text = slice_sub(text, 0, text.len - 1);
	}
	bool good = slice_starts(text, SLICE("http://")) || slice_starts(text, SLICE("https://"));
	return good && slice_to_cstr(text, out, ORIGIN_MAX) == ERR_OK
		   ? ERR_OK
		   : err_note_set(note, ERR_INVALID, "%s is no http(s) address", url);
}

/* ---- sending ---- */

static enum err send_all(
    struct symbol_sender *s, struct found_symbols *found, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t at = 0; e == ERR_OK && at < found->n; at += SYMBOL_SENDER_BATCH) {
		size_t n = found->n - at;
		n = n < SYMBOL_SENDER_BATCH ? n : SYMBOL_SENDER_BATCH;
		e = symbol_sender_send(s, found->all + at, n, note);
	}
	return e;
}

static void count_all(const struct found_symbols *found, struct progress *p)
{
	p->all_files = found->n;
	for (size_t i = 0; i < found->n; i++) {
		p->all_bytes += found->all[i].size;
	}
	p->shown_us = clock_mono_us();
}

static int finish(const struct symbol_sender *s, const struct found_symbols *found, enum err e,
    const struct err_note *note)
{
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll symbols upload: %s\n",
		    note->text[0] != '\0' ? note->text : err_text(e));
		return EXIT_FAILED;
	}
	printf("%zu files: %zu sent (%" PRIu64 " bytes), %zu there already, %zu failed\n", found->n,
	    s->sent, s->sent_bytes, s->skipped, s->failed);
	return s->failed > 0 || found->unknown > 0 ? EXIT_FAILED : EXIT_OK;
}

int symbols_send_files(const struct conf *conf, const struct cmd_options *o)
{
	struct found_symbols found = found_symbols_new();
	struct progress progress = { .bytes = 0 };
	char token[TOKEN_MAX], origin[ORIGIN_MAX];
	struct symbol_sender s = { .origin = origin,
		.token = token,
		.is_try = o->is_try,
		.tries = TRIES,
		.waits = show_wait,
		.goes_on = show,
		.arg = &progress };
	struct err_note note = { 0 };

	if (o->n_more == 0) {
		fprintf(stderr, "usage: plimsoll symbols upload FILE|FOLDER... [--url URL] "
				"[--token-file FILE] [--try] [-c FILE]\n");
		return EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	enum err e = read_token(o->token_file, token, &note);
	e = e == ERR_OK ? read_origin(conf, o->url, origin, &note) : e;
	for (unsigned i = 0; e == ERR_OK && i < o->n_more; i++) {
		e = found_symbols_add(&found, o->more[i], &note);
	}
	count_all(&found, &progress);
	e = e == ERR_OK ? send_all(&s, &found, &note) : e;
	int code = finish(&s, &found, e, &note);
	found_symbols_free(&found);
	return code;
}
