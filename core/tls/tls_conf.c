/*
 * See tls_conf.h.
 */
#include "core/tls/tls_conf.h"

#include <string.h>

static const char section[] = "tls";

/* clang-format off */
static const struct conf_key keys[] = {
	{ .section = section, .name = "listen", .type = CONF_ADDRESS,
	  .help = "Address on which the service listens with TLS, beside [web] listen; empty: TLS is left to a proxy in front." },
	{ .section = section, .name = "certificate", .type = CONF_STRING, .max = TLS_LIST_MAX, .list = true, .reloadable = true,
	  .help = "Files with the server's certificate and those that lead to the authority (PEM), commas between or a line for each; the client's server name chooses, the first is for all others." },
	{ .section = section, .name = "key", .type = CONF_STRING, .max = TLS_LIST_MAX, .list = true, .reloadable = true,
	  .help = "Files with the private keys of these certificates, in the same order; not readable by others." },
	{ .section = section, .name = "min_version", .type = CONF_ENUM, .choices = "1.2|1.3", .def = "1.2", .reloadable = true,
	  .help = "Oldest TLS version that is spoken." },
	{ .section = section, .name = "http_redirect", .type = CONF_BOOL, .def = "no",
	  .help = "Whether [web] listen sends everybody to [plimsoll] public_url, which must be https; health checks and acme_folder excepted." },
	{ .section = section, .name = "acme_folder", .type = CONF_PATH,
	  .help = "Folder of the answers to an authority's http-01 challenges, served below /.well-known/acme-challenge/; empty: none." },
	{ .section = section, .name = "handshake_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 600000, .def = "10s", .reloadable = true,
	  .help = "Time for a whole handshake." },
	{ .section = section, .name = "max_handshakes", .type = CONF_INT, .unit = "connections", .min = 1, .max = 100000, .def = "2048", .reloadable = true,
	  .help = "Most connections of one process that are in their handshake; more are closed at once." },
	{ .section = section, .name = "ticket_lifetime", .type = CONF_DURATION, .unit = "s", .min = 1000, .max = 86400000, .def = "1h", .reloadable = true,
	  .help = "How long a client may resume a session without a new signature; the key of the tickets changes as often." },
};
/* clang-format on */

const struct conf_table tls_conf = { keys, sizeof(keys) / sizeof(keys[0]) };

/* Section and key of what is listened on with TLS. */
static const char *const addresses[][2] = {
	{ "tls", "listen" },
	{ "symbols", "tls_listen" },
	{ "pairs", "tls_listen" },
};

bool tls_is_on(const struct conf *conf)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (conf_str(conf, addresses[i][0], addresses[i][1])[0] != '\0') {
			return true;
		}
	}
	return false;
}

/* Cuts the list into at most TLS_PAIRS_MAX texts in out; the number that there are. */
static unsigned split(const char *list, char *out, const char *ret[TLS_PAIRS_MAX])
{
	struct slice rest = slice_str(list);
	unsigned n = 0;

	if (slice_trim(rest).len == 0) {
		return 0;
	}
	for (struct slice piece; slice_split(&rest, ',', &piece); n++) {
		struct slice path = slice_trim(piece);
		if (n < TLS_PAIRS_MAX) {
			memcpy(out, path.ptr, path.len);
			out[path.len] = '\0';
			ret[n] = out;
			out += path.len + 1;
		}
	}
	return n;
}

enum err tls_paths_read(const struct conf *conf, struct tls_paths *ret, struct err_note *note)
{
	unsigned n = split(conf_str(conf, section, "certificate"), ret->text, ret->certificate);
	unsigned n_keys =
	    split(conf_str(conf, section, "key"), ret->text + TLS_LIST_MAX + 1, ret->key);

	if (n != n_keys) {
		return err_note_set(note, ERR_CONFIG,
		    "[tls] certificate names %u and key names %u files; each certificate needs its "
		    "key, in the same order",
		    n, n_keys);
	}
	if (n > TLS_PAIRS_MAX) {
		return err_note_set(note, ERR_CONFIG,
		    "[tls] certificate names %u files; at most %d", n, TLS_PAIRS_MAX);
	}
	for (unsigned i = 0; i < n; i++) {
		if (ret->certificate[i][0] == '\0' || ret->key[i][0] == '\0') {
			return err_note_set(note, ERR_CONFIG,
			    "[tls] certificate and key: a name between two commas is empty");
		}
	}
	ret->n = n;
	return ERR_OK;
}

struct tls_settings tls_settings_read(const struct conf *conf)
{
	return (struct tls_settings){
		.only_13 = strcmp(conf_str(conf, section, "min_version"), "1.3") == 0,
		.handshake_us = conf_ms(conf, section, "handshake_timeout") * 1000,
		.max_handshakes = (unsigned)conf_int(conf, section, "max_handshakes"),
		.ticket_period_us = conf_ms(conf, section, "ticket_lifetime") * 1000,
	};
}

enum err tls_conf_check(const struct conf *conf, struct err_note *note)
{
	struct tls_paths paths;
	const char *url = conf_str(conf, "plimsoll", "public_url");
	enum err e = tls_paths_read(conf, &paths, note);

	if (e != ERR_OK) {
		return e;
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]) && paths.n == 0; i++) {
		const char *address = conf_str(conf, addresses[i][0], addresses[i][1]);
		if (address[0] != '\0') {
			return err_note_set(note, ERR_CONFIG,
			    "[%s] %s = %s needs certificate and key in [tls]", addresses[i][0],
			    addresses[i][1], address);
		}
	}
	if (!tls_is_on(conf) && paths.n > 0) {
		return err_note_set(note, ERR_CONFIG,
		    "[tls] certificate is not used without [tls] listen (as in listen = 0.0.0.0:443)");
	}
	if (conf_bool(conf, section, "http_redirect") && strncmp(url, "https://", 8) != 0) {
		return err_note_set(note, ERR_CONFIG,
		    "[tls] http_redirect sends browsers to [plimsoll] public_url, but that is %s; it "
		    "must be https",
		    url);
	}
	return ERR_OK;
}
