/*
 * See nats_conf.h.
 */
#include "core/offload/nats_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/base/host_port.h"

/* clang-format off */
static const struct conf_key keys[] = {
	{ .section = "nats", .name = "url", .type = CONF_STRING, .max = 2000, .def = "",
	  .help = "The NATS server by which compute jobs (passwords to hash, assertions to verify) also go to helpers on other machines (`plimsoll helper`), as in tls://nats.example.org:4222; several of one cluster with commas between; empty: all is computed here. nats:// without TLS only on loopback." },
	{ .section = "nats", .name = "ca_file", .type = CONF_PATH,
	  .help = "Certificate (PEM) of the authority that has signed the NATS server's; needed with tls://." },
	{ .section = "nats", .name = "cert_file", .type = CONF_PATH,
	  .help = "Our own certificate (PEM), for a NATS server that asks for one; with key_file." },
	{ .section = "nats", .name = "key_file", .type = CONF_PATH,
	  .help = "The private key of cert_file (PEM)." },
	{ .section = "nats", .name = "user", .type = CONF_STRING, .max = 200, .def = "",
	  .help = "User at the NATS server; empty: none." },
	{ .section = "nats", .name = "password", .type = CONF_STRING, .max = 500, .secret = true,
	  .roles = ROLE_BIT(ROLE_OFFLOAD) | ROLE_BIT(ROLE_HELPER),
	  .help = "Password of that user." },
	{ .section = "nats", .name = "password_file", .type = CONF_PATH,
	  .help = "A file whose first line is that password, instead of password." },
	{ .section = "nats", .name = "prefix", .type = CONF_STRING, .max = NATS_NAME_BYTES - 1, .def = "plimsoll",
	  .help = "First word of all subjects: servers and helpers with the same one belong together. Letters, digits, '-' and '_'." },
	{ .section = "helper", .name = "name", .type = CONF_STRING, .max = NATS_NAME_BYTES - 1, .def = "",
	  .help = "`plimsoll helper`: the name under which servers know this one, and part of its subject; empty: the machine's name. Letters, digits, '-' and '_'." },
};
/* clang-format on */

const struct conf_table nats_conf = { keys, sizeof(keys) / sizeof(keys[0]) };

static const char *get(const struct conf *conf, const char *name)
{
	return conf_str(conf, "nats", name);
}

/* A subject's parts are divided by dots, '*' and '>' are wild cards. */
static bool is_word(const char *text)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

static bool is_host_port(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c <= ' ' || c >= 127 || c == '/' || c == '@' || c == '?' || c == '#') {
			return false;
		}
	}
	return host_port_host(s).len > 0;
}

static enum err take_url(struct nats_settings *s, struct slice url, struct err_note *note)
{
	const bool is_tls = slice_starts(url, SLICE("tls://"));
	const bool is_plain = slice_starts(url, SLICE("nats://"));
	const struct slice rest = slice_sub(url, is_tls ? 6 : 7, url.len);

	if (!(is_tls || is_plain) || !is_host_port(rest)) {
		return err_note_set(note, ERR_CONFIG,
		    "[nats] url: must be tls://host[:port] (or nats://host[:port] on loopback); "
		    "user and password have keys of their own");
	}
	if (is_plain && !host_is_loopback(host_port_host(rest))) {
		return err_note_set(note, ERR_CONFIG,
		    "[nats] url: %.*s is not on this machine, and passwords travel to be hashed: "
		    "say tls:// and give its authority in ca_file",
		    SLICE_ARG(url));
	}
	if (s->n_urls == NATS_SERVERS_MAX) {
		return err_note_set(
		    note, ERR_CONFIG, "[nats] url: at most %d servers", NATS_SERVERS_MAX);
	}
	if (s->n_urls > 0 && s->is_secure != is_tls) {
		return err_note_set(
		    note, ERR_CONFIG, "[nats] url: all servers with tls://, or none");
	}
	s->is_secure = is_tls;
	return slice_to_cstr(url, s->url[s->n_urls++], NATS_URL_BYTES) == ERR_OK
		   ? ERR_OK
		   : err_note_set(note, ERR_CONFIG, "[nats] url: an address is too long");
}

static enum err take_urls(struct nats_settings *s, const struct conf *conf, struct err_note *note)
{
	struct slice rest = slice_str(get(conf, "url")), piece;
	enum err e = ERR_OK;

	while (e == ERR_OK && slice_split(&rest, ',', &piece)) {
		if (slice_trim(piece).len > 0) {
			e = take_url(s, slice_trim(piece), note);
		}
	}
	return e;
}

/* What the keys say against each other. */
static const char *contradiction(const struct conf *conf, const struct nats_settings *s)
{
	const bool has_password =
	    get(conf, "password")[0] != '\0' || get(conf, "password_file")[0] != '\0';

	if (get(conf, "password")[0] != '\0' && get(conf, "password_file")[0] != '\0') {
		return "[nats] password and password_file: only one of them";
	}
	if (s->user[0] == '\0' && has_password) {
		return "[nats] password: is of no use without user";
	}
	if ((get(conf, "cert_file")[0] == '\0') != (get(conf, "key_file")[0] == '\0')) {
		return "[nats] cert_file and key_file: both or none";
	}
	if (s->n_urls > 0 && s->is_secure && get(conf, "ca_file")[0] == '\0') {
		return "[nats] ca_file: is needed with tls://, so that nobody else can take the "
		       "server's place";
	}
	if (s->n_urls > 0 && !s->is_secure &&
	    (get(conf, "ca_file")[0] != '\0' || get(conf, "cert_file")[0] != '\0')) {
		return "[nats] ca_file, cert_file: are of no use with nats://; say tls://";
	}
	return NULL;
}

