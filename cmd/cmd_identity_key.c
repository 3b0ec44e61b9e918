/*
 * plimsoll identity key: the keys that certify users' keys. It works on the key files, which only
 * their owner can read, and has a server that runs read them again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd_identity.h"
#include "cmd/running.h"
#include "core/base/clock.h"
#include "services/identity/domain_keys.h"

enum {
	DATE_SIZE = 40
};

/* The files while a command works with them, and the server that does, too. */
struct work {
	struct running server;
	bool is_running;
	struct domain_keys keys;
	struct err_note note;
	int64_t now_ms;
};

static enum err begin(const struct conf *conf, struct work *w)
{
	struct err_note nobody = { 0 };

	*w = (struct work){ .now_ms = clock_wall_ms() };
	enum err e = running_folder(conf, &w->server, &w->note);
	if (e != ERR_OK) {
		return e;
	}
	e = running_find(&w->server, &nobody);
	w->is_running = e == ERR_OK;
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		w->note = nobody;
		return e;
	}
	e = domain_keys_load(w->server.folder, &w->keys, &w->note);
	/* A server that runs does this itself. */
	return e != ERR_OK || w->is_running
		   ? e
		   : domain_keys_settle(w->server.folder, &w->keys, w->now_ms,
			 domain_keys_lifetime_ms(conf), &w->note);
}

static int finish(struct work *w, const char *verb, enum err e)
{
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll identity key %s: %s\n", verb,
		    w->note.text[0] != '\0' ? w->note.text : err_text(e));
	}
	domain_keys_free(&w->keys);
	running_close(&w->server);
	return e == ERR_OK ? EXIT_OK : EXIT_FAILED;
}

/* The server reads them with its configuration; a mistake in that is in its log. */
static enum err tell_server(struct work *w)
{
	enum err e = w->is_running ? running_signal(&w->server, SIGHUP, &w->note) : ERR_OK;

	if (e == ERR_OK && w->is_running) {
		printf("process %u reads its keys and its configuration again; if it refuses the "
		       "configuration, its log says so\n",
		    w->server.pid);
	}
	return e;
}

static void date_of(int64_t ms, char out[DATE_SIZE])
{
	char date[CLOCK_HTTP_DATE_SIZE];

	if (ms == 0) {
		snprintf(out, DATE_SIZE, "(not known)");
	} else {
		clock_http_date(ms / 1000, date);
		snprintf(out, DATE_SIZE, "%s", date);
	}
}

static enum err print_key(const struct domain_key *k, const char *words)
{
	char json[DOMAIN_KEY_JSON_BYTES], id[DOMAIN_KEY_ID_SIZE], date[DATE_SIZE];
	enum err e = domain_key_json(k, json);

	if (e == ERR_OK) {
		domain_key_id(slice_str(json), id);
		date_of(k->created_ms, date);
		printf("%s  %s %s\n", id, words, date);
	}
	return e;
}

int identity_key_list(const struct conf *conf, const struct cmd_options *o)
{
	struct work w;
	char id[DOMAIN_KEY_ID_SIZE], from[DATE_SIZE], until[DATE_SIZE];
	enum err e = begin(conf, &w);

	(void)o;
	if (e == ERR_OK) {
		e = print_key(&w.keys.current, "signs since");
	}
	if (e == ERR_OK && w.keys.next.key != NULL) {
		e = print_key(&w.keys.next, "is published and signs from");
	}
	for (unsigned i = 0; e == ERR_OK && i < w.keys.n_retired; i++) {
		const struct retired_key *k = &w.keys.retired[i];
		domain_key_id(slice_str(k->json), id);
		date_of(k->retired_ms, from);
		date_of(k->until_ms, until);
		printf("%s  retired %s, %s %s\n", id, from,
		    k->until_ms > w.now_ms ? "its certificates are taken until"
					   : "its certificates were taken until",
		    until);
	}
	return finish(&w, "list", e);
}

int identity_key_new(const struct conf *conf, const struct cmd_options *o)
{
	struct work w;
	enum err e = begin(conf, &w);

	(void)o;
	if (e == ERR_OK) {
		/* Nobody has to hear of it first where no server runs. */
		int64_t from_ms = w.now_ms + (w.is_running ? KEY_LEAD_MS : 0);
		e = domain_keys_new(w.server.folder, &w.keys, from_ms, &w.note);
	}
	if (e == ERR_OK) {
		e = print_key(
		    &w.keys.next, w.is_running ? "is published now and signs from" : "signs from");
	}
	return finish(&w, "new", e == ERR_OK ? tell_server(&w) : e);
}

int identity_key_retire(const struct conf *conf, const struct cmd_options *o)
{
	struct work w;
	enum err e = begin(conf, &w);

	if (e == ERR_OK) {
		e = domain_keys_retire(
		    w.server.folder, &w.keys, slice_str(o->more[1]), w.now_ms, &w.note);
	}
	if (e == ERR_OK) {
		printf("%s  is gone: no certificate of it is taken any more\n", o->more[1]);
	}
	return finish(&w, "retire", e == ERR_OK ? tell_server(&w) : e);
}
