/*
 * The connection string, made fit for a process that soon will be in a sandbox: names of hosts are
 * looked up now, what libpq would take from the environment or the home folder is said outright,
 * and what it would read there is refused in words.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/store/pg_priv.h"

enum {
	DEFAULT_PORT = 5432,
	ADDRESSES_MAX = 512 /* bytes */
};

#define SOCKET_FOLDER "/var/run/postgresql"

/* Options of libpq that mean files or programs which the sandbox keeps away. */
static const struct {
	const char *keyword, *instead;
} refused[] = {
	{ "service", "write the connection out" },
	{ "passfile", "write the password into the connection string" },
	{ "replication", "it is not for applications" },
};

/* Files that libpq reads at each connect. */
static const char *const file_words[] = { "sslrootcert", "sslcert", "sslkey", "sslcrl" };

static const char *option(const struct pg_target *t, const char *keyword)
{
	for (const PQconninfoOption *o = t->options; o->keyword != NULL; o++) {
		if (strcmp(o->keyword, keyword) == 0) {
			return o->val != NULL && o->val[0] != '\0' ? o->val : NULL;
		}
	}
	return NULL;
}

static void put(struct pg_target *t, const char *key, const char *value)
{
	CHECK(t->n < PG_WORDS_MAX - 1);
	t->keys[t->n] = key;
	t->values[t->n++] = value;
	t->keys[t->n] = t->values[t->n] = NULL;
}

static enum err put_copy(struct pg_target *t, const char *key, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL) {
		return ERR_MEMORY;
	}
	CHECK(t->n_owned < PG_WORDS_MAX);
	t->owned[t->n_owned++] = copy;
	put(t, key, copy);
	return ERR_OK;
}

/* ---- what is refused ---- */

static enum err refuse(const struct pg_target *t, struct err_note *note)
{
	const char *mode = option(t, "sslmode"), *host = option(t, "host");

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (option(t, refused[i].keyword) != NULL) {
			return err_note_set(note, ERR_CONFIG, "%s: %s is not allowed: %s", t->what,
			    refused[i].keyword, refused[i].instead);
		}
	}
	if (option(t, "user") == NULL || option(t, "dbname") == NULL) {
		return err_note_set(note, ERR_CONFIG,
		    "%s: must name user and database, as in postgresql://user:secret@host/database",
		    t->what);
	}
	if (host != NULL && host[0] == '@') {
		return err_note_set(note, ERR_CONFIG,
		    "%s: abstract sockets cannot be reached from the sandbox; use a folder or TCP",
		    t->what);
	}
	if (mode != NULL && strncmp(mode, "verify-", 7) == 0 && option(t, "sslrootcert") == NULL) {
		return err_note_set(note, ERR_CONFIG,
		    "%s: sslmode=%s needs sslrootcert=FILE with the certificate of the authority",
		    t->what, mode);
	}
	return ERR_OK;
}

static enum err take_files(struct pg_target *t, struct err_note *note)
{
	for (size_t i = 0; i < sizeof(file_words) / sizeof(file_words[0]); i++) {
		const char *path = option(t, file_words[i]);

		if (path != NULL && path[0] != '/') {
			return err_note_set(note, ERR_CONFIG, "%s: %s must be an absolute path",
			    t->what, file_words[i]);
		}
		if (path != NULL) {
			t->reach.files[t->reach.n_files++] = path;
		}
	}
	return ERR_OK;
}

/* ---- hosts ---- */

static enum err add_port(struct pg_target *t, const char *text, struct err_note *note)
{
	uint64_t port = DEFAULT_PORT;

	if (text[0] != '\0' &&
	    (slice_to_u64(slice_str(text), UINT16_MAX, &port) != ERR_OK || port == 0)) {
		return err_note_set(note, ERR_CONFIG, "%s: \"%s\" is not a port", t->what, text);
	}
	for (unsigned i = 0; i < t->reach.n_ports; i++) {
		if (t->reach.ports[i] == port) {
			return ERR_OK;
		}
	}
	t->reach.ports[t->reach.n_ports++] = (uint16_t)port;
	return ERR_OK;
}

/* One host of the list with its port: its own, or the only one, or the default. */
static enum err take_host(struct pg_target *t, struct slice host, struct slice *ports,
    bool one_port, struct err_note *note)
{
	char port[8] = "";
	struct slice piece = *ports;

	if (!one_port && !slice_split(ports, ',', &piece)) {
		return err_note_set(note, ERR_CONFIG, "%s: fewer ports than hosts", t->what);
	}
	if (slice_to_cstr(slice_trim(piece), port, sizeof(port)) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "%s: not a port", t->what);
	}
	if (host.len > 0 && host.ptr[0] == '/') {
		t->reach.unix_socket = true;
		return ERR_OK;
	}
	return add_port(t, port, note);
}

static enum err take_hosts(struct pg_target *t, struct err_note *note)
{
	const char *hosts =
	    option(t, "hostaddr") != NULL ? option(t, "hostaddr") : option(t, "host");
	const char *port = option(t, "port");
	struct slice rest = slice_str(hosts == NULL ? SOCKET_FOLDER : hosts), host;
	struct slice ports = slice_str(port == NULL ? "" : port);
	bool one_port = port == NULL || strchr(port, ',') == NULL;
	unsigned n = 0;
	enum err e = ERR_OK;

	snprintf(t->where, sizeof(t->where), "%.*s port %s database %s", SLICE_ARG(rest),
	    port == NULL ? "5432" : port, option(t, "dbname"));
	while (e == ERR_OK && slice_split(&rest, ',', &host)) {
		if (++n > PG_HOSTS_MAX) {
			return err_note_set(
			    note, ERR_CONFIG, "%s: at most %d hosts", t->what, PG_HOSTS_MAX);
		}
		e = take_host(t, host, &ports, one_port, note);
	}
	return e;
}

