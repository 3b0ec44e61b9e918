/*
 * See mail_conf.h. Files are read before the sandbox closes, so they may lie anywhere.
 */
#include "accounts/mail_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/host_port.h"

/* What may stand behind the scheme: a host or [v6], and perhaps a port. */
static bool is_host_port(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c <= ' ' || c >= 127 || c == '/' || c == '@' || c == '?') {
			return false;
		}
	}
	return s.len > 0;
}

/* auto: what goes over a network must be encrypted, what stays on this machine need not be. */
static enum mail_tls tls_of(const struct conf *conf, const struct mail_server *s)
{
	struct slice tls = slice_str(conf_str(conf, "mail", "tls"));

	if (slice_eq(tls, SLICE("off"))) {
		return MAIL_TLS_OFF;
	}
	if (slice_eq(tls, SLICE("opportunistic"))) {
		return MAIL_TLS_OPPORTUNISTIC;
	}
	bool is_needed = slice_eq(tls, SLICE("required")) || s->is_smtps || !s->is_loopback;
	return is_needed ? MAIL_TLS_REQUIRED : MAIL_TLS_OPPORTUNISTIC;
}

enum err mail_server_of(const struct conf *conf, struct mail_server *ret, struct err_note *note)
{
	struct slice url = slice_str(conf_str(conf, "mail", "smtp"));
	struct mail_server s = { .host = SLICE_EMPTY,
		.is_smtps = slice_starts(url, SLICE("smtps://")) };
	struct slice rest = slice_sub(url, s.is_smtps ? 8 : 7, url.len);

	if (url.len > 0 &&
	    (!(s.is_smtps || slice_starts(url, SLICE("smtp://"))) || !is_host_port(rest))) {
		return err_note_set(note, ERR_CONFIG,
		    "[mail] smtp: must be smtp://host[:port] or smtps://host[:port]; user and "
		    "password have keys of their own");
	}
	if (url.len > 0) {
		s.host = host_port_host(rest);
		s.is_loopback = host_is_loopback(s.host);
		s.tls = tls_of(conf, &s);
	}
	*ret = s;
	return ERR_OK;
}

static bool has(const struct conf *conf, const char *name)
{
	return conf_str(conf, "mail", name)[0] != '\0';
}

/* What the keys about encryption and login say against each other. */
static const char *contradiction(const struct conf *conf, const struct mail_server *s)
{
	bool has_password = has(conf, "password") || has(conf, "password_file");

	if (has(conf, "password") && has(conf, "password_file")) {
		return "[mail] password and password_file: only one of them";
	}
	if (has(conf, "user") && !has_password) {
		return "[mail] user: needs a password, in password or password_file";
	}
	if (!has(conf, "user") && has_password) {
		return "[mail] password: is of no use without user";
	}
	if (s->host.len == 0) {
		return NULL;
	}
	if (s->is_smtps && s->tls != MAIL_TLS_REQUIRED) {
		return "[mail] tls: smtps:// is encrypted from its first byte; say tls = required, "
		       "or smtp://";
	}
	if (has(conf, "user") && !s->is_loopback && s->tls != MAIL_TLS_REQUIRED) {
		return "[mail] tls: with off or opportunistic the password could be read on its way "
		       "to a server that is not on this machine; say tls = required";
	}
	if (has(conf, "ca_file") && s->tls == MAIL_TLS_OFF) {
		return "[mail] ca_file: is of no use with tls = off";
	}
	return NULL;
}

static bool is_domain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '.';
		if (!good) {
			return false;
		}
	}
	return s.len > 0 && s.len < 254;
}

enum err mail_conf_check(const struct conf *conf, struct err_note *note)
{
	struct slice from = slice_str(conf_str(conf, "mail", "from"));
	struct mail_server server;
	size_t at = slice_find(from, '@', 0);
	enum err e = mail_server_of(conf, &server, note);

	if (e != ERR_OK) {
		return e;
	}
	if (at == 0 || at + 1 >= from.len) {
		return err_note_set(
		    note, ERR_CONFIG, "[mail] from: must be an address such as login@example.org");
	}
	const char *wrong = contradiction(conf, &server);
	if (wrong != NULL) {
		return err_note_set(note, ERR_CONFIG, "%s", wrong);
	}
	if (has(conf, "bounce_domain") &&
	    !is_domain(slice_str(conf_str(conf, "mail", "bounce_domain")))) {
		return err_note_set(note, ERR_CONFIG,
		    "[mail] bounce_domain: must be a domain such as bounces.example.org");
	}
	return ERR_OK;
}

static enum err read_file(const char *key, const char *path, struct buf *out, struct err_note *note)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err e = fd < 0 ? err_from_errno(errno) : buf_read_all(out, fd);

	if (e != ERR_OK) {
		e = err_note_set(note, e, "[mail] %s: cannot read %s: %s", key, path,
		    e == ERR_LIMIT ? "it is too long" : strerror(errno));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	return e;
}

/* A name without a slash is one of the credentials that systemd hands to the service. */
static enum err path_of(const char *configured, char out[PATH_MAX], struct err_note *note)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	bool is_credential = strchr(configured, '/') == NULL;

	if (is_credential && folder == NULL) {
		return err_note_set(note, ERR_CONFIG,
		    "[mail] password_file: %s is no path, so it must be a credential of systemd, "
		    "and there are none (LoadCredential=%s:FILE in the unit)",
		    configured, configured);
	}
	int n = is_credential ? snprintf(out, PATH_MAX, "%s/%s", folder, configured)
			      : snprintf(out, PATH_MAX, "%s", configured);
	return n > 0 && n < PATH_MAX
		   ? ERR_OK
		   : err_note_set(note, ERR_CONFIG, "[mail] password_file: the path is too long");
}

/* Only the first line counts: editors put a line end behind it. */
static void cut_line(struct buf *b)
{
	struct slice all = buf_slice(b);
	size_t len = slice_find(all, '\n', 0);

	b->len = len > 0 && len < all.len && all.ptr[len - 1] == '\r' ? len - 1 : len;
}

enum err mail_password_read(const struct conf *conf, struct buf *out, struct err_note *note)
{
	const char *configured = conf_str(conf, "mail", "password_file");
	char path[PATH_MAX];

	if (configured[0] == '\0') {
		buf_append_str(out, conf_str(conf, "mail", "password"));
		return ERR_OK;
	}
	enum err e = path_of(configured, path, note);
	if (e == ERR_OK) {
		e = read_file("password_file", path, out, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	cut_line(out);
	return out->len > 0 ? ERR_OK
			    : err_note_set(note, ERR_CONFIG,
				  "[mail] password_file: there is no password in %s", path);
}

enum err mail_ca_read(const struct conf *conf, struct buf *out, struct err_note *note)
{
	const char *path = conf_str(conf, "mail", "ca_file");
	enum err e = path[0] == '\0' ? ERR_OK : read_file("ca_file", path, out, note);

	if (e != ERR_OK || path[0] == '\0') {
		return e;
	}
	return memmem(out->data, out->len, "-----BEGIN CERTIFICATE-----", 27) != NULL
		   ? ERR_OK
		   : err_note_set(note, ERR_CONFIG,
			 "[mail] ca_file: %s holds no certificate in PEM form", path);
}
