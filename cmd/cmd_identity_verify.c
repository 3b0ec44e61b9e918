/*
 * plimsoll identity verify: is this assertion good, and if not, why? Without a server and without
 * the network: with this installation's own keys, or with a key from a file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "accounts/public_url.h"
#include "cmd/cmd_identity.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "services/identity/bundle.h"
#include "services/identity/domain_keys.h"
#include "services/identity/own_keys.h"

enum {
	FILE_MAX = 64 * 1024,
	ARENA_MAX = 2 * 1024 * 1024,
	SECONDS_MAX_DIGITS = 11 /* more digits than that are milliseconds */
};

struct check {
	struct arena arena;
	struct err_note note;
	struct buf bundle;
	struct own_keys keys;
	struct public_url url;
	struct bundle_query q;
	const char *key_origin; /* in words */
};

/* ---- what is given ---- */

static enum err read_file(const char *path, struct buf *out, struct err_note *note)
{
	bool is_input = path == NULL || strcmp(path, "-") == 0;
	FILE *f = is_input ? stdin : fopen(path, "re");
	char *room = f == NULL ? NULL : buf_room(out, FILE_MAX);

	if (f == NULL) {
		return err_note_set(note, err_from_errno(errno), "%s: %s", path, strerror(errno));
	}
	size_t n = room == NULL ? 0 : fread(room, 1, FILE_MAX, f);
	bool failed = room == NULL || ferror(f) != 0 || n == FILE_MAX;
	if (!is_input) {
		(void)fclose(f);
	}
	if (failed) {
		return err_note_set(note, ERR_LIMIT,
		    "%s cannot be read, or is longer than %d bytes",
		    is_input ? "standard input" : path, FILE_MAX - 1);
	}
	buf_grew(out, n);
	return ERR_OK;
}

static struct slice without_space(struct slice s)
{
	while (s.len > 0 && strchr(" \t\r\n", s.ptr[s.len - 1]) != NULL) {
		s.len--;
	}
	while (s.len > 0 && strchr(" \t\r\n", s.ptr[0]) != NULL) {
		s = slice_sub(s, 1, s.len);
	}
	return s;
}

static enum err parse_time(const char *text, int64_t *ret_ms, struct err_note *note)
{
	struct tm tm = { 0 };
	uint64_t n = 0;

	if (slice_to_u64(slice_str(text), INT64_MAX / 1000, &n) == ERR_OK) {
		*ret_ms = strlen(text) < SECONDS_MAX_DIGITS ? (int64_t)n * 1000 : (int64_t)n;
		return ERR_OK;
	}
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || strcmp(end, "Z") != 0) {
		return err_note_set(note, ERR_INVALID,
		    "--at %s: must be like 2026-05-31T12:00:00Z, or milliseconds or seconds since "
		    "1970",
		    text);
	}
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return ERR_OK;
}

/* ---- the issuer's keys ---- */

static void put_key(struct json_writer *w, const struct json *key)
{
	if (key != NULL) {
		json_put_value(w, key);
	}
}

/* A public key, or a support document with one or several. */
static enum err keys_of_file(struct check *c, const char *path)
{
	struct buf text = buf_new(FILE_MAX), all = buf_new(OWN_KEYS_BYTES);
	struct json_writer w = json_writer_new(&all);
	const struct json *v = NULL;
	struct err_note why = { 0 };
	enum err e = read_file(path, &text, &c->note);

	if (e != ERR_OK) {
		buf_free(&text);
		return e;
	}
	e = json_parse(&c->arena, buf_slice(&text), &v, &why);
	if (e == ERR_OK) {
		const struct json *key = json_member(v, "public-key");
		const struct json *more = json_member(v, "keys");
		json_begin_array(&w);
		put_key(&w, key != NULL || more != NULL ? key : v);
		for (size_t i = 0; i < json_count(more); i++) {
			put_key(&w, json_element(more, i));
		}
		json_end_array(&w);
		e = all.failed ? ERR_LIMIT : own_keys_parse(&c->keys, buf_slice(&all), &why);
	}
	buf_free(&text);
	buf_free(&all);
	if (e != ERR_OK) {
		return err_note_set(&c->note, e, "%s is no public key and no support document: %s",
		    path, why.text[0] != '\0' ? why.text : err_text(e));
	}
	c->key_origin = path;
	return ERR_OK;
}

/* Those of this installation, if it has any: none is made here. */
static enum err keys_of_server(struct check *c, const struct conf *conf)
{
	const char *data_dir = conf_str(conf, "plimsoll", "data_dir");
	struct domain_keys keys = { .n_retired = 0 };
	struct public_key_info list[OWN_KEYS_MAX];
	struct buf all = buf_new(OWN_KEYS_BYTES);
	struct json_writer w = json_writer_new(&all);
	unsigned n = 0;
	struct domain_key probe = { .key = NULL };
	struct err_note why = { 0 };
	enum err e = domain_key_read(data_dir, "identity.key", &probe, &why);

	domain_key_free(&probe);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		c->note = why;
		return e;
	}
	if (e != ERR_OK) {
		return err_note_set(&c->note, e,
		    "%s has no keys to check with: give the issuer's with --key FILE", data_dir);
	}
	e = domain_keys_load(data_dir, &keys, &c->note);
	if (e == ERR_OK) {
		e = public_keys_list(&keys, domain_keys_lifetime_ms(conf), &c->arena, list, &n);
	}
	json_begin_array(&w);
	for (unsigned i = 0; e == ERR_OK && i < n; i++) {
		if (list[i].until_ms > c->q.now_ms) {
			json_put_raw(&w, list[i].json);
		}
	}
	json_end_array(&w);
	if (e == ERR_OK) {
		e = own_keys_parse(&c->keys, buf_slice(&all), &c->note);
	}
	domain_keys_free(&keys);
	buf_free(&all);
	c->key_origin = "this server's keys";
	return e;
}

