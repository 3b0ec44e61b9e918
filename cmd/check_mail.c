/*
 * plimsoll check: the part about mail. It reads the files that the courier will read: whoever may
 * run this with the server's configuration owns them.
 */
#include "cmd/check_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/mail_conf.h"
#include "core/role/role.h"

typedef enum err read_fn(const struct conf *conf, struct buf *out, struct err_note *note);

static bool is_readable(const struct conf *conf, read_fn *read, size_t max)
{
	struct buf text = buf_new(max);
	struct err_note note = { 0 };
	enum err e = read(conf, &text, &note);

	if (text.data != NULL) {
		explicit_bzero(text.data, text.cap);
	}
	buf_free(&text);
	if (e != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
	}
	return e == ERR_OK;
}

/* systemd hands its credentials to the service, not to a shell. */
static bool is_credential_elsewhere(const struct conf *conf)
{
	const char *file = conf_str(conf, "mail", "password_file");

	return file[0] != '\0' && strchr(file, '/') == NULL &&
	       getenv("CREDENTIALS_DIRECTORY") == NULL;
}

static void warn(const struct conf *conf, const struct mail_server *server)
{
	struct slice from = slice_str(conf_str(conf, "mail", "from"));

	if (server->host.len > 0 && slice_ends(from, SLICE("@localhost"))) {
		printf("warning: [mail] from %.*s: mail servers elsewhere refuse such a sender\n",
		    SLICE_ARG(from));
	}
	if (server->host.len > 0 && !server->is_loopback && server->tls != MAIL_TLS_REQUIRED) {
		printf("warning: [mail] tls: the links in mails could be read on their way to "
		       "%.*s\n",
		    SLICE_ARG(server->host));
	}
	if (is_credential_elsewhere(conf)) {
		printf("warning: [mail] password_file %s: is a credential of systemd, which only "
		       "the service itself can read\n",
		    conf_str(conf, "mail", "password_file"));
	}
}

int check_mail(const struct conf *conf)
{
	struct mail_server server;
	struct err_note note = { 0 };

	if (mail_server_of(conf, &server, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return EXIT_CONFIG;
	}
	bool good =
	    is_credential_elsewhere(conf) || is_readable(conf, mail_password_read, MAIL_SECRET_MAX);
	good = is_readable(conf, mail_ca_read, MAIL_CA_MAX) && good;
	warn(conf, &server);
	return good ? EXIT_OK : EXIT_CONFIG;
}
