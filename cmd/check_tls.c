/*
 * plimsoll check: the part about TLS. It reads the key files, as the signer will: whoever may run
 * this with the server's configuration owns them.
 */
#include "cmd/check_tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/clock.h"
#include "core/role/role.h"
#include "core/role/tls_files.h"

enum {
	DAY_S = 86400,
	SOON_DAYS = 14
};

/* One certificate with its key; whether it is good, and for which host. */
static bool check_pair(const struct tls_pair_files *f, const char *host, bool *names_host)
{
	struct err_note note = { 0 };
	struct tls_pair pair;
	int64_t now_s = clock_wall_ms() / 1000;

	if (tls_pair_read(f, &pair, &note) != ERR_OK) {
		fprintf(stderr, "[tls] %s\n", note.text);
		return false;
	}
	enum err e = tls_pair_check_dates(&pair, f->certificate, now_s, &note);
	int64_t days = tls_pair_seconds_left(&pair, now_s) / DAY_S;
	if (e != ERR_OK) {
		fprintf(stderr, "[tls] %s\n", note.text);
	} else if (days < SOON_DAYS) {
		printf("warning: [tls] %s expires in %d days\n", f->certificate, (int)days);
	}
	*names_host = *names_host || tls_pair_names(&pair, host);
	tls_pair_fini(&pair);
	return e == ERR_OK;
}

static bool check_files(const struct conf *conf, const struct public_url *url)
{
	struct tls_files files = { 0 };
	struct tls_pair_files pairs[TLS_PAIRS_MAX];
	char text[2 * (TLS_LIST_MAX + 1)];
	struct err_note note = { 0 };
	bool good = true, names_host = false;

	if (tls_files_open(conf, &files, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		return false;
	}
	if (files.n > 0 &&
	    tls_files_take(buf_slice(&files.names), files.fd, files.n, pairs, text)) {
		for (unsigned i = 0; i < files.n / 2; i++) {
			good = check_pair(&pairs[i], url->host, &names_host) && good;
		}
	}
	if (good && files.n > 0 && !names_host) {
		printf(
		    "warning: [tls] no certificate is for %s, the host of [plimsoll] public_url; "
		    "browsers will refuse to go there\n",
		    url->host);
	}
	tls_files_close(&files);
	return good;
}

static bool check_folder(const char *folder)
{
	struct stat st;

	if (folder[0] == '\0') {
		return true;
	}
	if (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "[tls] acme_folder: %s %s\n", folder,
		    errno == ENOENT ? "does not exist; make it, writable for the ACME client and "
				      "readable for the server"
				    : "is not a folder");
		return false;
	}
	return true;
}

/* What works, but not as people expect. */
static void warn(const struct conf *conf, const struct public_url *url)
{
	bool has_proxy = conf_str(conf, "http", "trusted_proxies")[0] != '\0';

	if (url->is_https && !tls_is_on(conf) && !has_proxy) {
		printf(
		    "warning: [plimsoll] public_url %s is https, but there is neither [tls] listen "
		    "nor a proxy in [http] trusted_proxies that could speak it\n",
		    url->origin);
	}
	if (!url->is_https && tls_is_on(conf)) {
		printf(
		    "warning: [tls] listen is set, but [plimsoll] public_url %s is http: people are "
		    "sent there, and cookies are not kept to https\n",
		    url->origin);
	}
}

int check_tls(const struct conf *conf, const struct public_url *url)
{
	bool good = check_files(conf, url);

	good = check_folder(conf_str(conf, "tls", "acme_folder")) && good;
	warn(conf, url);
	return good ? EXIT_OK : EXIT_CONFIG;
}
