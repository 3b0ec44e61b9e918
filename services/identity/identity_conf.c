/*
 * Configuration keys of [identity], and the check that a public server can send its mails.
 */
#include "services/identity/identity_priv.h"

/* clang-format off */
const struct conf_key identity_conf_keys[IDENTITY_CONF_KEYS] = {
	{ .section = "identity", .name = "signup", .type = CONF_ENUM, .choices = "open|domains|invite|closed", .def = "open", .reloadable = true,
	  .help = "Who may make an account: open to all, addresses in signup_domains, those who were invited (plimsoll user invite), or closed." },
	{ .section = "identity", .name = "signup_domains", .type = CONF_STRING, .max = 1000, .reloadable = true,
	  .help = "Domains whose addresses may make accounts with signup = domains, separated by commas." },
	{ .section = "identity", .name = "certificate_lifetime", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 604800000,
	  .def = "24h", .reloadable = true,
	  .help = "How long a certificate of a user's key is good." },
	{ .section = "identity", .name = "certificate_lifetime_ephemeral", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 604800000,
	  .def = "1h", .reloadable = true,
	  .help = "The same for sessions on a computer that is not the user's own." },
	{ .section = "identity", .name = "token_lifetime", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 604800000,
	  .def = "24h", .reloadable = true,
	  .help = "How long a link in a mail works." },
	{ .section = "identity", .name = "invitation_lifetime", .type = CONF_DURATION, .unit = "ms", .min = 60000, .max = 31536000000,
	  .def = "7d", .reloadable = true,
	  .help = "How long an invitation works (plimsoll user invite)." },
	{ .section = "identity", .name = "min_mail_interval", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 86400000,
	  .def = "60s", .reloadable = true,
	  .help = "Least time between two mails to one address, unless the first was answered." },
	{ .section = "identity", .name = "max_waiting_mails", .type = CONF_INT, .unit = "mails", .min = 1, .max = 1000,
	  .def = "20", .reloadable = true,
	  .help = "How many mails that one account caused may wait for their answer at a time." },
	{ .section = "identity", .name = "clock_skew", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 300000,
	  .def = "5s", .reloadable = true,
	  .help = "How far the clocks of other servers may be off when their signatures are checked." },
	{ .section = "identity", .name = "primaries", .type = CONF_ENUM, .choices = "auto|yes|no", .def = "auto",
	  .help = "Whether domains may be identity providers for their own addresses: yes looks each up at https://DOMAIN/.well-known/browserid, auto does so unless public_url is on this machine, no knows none." },
	{ .section = "identity", .name = "provider_timeout", .type = CONF_DURATION, .unit = "ms", .min = 100, .max = 8000,
	  .def = "8s",
	  .help = "How long looking up a domain's provider may take in all." },
	{ .section = "identity", .name = "provider_parallel", .type = CONF_INT, .unit = "fetches", .min = 1, .max = WELL_KNOWN_PARALLEL_MAX,
	  .def = "64",
	  .help = "How many providers' documents are fetched at a time; others wait." },
	{ .section = "identity", .name = "provider_cache_min", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 86400000,
	  .def = "1m", .reloadable = true,
	  .help = "How long a provider's document is used at least, whatever its Cache-Control says." },
	{ .section = "identity", .name = "provider_cache_max", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 86400000,
	  .def = "1h", .reloadable = true,
	  .help = "The same at most; without a Cache-Control it is ten minutes." },
	{ .section = "identity", .name = "provider_cache_failed", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 86400000,
	  .def = "5m", .reloadable = true,
	  .help = "How long it is remembered that a domain has no provider or cannot be reached." },
	{ .section = "identity", .name = "provider_private", .type = CONF_BOOL, .def = "no",
	  .help = "Whether providers may have addresses that are not of the public internet. Anybody can name any domain, so this lets strangers have the server ask for a document at any host of your network that speaks https." },
	{ .section = "identity", .name = "provider_proxy", .type = CONF_STRING, .max = 300,
	  .help = "Proxy through which providers' documents are fetched: http://host:port. It resolves the names, and must itself refuse private addresses." },
	{ .section = "identity", .name = "provider_ca", .type = CONF_PATH,
	  .help = "File with the certificates (PEM) of the authorities that providers are trusted by, in the place of the system's." },
	{ .section = "identity", .name = "provider_hosts", .type = CONF_STRING, .max = 4000, .list = true,
	  .help = "For tests: where providers listen in the place of what DNS says: name=address:port, separated by commas. Only with test_doors." },
	{ .section = "identity", .name = "provider_plain_http", .type = CONF_BOOL, .def = "no",
	  .help = "For tests: providers are asked over http, on this machine only. Only with test_doors." },
	{ .section = "identity", .name = "forcible_issuers", .type = CONF_STRING, .max = 1000, .reloadable = true,
	  .help = "Host names besides the one of public_url under which this server certifies addresses when a page asks for it (forceIssuer), separated by commas." },
	{ .section = "identity", .name = "shimmed_primaries", .type = CONF_STRING, .max = 4000,
	  .help = "Identity providers whose support document lies in a file: domain|origin|path, separated by commas; or @FILE with one of them a line." },
	{ .section = "identity", .name = "proxy_idps", .type = CONF_STRING, .max = 4000,
	  .help = "Domains that a bridge speaks for: domain=host of the bridge, separated by commas; or @FILE with one of them a line." },
	{ .section = "identity", .name = "terms_file", .type = CONF_PATH,
	  .help = "Text of the page with the terms of service: paragraphs between empty lines, headings behind \"# \" and \"## \". Without it the page says that there are none." },
	{ .section = "identity", .name = "privacy_file", .type = CONF_PATH,
	  .help = "The same of the page on privacy. Without it the page says what this program keeps." },
	{ .section = "identity", .name = "asset_url", .type = CONF_STRING, .max = 250,
	  .help = "Where pages load scripts and styles from, such as https://cdn.example.org: a cache that fetches the paths /v/... from this server. Without it from this server itself." },
	{ .section = "identity", .name = "test_doors", .type = CONF_BOOL, .def = "no",
	  .help = "Opens doors for tests and load generators (/wsapi/fake_verification and others), through which anybody can take any account. Only with a public_url on this machine." },
	{ .section = "identity", .name = "hsts", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 63072000000,
	  .def = "0ms", .reloadable = true,
	  .help = "Time for which browsers shall insist on https (Strict-Transport-Security); 0 sends no such header." },
};
/* clang-format on */