static enum err find_keys(struct check *c, const struct conf *conf, const struct cmd_options *o)
{
	struct slice domain = SLICE_EMPTY;
	enum err e = public_url_parse(
	    slice_str(conf_str(conf, "plimsoll", "public_url")), &c->url, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	if (o->key == NULL) {
		c->q.own_host = o->issuer != NULL ? slice_str(o->issuer) : slice_str(c->url.host);
		return keys_of_server(c, conf);
	}
	c->q.own_host = slice_str(o->issuer);
	if (o->issuer == NULL) {
		e = bundle_outline(&c->arena, c->q.bundle, &c->q.own_host, &domain);
	}
	return e == ERR_OK ? keys_of_file(c, o->key) : e;
}

/* ---- the answer ---- */

static void print_time(const char *what, int64_t ms, int64_t now_ms)
{
	char date[CLOCK_HTTP_DATE_SIZE];
	int64_t left_s = (ms - now_ms) / 1000;

	clock_http_date(ms / 1000, date);
	printf("%s: %s (%s%" PRId64 " s)\n", what, date, left_s < 0 ? "for " : "for another ",
	    left_s < 0 ? -left_s : left_s);
}

/* What to do about a reason; the first whose words begin it. */
static const struct {
	const char *reason, *words;
} hints[] = {
	{ "no certificates provided",
	    "Without a certificate before the tilde, nobody vouches for it." },
	{ "malformed signature", "A part is no signed object: was it cut, or wrapped into lines?" },
	{ "bad signature in chain",
	    "The certificate was not signed with the key that was given: another issuer's, or one that was replaced since." },
	{ "invalid signature", "The assertion was not signed with the key in its certificate." },
	{ "assertion has expired",
	    "Assertions are good for minutes, certificates for a day: --at TIME checks at another time. Else look at the clocks." },
	{ "assertion issued later", "It comes from the future: one of the two clocks is wrong." },
	{ "certificate chaining", "Only one certificate may stand before the assertion." },
	{ "audience mismatch", "It was made for another site than the one that --audience names." },
	{ "can't get public key",
	    "Its issuer is not the one whose key was given: see --issuer and --key." },
	{ "issuer '",
	    "The domain of the address has not given that issuer the right to speak for it." },
	{ "unverified email", "Its issuer did not check that the address is the user's." },
	{ NULL, "" },
};

static void explain(const char *reason)
{
	size_t i = 0;

	while (hints[i].reason != NULL &&
	       strncmp(reason, hints[i].reason, strlen(hints[i].reason)) != 0) {
		i++;
	}
	printf("not good: %s\n%s%s", reason, hints[i].words, hints[i].words[0] == '\0' ? "" : "\n");
}

static void print_result(const struct check *c, const struct bundle_result *r)
{
	struct slice domain = slice_sub(r->email, slice_find(r->email, '@', 0) + 1, r->email.len);

	printf("good: %.*s%s\n", SLICE_ARG(r->email),
	    r->is_unverified ? " (not verified by its issuer)" : "");
	printf("site: %.*s\n", SLICE_ARG(r->audience));
	printf("issuer: %.*s, by %s\n", SLICE_ARG(r->issuer), c->key_origin);
	print_time("assertion good until", r->expires_ms, c->q.now_ms);
	if (!slice_eq_nocase(domain, r->issuer)) {
		printf("not checked, because it takes the network: whether %.*s may speak for "
		       "addresses of %.*s\n",
		    SLICE_ARG(r->issuer), SLICE_ARG(domain));
	}
}

static enum err verify(struct check *c, const char *audience, struct bundle_result *r)
{
	c->q.audience = slice_str(audience);
	c->q.allow_unverified = true;
	own_keys_offer(&c->keys, &c->q);
	enum err e = bundle_verify(&c->arena, &c->q, r);
	if (e == ERR_OK && audience == NULL && r->audience.len > 0) {
		/* For whatever site it is; who asks sees which. */
		c->q.audience = r->audience;
		e = bundle_verify(&c->arena, &c->q, r);
	}
	return e;
}

int identity_verify_file(const struct conf *conf, const struct cmd_options *o)
{
	struct check c = { .arena = arena_new(ARENA_MAX), .bundle = buf_new(FILE_MAX) };
	struct bundle_result r = { .reason = NULL };
	enum err e = ERR_OK;

	c.q.now_ms = clock_wall_ms();
	c.q.why_not = "its key was not given";
	c.q.clock_skew_ms = conf_ms(conf, "identity", "clock_skew");
	if (o->at != NULL) {
		e = parse_time(o->at, &c.q.now_ms, &c.note);
	}
	if (e == ERR_OK) {
		e = read_file(o->n_more > 0 ? o->more[0] : NULL, &c.bundle, &c.note);
		c.q.bundle = without_space(buf_slice(&c.bundle));
	}
	if (e == ERR_OK) {
		e = find_keys(&c, conf, o);
	}
	if (e == ERR_OK) {
		e = verify(&c, o->audience, &r);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll identity verify: %s\n",
		    c.note.text[0] != '\0' ? c.note.text : err_text(e));
	} else if (r.reason != NULL) {
		explain(r.reason);
	} else {
		print_result(&c, &r);
	}
	own_keys_free(&c.keys);
	buf_free(&c.bundle);
	arena_reset(&c.arena);
	return e == ERR_OK && r.reason == NULL ? EXIT_OK : EXIT_FAILED;
}