/* What cannot stand in a subject becomes '-'. */
static void name_of_machine(char out[NATS_NAME_BYTES])
{
	struct utsname name;

	snprintf(out, NATS_NAME_BYTES, "%s", uname(&name) == 0 ? name.nodename : "");
	for (char *p = out; *p != '\0'; p++) {
		const char one[] = { *p, '\0' };
		*p = is_word(one) ? *p : '-';
	}
	if (out[0] == '\0') {
		snprintf(out, NATS_NAME_BYTES, "helper");
	}
}

enum err nats_settings_read(
    const struct conf *conf, struct nats_settings *ret, struct err_note *note)
{
	struct nats_settings s = { .user = get(conf, "user"), .prefix = get(conf, "prefix") };
	const char *name = conf_str(conf, "helper", "name");
	enum err e = take_urls(&s, conf, note);

	if (e != ERR_OK) {
		return e;
	}
	if (!is_word(s.prefix)) {
		return err_note_set(note, ERR_CONFIG,
		    "[nats] prefix: must be one word of letters, digits, '-' and '_'");
	}
	if (name[0] != '\0' && !is_word(name)) {
		return err_note_set(note, ERR_CONFIG,
		    "[helper] name: must be one word of letters, digits, '-' and '_'");
	}
	const char *wrong = contradiction(conf, &s);
	if (wrong != NULL) {
		return err_note_set(note, ERR_CONFIG, "%s", wrong);
	}
	if (name[0] != '\0') {
		snprintf(s.helper_name, sizeof(s.helper_name), "%s", name);
	} else {
		name_of_machine(s.helper_name);
	}
	*ret = s;
	return ERR_OK;
}

/* ---- files ---- */

static enum err read_file(
    const struct conf *conf, const char *key, struct buf *out, struct err_note *note)
{
	const char *path = get(conf, key);

	if (path[0] == '\0') {
		return ERR_OK;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e = fd < 0 ? err_from_errno(errno) : buf_read_all(out, fd);
	if (e != ERR_OK) {
		e = err_note_set(note, ERR_CONFIG, "[nats] %s: cannot read %s: %s", key, path,
		    e == ERR_LIMIT ? "it is too long" : strerror(errno));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	return e;
}

static enum err read_pem(const struct conf *conf, const char *key, const char *what,
    struct buf *out, struct err_note *note)
{
	enum err e = read_file(conf, key, out, note);

	if (e != ERR_OK || get(conf, key)[0] == '\0') {
		return e;
	}
	buf_append_char(out, '\0'); /* libnats wants text */
	return strstr(out->data, what) != NULL
		   ? ERR_OK
		   : err_note_set(note, ERR_CONFIG, "[nats] %s: %s holds nothing that says \"%s\"",
			 key, get(conf, key), what);
}

static enum err read_password(const struct conf *conf, struct buf *out, struct err_note *note)
{
	enum err e = ERR_OK;

	if (get(conf, "password_file")[0] == '\0') {
		buf_append_str(out, get(conf, "password"));
	} else {
		e = read_file(conf, "password_file", out, note);
	}
	/* Only the first line counts: editors put a line end behind it. */
	size_t len = slice_find(buf_slice(out), '\n', 0);
	out->len = len > 0 && out->data[len - 1] == '\r' ? len - 1 : len;
	buf_append_char(out, '\0');
	return e;
}

enum err nats_files_read(const struct conf *conf, struct nats_files *ret, struct err_note *note)
{
	struct nats_files f = { .password = buf_new(NATS_SECRET_MAX),
		.ca = buf_new(NATS_FILE_MAX),
		.cert = buf_new(NATS_FILE_MAX),
		.key = buf_new(NATS_FILE_MAX) };
	enum err e = read_password(conf, &f.password, note);

	if (e == ERR_OK) {
		e = read_pem(conf, "ca_file", "-----BEGIN CERTIFICATE-----", &f.ca, note);
	}
	if (e == ERR_OK) {
		e = read_pem(conf, "cert_file", "-----BEGIN CERTIFICATE-----", &f.cert, note);
	}
	if (e == ERR_OK) {
		e = read_pem(conf, "key_file", "PRIVATE KEY-----", &f.key, note);
	}
	if (e == ERR_OK && (f.password.failed || f.ca.failed || f.cert.failed || f.key.failed)) {
		e = err_note_set(note, ERR_CONFIG, "[nats] a file is too long");
	}
	if (e != ERR_OK) {
		nats_files_free(&f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

static void wipe(struct buf *b)
{
	if (b->data != NULL) {
		explicit_bzero(b->data, b->cap);
	}
	buf_free(b);
}

void nats_files_free(struct nats_files *f)
{
	wipe(&f->password);
	wipe(&f->ca);
	wipe(&f->cert);
	wipe(&f->key);
}