/* ---- keywords for libpq ---- */

/* Said outright, unless the string says otherwise. */
static const struct {
	const char *keyword, *value;
} defaults[] = {
	{ "host", SOCKET_FOLDER },
	{ "port", "5432" },
	{ "sslmode", "prefer" },
	{ "gssencmode", "disable" },
	{ "passfile", "/dev/null/none" },
	/* Cannot exist, so that none is looked for in a home folder. */
	{ "sslcert", "/dev/null/none" },
	{ "tcp_user_timeout", "15000" },
};

/* Words that are ours. */
static bool is_ours(const char *keyword)
{
	return strcmp(keyword, "client_encoding") == 0 || strcmp(keyword, "options") == 0;
}

/* Settings of the session: the string's own, then ours. */
static enum err put_options(struct pg_target *t, enum sql_mode mode)
{
	enum {
		OPTIONS_MAX = 4096
	};
	const char *own = option(t, "options");
	struct buf text = buf_new(OPTIONS_MAX);

	/* A process that hangs in a transaction must not hold up the others for ever. */
	buf_printf(&text, "%s -c idle_in_transaction_session_timeout=60s%s", own == NULL ? "" : own,
	    mode == SQL_READ_ONLY ? " -c default_transaction_read_only=on" : "");
	buf_append_char(&text, '\0');
	enum err e = text.failed ? ERR_LIMIT : put_copy(t, "options", text.data);
	buf_free(&text);
	return e;
}

static enum err put_words(struct pg_target *t, enum sql_mode mode)
{
	for (const PQconninfoOption *o = t->options; o->keyword != NULL; o++) {
		if (option(t, o->keyword) != NULL && !is_ours(o->keyword)) {
			put(t, o->keyword, o->val);
		}
	}
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		bool has_address =
		    strcmp(defaults[i].keyword, "host") == 0 && option(t, "hostaddr") != NULL;
		if (option(t, defaults[i].keyword) == NULL && !has_address) {
			put(t, defaults[i].keyword, defaults[i].value);
		}
	}
	put(t, "client_encoding", "UTF8");
	if (option(t, "application_name") == NULL) {
		put(t, "application_name", "plimsoll");
	}
	return put_options(t, mode);
}

enum err pg_target_new(const char *url, const char *what, enum sql_mode mode,
    struct pg_target **ret, struct err_note *note)
{
	struct pg_target *t = calloc(1, sizeof(*t));
	char *why = NULL;
	enum err e;

	if (t == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	t->what = what;
	t->options = PQconninfoParse(url, &why);
	if (t->options == NULL) {
		/* libpq's words quote the string, which has a secret in it. */
		PQfreemem(why);
		free(t);
		return err_note_set(note, ERR_CONFIG,
		    "%s: is not understood; it must look like postgresql://user:secret@host:port/database",
		    what);
	}
	e = refuse(t, note);
	if (e == ERR_OK) {
		e = take_files(t, note);
	}
	if (e == ERR_OK) {
		e = take_hosts(t, note);
	}
	if (e == ERR_OK) {
		e = put_words(t, mode);
	}
	if (e != ERR_OK) {
		pg_target_free(&t);
		return e;
	}
	t->user = option(t, "user");
	*ret = t;
	return ERR_OK;
}

void pg_target_free(struct pg_target **t)
{
	if (*t == NULL) {
		return;
	}
	for (unsigned i = 0; i < (*t)->n_owned; i++) {
		free((*t)->owned[i]);
	}
	PQconninfoFree((*t)->options);
	free(*t);
	*t = NULL;
}

/* ---- names of hosts ---- */

static enum err append_address(
    const struct pg_target *t, const char *host, struct buf *out, struct err_note *note)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char text[NI_MAXHOST];
	int failed = getaddrinfo(host, NULL, &hints, &list);

	if (failed == 0) {
		failed = getnameinfo(
		    list->ai_addr, list->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
		freeaddrinfo(list);
	}
	if (failed != 0) {
		return err_note_set(note, ERR_PEER_GONE, "%s: the host %s is not found: %s",
		    t->what, host, gai_strerror(failed));
	}
	buf_append_str(out, text);
	return ERR_OK;
}

enum err pg_target_resolve(struct pg_target *t, struct err_note *note)
{
	const char *hosts = option(t, "host");
	struct slice rest = slice_str(hosts), host;
	struct buf out = buf_new(ADDRESSES_MAX);
	char name[NI_MAXHOST];
	enum err e = ERR_OK;

	bool is_needed = !t->resolved && option(t, "hostaddr") == NULL && t->reach.n_ports > 0;
	for (unsigned n = 0; e == ERR_OK && is_needed && slice_split(&rest, ',', &host); n++) {
		if (n > 0) {
			buf_append_char(&out, ',');
		}
		e = slice_to_cstr(host, name, sizeof(name));
		if (e == ERR_OK && name[0] != '/') {
			e = append_address(t, name, &out, note);
		}
	}
	buf_append_char(&out, '\0');
	if (e == ERR_OK && is_needed) {
		e = out.failed ? ERR_LIMIT : put_copy(t, "hostaddr", out.data);
	}
	buf_free(&out);
	t->resolved = e == ERR_OK;
	return e;
}

struct pg_reach pg_target_reach(const struct pg_target *t)
{
	return t->reach;
}

const char *pg_target_user(const struct pg_target *t)
{
	return t->user;
}
