/*
 * See check_sync.h. The token is for a uid that no store has (the highest of ten digits), and only
 * reads: nothing is left behind. The four usual reasons of a 401 at the storage of self-hosters are
 * the secret, the node's URL, scheme or port behind a proxy, and the clock; each has its sentence.
 */
#include "cmd/check_sync.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/http_conn.h"
#include "cmd/http_probe.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "core/role/role.h"
#include "services/sync/hawk_mac.h"
#include "services/sync/secrets.h"

enum {
	LIFETIME_S = 300,
	CLOCK_SLACK_S = 60, /* what the accounts server of Firefox allows is more */
	NONCE_BYTES = 9
};

#define TARGET "/1.5/9999999999/info/collections"

/* ---- signing ---- */

/*
 * The value of Authorization for the request, as somebody signs it who sees the server at url; with
 * other_port not 0 at that port.
 */
static enum err sign(const struct token_secrets *secrets, const struct public_url *url,
    uint16_t other_port, struct buf *out, struct err_note *note)
{
	char key[TOKEN_KEY_SIZE], nonce[2 * NONCE_BYTES + 1], ts[32], address[PUBLIC_URL_MAX];
	uint8_t mac[HAWK_MAC_BYTES], random[NONCE_BYTES];
	struct buf token = buf_new(TOKEN_MAX), hex = buf_new(2 * NONCE_BYTES);
	int64_t now_s = clock_wall_ms() / 1000;
	uint64_t port = 0;
	const struct token t = { .uid = TOKEN_UID_MAX,
		.expires_s = now_s + LIFETIME_S,
		.node = slice_str(url->origin) };

	rng_bytes(random, sizeof(random));
	enc_hex(&hex, SLICE_OF(random, sizeof(random)));
	enum err e = slice_to_cstr(buf_slice(&hex), nonce, sizeof(nonce));
	e = e == ERR_OK ? token_make(secrets, &t, &token, key) : e;
	http_conn_address(url, address);
	const char *colon = strrchr(address, ':');
	if (e == ERR_OK) {
		e = slice_to_u64(slice_str(colon + 1), UINT16_MAX, &port);
	}
	(void)snprintf(ts, sizeof(ts), "%lld", (long long)now_s);
	const struct hawk h = { .id = buf_slice(&token),
		.ts = slice_str(ts),
		.nonce = slice_str(nonce),
		.ext = { NULL, 0 },
		.hash = { NULL, 0 } };
	const struct hawk_request r = { .method = SLICE("GET"),
		.target = SLICE(TARGET),
		.host = slice_sub(slice_str(address), 0, (size_t)(colon - address)),
		.port = other_port != 0 ? other_port : (uint16_t)port };
	e = e == ERR_OK ? hawk_mac(slice_str(key), &h, &r, mac) : e;
	OPENSSL_cleanse(key, sizeof(key));
	if (e == ERR_OK) {
		buf_printf(out, "Hawk id=\"%.*s\", ts=\"%s\", nonce=\"%s\", mac=\"",
		    SLICE_ARG(h.id), ts, nonce);
		enc_base64(out, SLICE_OF(mac, sizeof(mac)));
		buf_append(out, "\"", 2); /* with its NUL */
	}
	buf_free(&token);
	buf_free(&hex);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "a request cannot be signed");
}

/* ---- what the answer means ---- */

static bool is_clock_good(const struct probe_answer *a)
{
	char text[64];
	struct tm tm = { 0 };
	struct slice date = probe_header(a, "Date");

	if (date.ptr == NULL || slice_to_cstr(date, text, sizeof(text)) != ERR_OK ||
	    strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL) {
		return true;
	}
	int64_t ahead_s = (int64_t)timegm(&tm) - clock_wall_ms() / 1000;
	if (ahead_s > CLOCK_SLACK_S || ahead_s < -CLOCK_SLACK_S) {
		printf(
		    "clock: what answers there is %lld s %s this machine (its Date header). "
		    "Browsers sign with the time that the accounts server tells them, so all "
		    "machines need the right one: `timedatectl` shows whether this one has it.\n",
		    (long long)(ahead_s < 0 ? -ahead_s : ahead_s),
		    ahead_s < 0 ? "behind" : "ahead of");
		return false;
	}
	return true;
}

/* Hawk error="WORD". */
static bool has_cause(const struct probe_answer *a, const char *cause)
{
	char want[64];
	struct slice challenge = probe_header(a, "WWW-Authenticate");
	int n = snprintf(want, sizeof(want), "error=\"%s\"", cause);

	return challenge.ptr != NULL &&
	       memmem(challenge.ptr, challenge.len, want, (size_t)n) != NULL;
}

