/*
 * The way from a domain to its provider, with a network made of texts; what is remembered of it;
 * and the documents themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "services/identity/identity.h"
#include "services/identity/provider.h"
#include "services/identity/provider_cache.h"

#define KEY                                                                                        \
	"{\"algorithm\":\"RS\",\"n\":\""                                                           \
	"99274653265061894393912617289984522674854075885929808507291427365238707457197399"         \
	"34619891340488532876602217659070223950856529473262690961815830345584742333"               \
	"\",\"e\":\"65537\"}"
#define PATHS "\"authentication\":\"/in\",\"provisioning\":\"/prov?a=b#c\""
#define GOOD  "{" PATHS ",\"public-key\":" KEY "}"

enum {
	MINUTE = 60 * 1000,
	HOUR = 60 * MINUTE
};

/* What stands at a host. */
struct site {
	const char *host, *text; /* text NULL: outcome */
	enum well_known_outcome outcome;
	int64_t max_age_ms;
	enum err e;
};

struct net {
	const struct site *sites;
	size_t n;
	unsigned asked;
	char last_domain[64];
};

static enum err fetch(void *arg, struct arena *arena, struct slice host, struct slice domain,
    struct well_known_reply *ret)
{
	struct net *net = arg;

	(void)arena;
	net->asked++;
	assert_int_equal(slice_to_cstr(domain, net->last_domain, sizeof(net->last_domain)), ERR_OK);
	for (size_t i = 0; i < net->n; i++) {
		const struct site *s = &net->sites[i];
		if (slice_eq(host, slice_str(s->host))) {
			*ret = (struct well_known_reply){ .outcome = s->outcome,
				.max_age_ms = s->max_age_ms,
				.body = slice_str(s->text) };
			return s->e;
		}
	}
	*ret = (struct well_known_reply){ .outcome = WELL_KNOWN_UNREACHABLE, .max_age_ms = -1 };
	return ERR_OK;
}

/* A fixture: empty configuration, or with bridges. */
struct world {
	struct arena arena;
	struct providers *configured;
	struct net net;
	struct provider_source source;
};

static void open_world(struct world *w, const struct site *sites, size_t n, const char *bridges)
{
	struct conf *conf = NULL;
	struct buf problems = buf_new(1000);

	*w = (struct world){ .arena = arena_new(1 << 20), .net = { .sites = sites, .n = n } };
	assert_int_equal(conf_new(&identity_service.conf, 1, &conf), ERR_OK);
	assert_int_equal(conf_set(conf, "test", SLICE("identity"), SLICE("proxy_idps"),
			     slice_str(bridges), &problems),
	    ERR_OK);
	assert_int_equal(providers_load(conf, &w->configured, NULL), ERR_OK);
	buf_free(&problems);
	conf_free(&conf);
	w->source = (struct provider_source){ .configured = w->configured,
		.own_host = SLICE("id.example"),
		.scheme = "https",
		.keep_min_ms = MINUTE,
		.keep_max_ms = HOUR,
		.keep_failed_ms = 5 * MINUTE,
		.fetch = fetch,
		.fetch_arg = &w->net };
}

static void close_world(struct world *w)
{
	providers_free(&w->configured);
	arena_reset(&w->arena);
}

static struct provider_answer ask(struct world *w, const char *domain)
{
	struct provider_answer a;

	w->net.asked = 0;
	assert_int_equal(provider_resolve(&w->arena, &w->source, slice_str(domain), &a), ERR_OK);
	return a;
}

static void assert_slice(struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want))) {
		fail_msg("%.*s, not %s", SLICE_ARG(got), want);
	}
}

