/*
 * Configuration keys [accounts] and [mail]. What [mail] means is in mail_conf.c; that a public
 * server must have a mail server is identity's business, because only it sends mail.
 */
#include "accounts/accounts_priv.h"
#include "accounts/mail_conf.h"

/* clang-format off */
const struct conf_key accounts_conf_keys[ACCOUNTS_CONF_KEYS] = {
	{ .section = "accounts", .name = "bcrypt_cost", .type = CONF_INT, .min = 4, .max = 14,
	  .def = "10", .reloadable = true,
	  .help = "Work factor of stored passwords: each step doubles the time of a login and of a guess. Changed hashes are made at the next login." },
	{ .section = "accounts", .name = "bcrypt_cost_stretched", .type = CONF_INT, .min = 4, .max = 14,
	  .def = "6", .reloadable = true,
	  .help = "The same for passwords that pages stretched before they sent them, which are slow to guess already." },
	{ .section = "accounts", .name = "max_failed_logins", .type = CONF_INT, .unit = "failures", .min = 1, .max = 1000,
	  .def = "10", .reloadable = true,
	  .help = "Wrong passwords in a row from one client address after which that address is locked out of the account for the time of lockout. Ten times as many from everywhere lock out all browsers that did not log in to it before." },
	{ .section = "accounts", .name = "lockout", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 86400000,
	  .def = "5m", .reloadable = true,
	  .help = "How long an account stays locked after the last wrong password." },
	{ .section = "mail", .name = "smtp", .type = CONF_STRING, .max = 300,
	  .help = "Mail server: smtp://host[:port] or smtps://host[:port]. Empty: development, mails stay in the outbox page of the admin listener." },
	{ .section = "mail", .name = "user", .type = CONF_STRING, .max = 200,
	  .help = "User name at the mail server; empty: no login." },
	{ .section = "mail", .name = "password", .type = CONF_STRING, .max = 500,
	  .secret = true, .roles = ROLE_BIT(ROLE_COURIER),
	  .help = "Password at the mail server. Only the process that sends mails gets it." },
	{ .section = "mail", .name = "password_file", .type = CONF_PATH,
	  .help = "File with that password instead; a name without slash is a credential that systemd hands over (LoadCredential=)." },
	{ .section = "mail", .name = "tls", .type = CONF_ENUM, .choices = "auto|required|opportunistic|off", .def = "auto",
	  .help = "Whether an smtp:// server must offer STARTTLS (required), it is used if offered (opportunistic) or never (off). auto: required, but for a server on this machine used if offered." },
	{ .section = "mail", .name = "ca_file", .type = CONF_PATH,
	  .help = "Certificates (PEM) of the authorities that a mail server's certificate must come from. Empty: those that the system trusts." },
	{ .section = "mail", .name = "from", .type = CONF_STRING, .max = 320, .def = "no-reply@localhost",
	  .help = "Sender of all mails: address, or Name <address>." },
	{ .section = "mail", .name = "bounce_domain", .type = CONF_STRING, .max = 253,
	  .help = "Domain of return paths: mails that come back go to bounce+TOKEN@DOMAIN, where plimsoll mail bounce takes them in. Empty: the return path is the sender's address." },
	{ .section = "mail", .name = "bounce_hold", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 31536000000,
	  .def = "24h", .reloadable = true,
	  .help = "How long an address gets no more mails after one to it came back for good." },
	{ .section = "mail", .name = "timeout", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 600000,
	  .def = "30s",
	  .help = "How long one mail may take at the mail server." },
	{ .section = "mail", .name = "connections", .type = CONF_INT, .unit = "connections", .min = 1, .max = 128,
	  .def = "8",
	  .help = "Most connections to the mail server at a time. They are kept for the next mails, and made only when so many mails wait." },
};
/* clang-format on */

enum err accounts_conf_check(const struct conf *conf, struct err_note *note)
{
	return mail_conf_check(conf, note);
}
