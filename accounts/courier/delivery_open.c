/*
 * Role: courier. The beginning of delivery.h: what the configuration says, and the files that it
 * names, read before the sandbox closes.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "accounts/courier/delivery_priv.h"
#include "accounts/mail_conf.h"

enum {
	REFILL_PART = 4, /* a lease is for a quarter of the connections at least, if so many wait */
	REFILLS_AHEAD = 2 /* so many quarters are leased beyond what the connections take */
};

static struct slice host_of_url(const char *url)
{
	struct slice s = slice_str(url);

	s = slice_sub(s, slice_starts(s, SLICE("https://")) ? 8 : 7, s.len);
	return slice_sub(s, 0, slice_find(s, ':', 0));
}

static unsigned connections_of(const struct conf *conf)
{
	return (unsigned)conf_int(conf, "mail", "connections");
}

static enum err open_smtp(struct delivery *d, const struct conf *conf, struct buf *password,
    struct buf *ca, struct err_note *note)
{
	struct mail_server server;
	enum err e = mail_server_of(conf, &server, note);

	if (e != ERR_OK || server.host.len == 0) {
		return e;
	}
	e = mail_password_read(conf, password, note);
	if (e == ERR_OK) {
		e = mail_ca_read(conf, ca, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct smtp_options o = {
		.url = conf_str(conf, "mail", "smtp"),
		.user = conf_str(conf, "mail", "user"),
		.password = buf_slice(password),
		.tls = server.tls,
		.ca = buf_slice(ca),
		.timeout_ms = d->send_timeout_ms,
		.max_connections = connections_of(conf),
	};
	e = smtp_client_new(d->env->loop, &o, &d->smtp);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "SMTP client: %s", err_text(e));
}

static enum err open_client(struct delivery *d, const struct conf *conf, struct err_note *note)
{
	struct buf password = buf_new(MAIL_SECRET_MAX), ca = buf_new(MAIL_CA_MAX);
	enum err e = open_smtp(d, conf, &password, &ca, note);

	if (password.data != NULL) {
		OPENSSL_cleanse(password.data, password.cap);
	}
	buf_free(&password);
	buf_free(&ca);
	return e;
}

enum err delivery_new(struct svc_env *env, struct delivery **ret, struct err_note *note)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return err_note_set(note, ERR_MEMORY, "courier: out of memory");
	}
	d->env = env;
	d->sender.from = slice_str(conf_str(env->conf, "mail", "from"));
	d->sender.host = host_of_url(conf_str(env->conf, "plimsoll", "public_url"));
	d->bounce_domain = slice_str(conf_str(env->conf, "mail", "bounce_domain"));
	unsigned connections = connections_of(env->conf);
	d->refill = connections < REFILL_PART ? 1 : connections / REFILL_PART;
	d->window = connections + REFILLS_AHEAD * d->refill;
	d->send_timeout_ms = conf_ms(env->conf, "mail", "timeout");
	enum err e = open_client(d, env->conf, note);
	if (e != ERR_OK) {
		free(d);
		return e;
	}
	*ret = d;
	return ERR_OK;
}