static void a_domain_speaks_for_itself_or_names_who_does(void **state)
{
	static const struct site sites[] = {
		{ "a.example", GOOD, WELL_KNOWN_OK, -1, ERR_OK },
		{ "b.example", "{\"authority\":\"A.Example\"}", WELL_KNOWN_OK, 5 * MINUTE, ERR_OK },
		{ "mine.example", "{\"authority\":\"id.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
	};
	struct world w;

	(void)state;
	open_world(&w, sites, 3, "");
	struct provider_answer a = ask(&w, "a.example");
	assert_int_equal(a.kind, PROVIDER_LIVE);
	assert_true(a.is_seen);
	assert_int_equal(a.keep_ms, 10 * MINUTE); /* it says nothing about it */
	assert_slice(a.provider.domain, "a.example");
	assert_slice(a.provider.auth_url, "https://a.example/in");
	assert_slice(a.provider.prov_url, "https://a.example/prov?a=b#c");
	assert_slice(a.provider.key_json, KEY);
	a = ask(&w, "b.example");
	assert_int_equal(a.kind, PROVIDER_LIVE);
	assert_slice(a.provider.domain, "a.example");
	assert_slice(a.provider.auth_url, "https://a.example/in");
	assert_int_equal(a.keep_ms, 5 * MINUTE);
	assert_string_equal(w.net.last_domain, "b.example"); /* the first, also at the second */
	a = ask(&w, "mine.example");
	assert_int_equal(a.kind, PROVIDER_NONE);
	assert_slice(a.why, "this server speaks for it itself");
	close_world(&w);
}

static void delegations_are_six_domains_and_no_circle(void **state)
{
	static const struct site sites[] = {
		{ "d1.example", "{\"authority\":\"d2.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d2.example", "{\"authority\":\"d3.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d3.example", "{\"authority\":\"d4.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d4.example", "{\"authority\":\"d5.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d5.example", "{\"authority\":\"d6.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d6.example", "{\"authority\":\"d7.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "d7.example", GOOD, WELL_KNOWN_OK, -1, ERR_OK },
		{ "c1.example", "{\"authority\":\"c2.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "c2.example", "{\"authority\":\"C1.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
		{ "self.example", "{\"authority\":\"self.example\"}", WELL_KNOWN_OK, -1, ERR_OK },
	};
	static const char too_long[] = "too many delegations, or they lead in a circle";
	struct world w;

	(void)state;
	open_world(&w, sites, sizeof(sites) / sizeof(sites[0]), "");
	struct provider_answer a = ask(&w, "d2.example");
	assert_int_equal(a.kind, PROVIDER_LIVE);
	assert_int_equal(w.net.asked, 6);
	a = ask(&w, "d1.example");
	assert_slice(a.why, too_long);
	assert_int_equal(w.net.asked, 6);
	a = ask(&w, "c1.example");
	assert_slice(a.why, too_long);
	assert_int_equal(w.net.asked, 2);
	a = ask(&w, "self.example");
	assert_slice(a.why, too_long);
	assert_int_equal(w.net.asked, 1);
	close_world(&w);
}

static void failures_have_their_words(void **state)
{
	static const struct site sites[] = {
		{ "status.example", NULL, WELL_KNOWN_STATUS, -1, ERR_OK },
		{ "address.example", NULL, WELL_KNOWN_ADDRESS, -1, ERR_OK },
		{ "timeout.example", NULL, WELL_KNOWN_TIMEOUT, -1, ERR_OK },
		{ "tls.example", NULL, WELL_KNOWN_TLS, -1, ERR_OK },
		{ "type.example", NULL, WELL_KNOWN_TYPE, -1, ERR_OK },
		{ "big.example", NULL, WELL_KNOWN_TOO_BIG, -1, ERR_OK },
		{ "bad.example", "[]", WELL_KNOWN_OK, HOUR, ERR_OK },
		{ "off.example", "{\"disabled\":1}", WELL_KNOWN_OK, HOUR, ERR_OK },
	};
	static const struct {
		const char *domain, *why;
	} rows[] = {
		{ "none.example", "none.example is not a browserid primary - non-200 response code "
				  "to /.well-known/browserid" },
		{ "status.example", "status.example is not a browserid primary - non-200 response "
				    "code to /.well-known/browserid" },
		{ "address.example", "address.example is not a browserid primary - non-200 "
				     "response code to /.well-known/browserid" },
		{ "timeout.example", "timeout.example is not a browserid primary - timeout trying "
				     "to load /.well-known/browserid" },
		{ "tls.example", "tls.example is not a browserid primary - no trusted certificate "
				 "for /.well-known/browserid" },
		{ "type.example", "type.example is not a browserid primary - non "
				  "'application/json' response to /.well-known/browserid" },
		{ "big.example", "big.example is not a browserid primary - too long a response to "
				 "/.well-known/browserid" },
		{ "bad.example", "bad.example is not a browserid primary - bad support document at "
				 "/.well-known/browserid" },
		{ "off.example", "the domain has switched its identity provider off" },
	};
	struct world w;

	(void)state;
	open_world(&w, sites, sizeof(sites) / sizeof(sites[0]), "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct provider_answer a = ask(&w, rows[i].domain);
		bool is_off = strcmp(rows[i].domain, "off.example") == 0;
		assert_int_equal(a.kind, is_off ? PROVIDER_DISABLED : PROVIDER_NONE);
		assert_slice(a.why, rows[i].why);
		assert_int_equal(a.keep_ms, is_off ? HOUR : 5 * MINUTE);
	}
	close_world(&w);
}

static void names_that_are_not_public_are_not_asked_for(void **state)
{
	static const char *const names[] = { "localhost", "10.0.0.1", "127.1", "a..b", "-a.example",
		"a.example.", "1.2.3.4.5" };
	struct world w;

	(void)state;
	open_world(&w, NULL, 0, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct provider_answer a = ask(&w, names[i]);
		assert_int_equal(a.kind, PROVIDER_NONE);
		if (w.net.asked != 0) {
			fail_msg("%s", names[i]);
		}
	}
	(void)ask(&w, "a.example");
	assert_int_equal(w.net.asked, 1);
	close_world(&w);
}

static void a_bridge_speaks_for_who_has_nothing_of_its_own(void **state)
{
	static const struct site sites[] = {
		{ "bridge.example", GOOD, WELL_KNOWN_OK, HOUR, ERR_OK },
		{ "own.example", GOOD, WELL_KNOWN_OK, HOUR, ERR_OK },
		{ "off.example", "{\"disabled\":true}", WELL_KNOWN_OK, HOUR, ERR_OK },
	};
	struct world w;

	(void)state;
	open_world(&w, sites, 3,
	    "own.example=bridge.example,mail.example=bridge.example,off.example=bridge.example");
	struct provider_answer a = ask(&w, "mail.example");
	assert_slice(a.provider.domain, "bridge.example");
	assert_int_equal(a.keep_ms, 5 * MINUTE); /* it may come to have one */
	a = ask(&w, "own.example");
	assert_slice(a.provider.domain, "own.example");
	a = ask(&w, "off.example");
	assert_int_equal(a.kind, PROVIDER_DISABLED);
	w.source.fetch = NULL;
	a = ask(&w, "own.example");
	assert_slice(a.why, "this server looks up no other identity providers");
	close_world(&w);
}

static void how_long_an_answer_is_kept_has_bounds(void **state)
{
	static const struct site sites[] = {
		{ "short.example", GOOD, WELL_KNOWN_OK, 0, ERR_OK },
		{ "long.example", GOOD, WELL_KNOWN_OK, 24LL * HOUR, ERR_OK },
		{ "busy.example", NULL, WELL_KNOWN_OK, -1, ERR_TOO_BUSY },
	};
	struct provider_answer a;
	struct world w;

	(void)state;
	open_world(&w, sites, 3, "");
	assert_int_equal(ask(&w, "short.example").keep_ms, MINUTE);
	assert_int_equal(ask(&w, "long.example").keep_ms, HOUR);
	assert_int_equal(
	    provider_resolve(&w.arena, &w.source, SLICE("busy.example"), &a), ERR_TOO_BUSY);
	close_world(&w);
}

/* ---- documents ---- */

static void documents_of_all_forms(void **state)
{
	static const struct {
		const char *text;
		int kind; /* -1: none */
	} rows[] = {
		{ GOOD, SUPPORT_KEY },
		{ "{" PATHS ",\"keys\":[" KEY "]}", SUPPORT_KEY },
		{ "{" PATHS ",\"public-key\":{},\"keys\":[1,{}," KEY "]}", SUPPORT_KEY },
		{ "{" PATHS ",\"public-key\":" KEY ",\"disabled\":false,\"more\":[1]}",
		    SUPPORT_KEY },
		{ "{" PATHS ",\"public-key\":" KEY ",\"disabled\":0,\"authority\":1}",
		    SUPPORT_KEY },
		{ "{\"authority\":\"a.example\"}", SUPPORT_AUTHORITY },
		{ "{\"authority\":\"a.example\"," PATHS ",\"public-key\":" KEY "}",
		    SUPPORT_AUTHORITY },
		{ "{\"disabled\":true,\"authority\":\"a.example\"}", SUPPORT_DISABLED },
		{ "{\"disabled\":\"yes\"}", SUPPORT_DISABLED },
		{ "{\"disabled\":1}", SUPPORT_DISABLED },
		{ "{\"disabled\":0.5}", SUPPORT_DISABLED },
		{ "{\"disabled\":{}}", SUPPORT_DISABLED },
		{ "{\"disabled\":null}", -1 },
		{ "{\"disabled\":\"\"}", -1 },
		{ "", -1 },
		{ "null", -1 },
		{ "[]", -1 },
		{ "{", -1 },
		{ "{}", -1 },
		{ "{\"authority\":\"\"}", -1 },
		{ "{\"authority\":\"http://a.example/\"}", -1 },
		{ "{\"authority\":\"a.example:8443\"}", -1 },
		{ "{\"authority\":\"-a\"," PATHS ",\"public-key\":" KEY "}", -1 },
		{ "{" PATHS "}", -1 },
		{ "{" PATHS ",\"public-key\":{}}", -1 },
		{ "{" PATHS ",\"keys\":[]}", -1 },
		{ "{" PATHS ",\"keys\":" KEY "}", -1 },
		{ "{\"authentication\":\"/a\",\"public-key\":" KEY "}", -1 },
		{ "{\"authentication\":\"a\",\"provisioning\":\"/p\",\"public-key\":" KEY "}", -1 },
		{ "{\"authentication\":\"/a b\",\"provisioning\":\"/p\",\"public-key\":" KEY "}",
		    -1 },
		{ "{\"authentication\":\"/a\",\"provisioning\":\"/\\u00e9\",\"public-key\":" KEY
		  "}",
		    -1 },
		{ "{\"authentication\":\"/a\\\"><b\",\"provisioning\":\"/p\",\"public-key\":" KEY
		  "}",
		    -1 },
		{ "{\"authentication\":\"/a\",\"provisioning\":1,\"public-key\":" KEY "}", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = arena_new(1 << 20);
		struct support_document d;
		enum err e = support_document_parse(&arena, slice_str(rows[i].text), &d);
		if (e != (rows[i].kind < 0 ? ERR_INVALID : ERR_OK) ||
		    (e == ERR_OK && (int)d.kind != rows[i].kind)) {
			fail_msg("%s: %s", rows[i].text, err_text(e));
		}
		if (e == ERR_OK && d.kind == SUPPORT_KEY) {
			assert_slice(d.key_json, KEY);
		}
		arena_reset(&arena);
	}
}

static void paths_have_a_longest(void **state)
{
	char text[SUPPORT_PATH_MAX + 1000], path[SUPPORT_PATH_MAX + 2];

	(void)state;
	for (int more = 0; more < 2; more++) {
		struct arena arena = arena_new(1 << 20);
		struct support_document d;
		size_t len = SUPPORT_PATH_MAX + (size_t)more;
		memset(path, '/', len);
		path[len] = '\0';
		(void)snprintf(text, sizeof(text),
		    "{\"authentication\":\"%s\",\"provisioning\":\"/p\",\"public-key\":%s}", path,
		    KEY);
		assert_int_equal(support_document_parse(&arena, slice_str(text), &d),
		    more == 0 ? ERR_OK : ERR_INVALID);
		arena_reset(&arena);
	}
}

/* ---- what is remembered ---- */

static struct provider_answer live(const char *domain, int64_t keep_ms)
{
	return (struct provider_answer){ .kind = PROVIDER_LIVE,
		.provider = { slice_str(domain), SLICE("key"), SLICE("auth"), SLICE("prov") },
		.keep_ms = keep_ms };
}

static enum err get(struct provider_cache *c, const char *domain, int64_t now_us)
{
	struct arena arena = arena_new(1 << 16);
	struct provider_answer a;
	enum err e = provider_cache_get(c, slice_str(domain), now_us, &arena, &a);

	if (e == ERR_OK && a.kind == PROVIDER_LIVE) {
		assert_slice(a.provider.domain, domain);
		assert_slice(a.provider.key_json, "key");
		assert_slice(a.provider.auth_url, "auth");
		assert_slice(a.provider.prov_url, "prov");
	} else if (e == ERR_OK) {
		assert_slice(a.why, "why");
	}
	arena_reset(&arena);
	return e;
}

static void answers_are_kept_for_their_time(void **state)
{
	const struct provider_answer none = {
		.kind = PROVIDER_NONE, .why = SLICE("why"), .keep_ms = 1
	};
	struct provider_answer a = live("a.example", 2);
	struct provider_cache *c = NULL;

	(void)state;
	assert_int_equal(provider_cache_new(16, &c), ERR_OK);
	assert_int_equal(get(c, "a.example", 0), ERR_NOT_FOUND);
	provider_cache_put(c, SLICE("a.example"), 1000, &a);
	assert_int_equal(get(c, "a.example", 2999), ERR_OK);
	assert_int_equal(get(c, "b.example", 2999), ERR_NOT_FOUND);
	assert_int_equal(get(c, "a.example", 3000), ERR_NOT_FOUND);
	assert_int_equal(provider_cache_count(c), 0);
	/* The last answer counts. */
	provider_cache_put(c, SLICE("a.example"), 0, &a);
	provider_cache_put(c, SLICE("a.example"), 0, &none);
	assert_int_equal(provider_cache_count(c), 1);
	assert_int_equal(get(c, "a.example", 1500), ERR_NOT_FOUND);
	/* Nothing to keep. */
	a.keep_ms = 0;
	provider_cache_put(c, SLICE("a.example"), 0, &a);
	assert_int_equal(provider_cache_count(c), 0);
	provider_cache_put(c, SLICE("a.example"), 0, &none);
	provider_cache_free(&c);
	assert_null(c);
}

static void a_flood_of_names_keeps_the_bound_and_spares_providers(void **state)
{
	const struct provider_answer none = {
		.kind = PROVIDER_NONE, .why = SLICE("why"), .keep_ms = 1000
	};
	struct provider_cache *c = NULL;
	char name[32];

	(void)state;
	assert_int_equal(provider_cache_new(100, &c), ERR_OK);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "live%d.example", i);
		const struct provider_answer a = live(name, 1000);
		provider_cache_put(c, slice_str(name), 0, &a);
	}
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "none%d.example", i);
		provider_cache_put(c, slice_str(name), 0, &none);
		assert_true(provider_cache_count(c) <= 100);
	}
	assert_int_equal(provider_cache_count(c), 100);
	assert_int_equal(get(c, "live0.example", 1), ERR_OK);
	assert_int_equal(get(c, "live19.example", 1), ERR_OK);
	assert_int_equal(get(c, "none4999.example", 1), ERR_OK);
	assert_int_equal(get(c, "none4000.example", 1), ERR_NOT_FOUND);
	/* Of providers a quarter; the one asked for longest ago goes. */
	for (int i = 20; i < 44; i++) {
		(void)snprintf(name, sizeof(name), "live%d.example", i);
		const struct provider_answer a = live(name, 1000);
		provider_cache_put(c, slice_str(name), 0, &a);
		assert_int_equal(get(c, "live0.example", 1), ERR_OK);
	}
	assert_int_equal(get(c, "live1.example", 1), ERR_NOT_FOUND);
	assert_int_equal(get(c, "live43.example", 1), ERR_OK);
	assert_true(provider_cache_count(c) <= 100);
	provider_cache_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_speaks_for_itself_or_names_who_does),
		cmocka_unit_test(delegations_are_six_domains_and_no_circle),
		cmocka_unit_test(failures_have_their_words),
		cmocka_unit_test(names_that_are_not_public_are_not_asked_for),
		cmocka_unit_test(a_bridge_speaks_for_who_has_nothing_of_its_own),
		cmocka_unit_test(how_long_an_answer_is_kept_has_bounds),
		cmocka_unit_test(documents_of_all_forms),
		cmocka_unit_test(paths_have_a_longest),
		cmocka_unit_test(answers_are_kept_for_their_time),
		cmocka_unit_test(a_flood_of_names_keeps_the_bound_and_spares_providers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