/* What the server's word for a refusal means to whoever runs it. */
static const struct {
	const char *cause, *text;
} causes[] = {
	{ "secret", "secret: the server does not know the secret that this configuration signs "
		    "tokens with. [sync] master_secret (SYNC_MASTER_SECRET) must be the same at "
		    "the token server and at every storage server; restart those that had another "
		    "one." },
	{ "proxy", "proxy: the request was signed for this address, and the server saw another "
		   "scheme or port. The proxy in front must leave Host as it is, send "
		   "X-Forwarded-Proto, and its address must stand in [http] trusted_proxies." },
	{ "node_url", "node URL: the server was reached, but as another address than this one. "
		      "[plimsoll] public_url (SYNC_TOKENSERVER__INIT_NODE_URL) must be the address "
		      "that browsers use, and a proxy must change neither Host nor path." },
	{ "clock", "clock: the server's clock and this machine's are further apart than [sync] "
		   "clock_skew allows." },
	{ "expired", "clock: to the server a token of now is over already: its clock is ahead." },
};

/* Is it taken when it is signed for a port that a proxy may make of this one? */
static bool is_port_lost(const struct token_secrets *secrets, const struct public_url *url)
{
	static const uint16_t ports[] = { 80, 443 };
	bool is_taken = false;

	for (size_t i = 0; !is_taken && i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct buf bytes = buf_new(PROBE_ANSWER_MAX), header = buf_new(PROBE_TARGET_MAX);
		struct probe_answer a = { .status = 0 };
		struct err_note note = { 0 };
		is_taken = sign(secrets, url, ports[i], &header, &note) == ERR_OK &&
			   http_probe(url, TARGET, header.data, &bytes, &a, &note) == ERR_OK &&
			   a.status == 200;
		buf_free(&bytes);
		buf_free(&header);
	}
	return is_taken;
}

static void explain_refusal(
    const struct probe_answer *a, const struct token_secrets *secrets, const struct public_url *url)
{
	const char *cause = NULL;

	for (size_t i = 0; cause == NULL && i < sizeof(causes) / sizeof(causes[0]); i++) {
		cause = has_cause(a, causes[i].cause) ? causes[i].cause : NULL;
	}
	if (cause != NULL && strcmp(cause, "node_url") == 0 && is_port_lost(secrets, url)) {
		cause = "proxy";
	}
	for (size_t i = 0; cause != NULL && i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (strcmp(cause, causes[i].cause) == 0) {
			printf("%s\n", causes[i].text);
			return;
		}
	}
	printf(
	    "401 without a cause from %s: is it a Plimsoll? Other servers refuse another secret, "
	    "another node URL, a proxy's scheme or port and a wrong clock with the same words.\n",
	    url->origin);
}

static int judge(const struct probe_answer *a, const struct token_secrets *secrets,
    const struct public_url *url, bool is_public)
{
	bool is_good = is_clock_good(a);

	if (a->status == 401) {
		explain_refusal(a, secrets, url);
		return EXIT_FAILED;
	}
	if (a->status != 200 || probe_header(a, "X-Weave-Timestamp").ptr == NULL) {
		printf("node URL: %s answers, but it is no storage of Sync (status %d for " TARGET
		       "). The proxy must pass /1.5/ on, and /token/, /firefox, /v1/ and "
		       "/.well-known/ with it.\n",
		    url->origin, a->status);
		return EXIT_FAILED;
	}
	if (!is_public) {
		printf(
		    "node URL: it works at %s, but [plimsoll] public_url is another address, and "
		    "that one is what tokens send browsers to.\n",
		    url->origin);
		return EXIT_FAILED;
	}
	if (is_good) {
		printf("sync: a request signed for %s is taken: secret, address, proxy and clock "
		       "are good\n",
		    url->origin);
	}
	return is_good ? EXIT_OK : EXIT_FAILED;
}

int check_sync(const struct conf *conf, const char *url_text)
{
	const char *public_text = conf_str(conf, "plimsoll", "public_url");
	struct public_url url, public_url;
	struct token_secrets secrets = { .n = 0 };
	struct probe_answer answer = { .status = 0 };
	struct buf bytes = buf_new(PROBE_ANSWER_MAX), header = buf_new(PROBE_TARGET_MAX);
	struct err_note note = { 0 };
	int code = EXIT_CONFIG;

	enum err e = public_url_parse(slice_str(public_text), &public_url, &note);
	e = e == ERR_OK ? public_url_parse(
			      slice_str(url_text == NULL ? public_text : url_text), &url, &note)
			: e;
	e = e == ERR_OK
		? token_secrets_read(conf, conf_str(conf, "plimsoll", "data_dir"), &secrets, &note)
		: e;
	if (e == ERR_NOT_FOUND) {
		note = (struct err_note){ 0 };
		(void)!err_note_set(&note, e,
		    "secret: there is none yet: `plimsoll serve` makes it, or [sync] master_secret "
		    "says it");
	}
	e = e == ERR_OK ? sign(&secrets, &url, 0, &header, &note) : e;
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll check sync: %s\n",
		    note.text[0] != '\0' ? note.text : err_text(e));
	} else if (http_probe(&url, TARGET, header.data, &bytes, &answer, &note) != ERR_OK) {
		printf("node URL: %s cannot be used: %s\n", url.origin, note.text);
		code = EXIT_FAILED;
	} else {
		code = judge(&answer, &secrets, &url, strcmp(url.origin, public_url.origin) == 0);
	}
	OPENSSL_cleanse(&secrets, sizeof(secrets));
	buf_free(&bytes);
	buf_free(&header);
	return code;
}
