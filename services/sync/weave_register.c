/*
 * Role: web. New users of the old user API.
 */
#include <string.h>

#include "accounts/credential.h"
#include "accounts/email_syntax.h"
#include "core/base/json.h"
#include "services/sync/weave_asking.h"

static bool fits_name(struct slice address, const char *name)
{
	char made[WEAVE_NAME_MAX + 1];

	weave_name_of_address(address, made);
	return !weave_name_is_hash(name) || strcmp(made, name) == 0;
}

/* An account that has the address takes the name if the password is its own. */
static enum err use_account(struct weave_asking *a, struct slice address, struct slice password,
    struct weave_change *change, bool *ret_good)
{
	const struct svc_env *env = a->c->env;
	const struct credential given = { .text = password, .is_stretched = false };
	struct account account;
	struct slice key = SLICE_EMPTY;
	enum pass_verdict verdict = PASS_WRONG;
	enum err e = email_key(a->c->arena, address, &key);

	e = e == ERR_OK ? account_by_address(env->db, a->c->arena, key, &account, &a->c->note) : e;
	*ret_good = true;
	if (e == ERR_NOT_FOUND) {
		return weave_hash(a->c, password, &(struct kdf){ .kind = KDF_PLAIN }, change);
	}
	if (e == ERR_OK) {
		e = credential_check(
		    a->c, &account, &given, SLICE_EMPTY, SLICE_EMPTY, false, &verdict);
	}
	change->account_id = e == ERR_OK ? account.id : 0;
	*ret_good = verdict == PASS_GOOD;
	return e;
}

static struct slice text_of(const struct json *doc, const char *name)
{
	struct slice text = SLICE_EMPTY;

	(void)json_get_string(json_member(doc, name), &text);
	return text;
}

/* The code, or 0 where all is well. */
static enum weave_code judge_new(const struct weave_asking *a, const struct json *doc)
{
	struct slice address = text_of(doc, "email");

	if (!email_is_valid(address)) {
		return WEAVE_NO_EMAIL;
	}
	if (!fits_name(address, a->name)) {
		return WEAVE_MISMATCH;
	}
	return weave_judge_password(text_of(doc, "password"), a->name);
}

/* PUT: the order of checks is that of the table in sync.md 2.3. */
enum err weave_create(struct weave_asking *a)
{
	const struct json *doc = NULL;
	struct weave_change change = { .kind = WEAVE_CREATE, .name = slice_str(a->name) };
	enum weave_outcome outcome = WEAVE_EXISTS;
	bool may = false, is_good = false;
	enum err e = weave_asking_find(a);

	if (e == ERR_OK) {
		return weave_bad(a->c, WEAVE_OVERWRITE);
	}
	if (e != ERR_NOT_FOUND) {
		return e;
	}
	if (json_parse(a->c->arena, http_body(a->c->req), &doc, &a->c->note) != ERR_OK ||
	    json_kind(doc) != JSON_KIND_OBJECT) {
		return weave_bad(a->c, WEAVE_JSON);
	}
	enum weave_code wrong = judge_new(a, doc);
	if (wrong != WEAVE_OTHER) {
		return weave_bad(a->c, wrong);
	}
	e = weave_passes(
	    a->c, text_of(doc, "captcha-challenge"), text_of(doc, "captcha-response"), true, &may);
	if (e != ERR_OK || !may) {
		return e != ERR_OK ? e : weave_bad(a->c, WEAVE_CAPTCHA);
	}
	change.address = text_of(doc, "email");
	e = use_account(a, change.address, text_of(doc, "password"), &change, &is_good);
	if (e == ERR_OK && is_good) {
		e = weave_change(a->c, &change, &outcome);
	}
	if (e != ERR_OK) {
		return e;
	}
	return outcome == WEAVE_DONE ? weave_text(a->c, slice_str(a->name))
				     : weave_bad(a->c, WEAVE_OVERWRITE);
}