enum err identity_doors_check(
    const struct conf *conf, const struct public_url *url, struct err_note *note)
{
	if (!conf_bool(conf, "identity", "test_doors") || url->is_loopback) {
		return ERR_OK;
	}
	return err_note_set(note, ERR_CONFIG,
	    "[identity] test_doors: anybody could take any account, and public_url %s is "
	    "not on this machine",
	    url->origin);
}

enum err identity_conf_check(const struct conf *conf, struct err_note *note)
{
	struct public_url url;
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, note);

	if (e != ERR_OK) {
		return e;
	}
	struct providers *providers = NULL;
	e = providers_load(conf, &providers, note);
	providers_free(&providers);
	if (e == ERR_OK) {
		e = discovery_conf_check(conf, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	struct pages *pages = NULL;
	e = pages_load(conf, &pages, note);
	pages_free(&pages);
	if (e != ERR_OK) {
		return e;
	}
	e = identity_doors_check(conf, &url, note);
	if (e != ERR_OK) {
		return e;
	}
	bool is_domains = strcmp(conf_str(conf, "identity", "signup"), "domains") == 0;
	if (is_domains && conf_str(conf, "identity", "signup_domains")[0] == '\0') {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] signup = domains needs [identity] signup_domains");
	}
	bool needs_mail = strcmp(conf_str(conf, "identity", "signup"), "closed") != 0 &&
			  strcmp(conf_str(conf, "identity", "signup"), "invite") != 0;
	if (!url.is_loopback && conf_str(conf, "mail", "smtp")[0] == '\0' && needs_mail) {
		return err_note_set(note, ERR_CONFIG,
		    "public_url %s is not on this machine, so people who sign up need mail: set "
		    "[mail] smtp, or [identity] signup = invite or closed",
		    url.origin);
	}
	return ERR_OK;
}
