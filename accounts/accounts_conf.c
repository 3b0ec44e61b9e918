/*
 * Configuration keys [accounts] and [mail]. What [mail] smtp means is checked here; that a public
 * server must have one is identity's business, because only it sends mail.
 */
#include "accounts/accounts_priv.h"

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
	  .help = "Password at the mail server." },
	{ .section = "mail", .name = "starttls", .type = CONF_BOOL, .def = "no",
	  .help = "Whether an smtp:// server must offer STARTTLS; with no it is used if offered." },
	{ .section = "mail", .name = "from", .type = CONF_STRING, .max = 320, .def = "no-reply@localhost",
	  .help = "Sender address of all mails." },
	{ .section = "mail", .name = "timeout", .type = CONF_DURATION, .unit = "ms", .min = 1000, .max = 600000,
	  .def = "30s",
	  .help = "How long one mail may take at the mail server." },
	{ .section = "mail", .name = "connections", .type = CONF_INT, .unit = "connections", .min = 1, .max = 16,
	  .def = "1",
	  .help = "Connections to the mail server; one is reused for all mails." },
};
/* clang-format on */

static bool is_mail_url(struct slice url)
{
	size_t scheme = slice_starts(url, SLICE("smtps://"))  ? 8
			: slice_starts(url, SLICE("smtp://")) ? 7
							      : 0;

	if (scheme == 0 || url.len == scheme) {
		return false;
	}
	for (size_t i = scheme; i < url.len; i++) {
		unsigned char c = (unsigned char)url.ptr[i];
		if (c <= ' ' || c >= 127 || c == '/' || c == '@' || c == '?') {
			return false;
		}
	}
	return true;
}

enum err accounts_conf_check(const struct conf *conf, struct err_note *note)
{
	struct slice smtp = slice_str(conf_str(conf, "mail", "smtp"));
	struct slice from = slice_str(conf_str(conf, "mail", "from"));
	size_t at = slice_find(from, '@', 0);

	if (smtp.len > 0 && !is_mail_url(smtp)) {
		return err_note_set(note, ERR_CONFIG,
		    "[mail] smtp: must be smtp://host[:port] or smtps://host[:port]; user and "
		    "password have keys of their own");
	}
	if (at == 0 || at + 1 >= from.len) {
		return err_note_set(
		    note, ERR_CONFIG, "[mail] from: must be an address such as login@example.org");
	}
	return ERR_OK;
}
