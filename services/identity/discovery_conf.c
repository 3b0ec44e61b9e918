/*
 * [identity] primaries and provider_*: what they mean together, and the courier's policy made of
 * them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/public_url.h"
#include "accounts/well_known.h"
#include "core/obs/log.h"
#include "services/identity/discovery.h"
#include "services/identity/param_type.h"

enum {
	CA_MAX = 1024 * 1024
};

static bool is_empty(const struct conf *conf, const char *name)
{
	return conf_str(conf, "identity", name)[0] == '\0';
}

bool discovery_is_on(const struct conf *conf, const struct public_url *url)
{
	const char *primaries = conf_str(conf, "identity", "primaries");

	return strcmp(primaries, "yes") == 0 ||
	       (strcmp(primaries, "auto") == 0 && !url->is_loopback);
}

/* "name=address:port, ..." */
static bool are_detours(struct slice list)
{
	struct slice row;

	while (slice_split(&list, ',', &row)) {
		row = slice_trim(row);
		size_t equals = slice_find(row, '=', 0), colon = slice_find(row, ':', equals);
		uint64_t port = 0;
		if (row.len == 0) {
			continue;
		}
		if (!hostname_is_valid(slice_sub(row, 0, equals)) ||
		    !hostname_is_valid(slice_sub(row, equals + 1, colon)) ||
		    slice_to_u64(slice_sub(row, colon + 1, row.len), 65535, &port) != ERR_OK) {
			return false;
		}
	}
	return true;
}

static enum err read_ca(const char *path, struct slice *ret, struct err_note *note)
{
	char *text = malloc(CA_MAX);
	FILE *f = text == NULL ? NULL : fopen(path, "re");

	if (f == NULL) {
		free(text);
		return err_note_set(
		    note, ERR_CONFIG, "[identity] provider_ca: %s: %s", path, strerror(errno));
	}
	size_t n = fread(text, 1, CA_MAX, f);
	bool is_good = ferror(f) == 0 && n > 0 && n < CA_MAX;
	(void)fclose(f);
	if (!is_good) {
		free(text);
		return err_note_set(note, ERR_CONFIG,
		    "[identity] provider_ca: %s: cannot be read, is empty or longer than %d bytes",
		    path, CA_MAX);
	}
	*ret = SLICE_OF(text, n);
	return ERR_OK;
}

enum err discovery_conf_check(const struct conf *conf, struct err_note *note)
{
	bool has_doors = conf_bool(conf, "identity", "test_doors");
	bool is_plain = conf_bool(conf, "identity", "provider_plain_http");
	const char *proxy = conf_str(conf, "identity", "provider_proxy");
	struct slice rest = slice_str(conf_str(conf, "identity", "forcible_issuers")), host, ca;

	if (!has_doors && (is_plain || !is_empty(conf, "provider_hosts"))) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] provider_hosts and provider_plain_http are for tests: they need "
		    "test_doors = yes");
	}
	if (!are_detours(slice_str(conf_str(conf, "identity", "provider_hosts")))) {
		return err_note_set(note, ERR_CONFIG,
		    "[identity] provider_hosts: must be name=address:port, with commas between");
	}
	if (proxy[0] != '\0' && !slice_starts(slice_str(proxy), SLICE("http://"))) {
		return err_note_set(
		    note, ERR_CONFIG, "[identity] provider_proxy: must be http://host:port");
	}
	while (slice_split(&rest, ',', &host)) {
		host = slice_trim(host);
		if (host.len > 0 && !hostname_is_valid(host)) {
			return err_note_set(note, ERR_CONFIG,
			    "[identity] forcible_issuers: must be host names with commas between");
		}
	}
	if (!is_empty(conf, "provider_ca")) {
		enum err e = read_ca(conf_str(conf, "identity", "provider_ca"), &ca, note);
		if (e != ERR_OK) {
			return e;
		}
		free((void *)(uintptr_t)ca.ptr);
	}
	return ERR_OK;
}

static void warn_of(const struct well_known_policy *p)
{
	if (p->plain_http) {
		LOG(LOG_WARN, "discovery", "providers_over_plain_http",
		    LOG_C("detail", "whoever is on this machine can be any provider"));
	}
	if (p->hosts[0] != '\0') {
		LOG(LOG_WARN, "discovery", "providers_at_other_addresses",
		    LOG_C("hosts", p->hosts));
	}
	if (p->allow_private) {
		LOG(LOG_WARN, "discovery", "private_addresses_are_allowed",
		    LOG_C("detail", "names that others choose may lead into this network"));
	}
}

static void free_texts(const struct well_known_policy *p)
{
	free((void *)(uintptr_t)p->proxy);
	free((void *)(uintptr_t)p->hosts);
	free((void *)(uintptr_t)p->ca.ptr);
}

enum err discovery_allow(struct svc_env *env, struct err_note *note)
{
	const struct conf *conf = env->conf;
	struct public_url url;
	struct well_known_policy p = {
		.timeout_ms = conf_ms(conf, "identity", "provider_timeout"),
		.parallel = (unsigned)conf_int(conf, "identity", "provider_parallel"),
		.allow_private = conf_bool(conf, "identity", "provider_private"),
		.plain_http = conf_bool(conf, "identity", "provider_plain_http"),
		/* The configuration's own go with a reload. */
		.proxy = strdup(conf_str(conf, "identity", "provider_proxy")),
		.hosts = strdup(conf_str(conf, "identity", "provider_hosts")),
	};
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, note);

	if (e == ERR_OK && (p.proxy == NULL || p.hosts == NULL)) {
		e = ERR_MEMORY;
	}
	if (e == ERR_OK && !is_empty(conf, "provider_ca")) {
		e = read_ca(conf_str(conf, "identity", "provider_ca"), &p.ca, note);
	}
	if (e == ERR_OK && discovery_is_on(conf, &url)) {
		warn_of(&p);
		well_known_set_policy(env, &p);
		return ERR_OK;
	}
	free_texts(&p);
	return e;
}

void discovery_forbid(struct svc_env *env)
{
	const struct well_known_policy none = { .parallel = 0 }, *p = well_known_policy_of(env);

	if (p != NULL) {
		free_texts(p);
		well_known_set_policy(env, &none);
	}
}
