/*
 * See grace_conf.h. Classes are the ranks of a service's rows under the names that the service
 * gives them; a reserve belongs to the class of its name, in whatever service.
 */
#include "core/role/grace_conf.h"

#include <stdio.h>
#include <string.h>

#include "core/service.h"

enum {
	TOLERANCE_MOST = 100,
	RESERVE_MOST = 90, /* percent, of all together: something is left to the others */
	NAME_BYTES = 64
};

static const char section[] = "grace";

/* In the order of their numbers. */
static const char *const reserves[LEVEL_RESERVES] = { "signup", "login", "verify", "sync" };

/* clang-format off */
#define RESERVE(class, share, what)                                                                \
	{ .section = section, .name = "reserve." class, .type = CONF_INT, .unit = "percent", .min = 0,\
	  .max = RESERVE_MOST, .def = share, .reloadable = true,                                   \
	  .help = "Of everything that has to be shared out under overload, so much is kept for " what "." }
#define ORDER(service, classes)                                                                    \
	{ .section = section, .name = "order." service, .type = CONF_STRING, .max = 200, .def = "", \
	  .help = "Who is served first under overload at this service, with commas between; classes that " \
		  "are left out follow in their own order, which is " classes "." }

static const struct conf_key keys[] = {
	{ .section = section, .name = "tolerance", .type = CONF_INT, .unit = "times", .min = 1,
	  .max = TOLERANCE_MOST, .def = "1", .reloadable = true,
	  .help = "Waits may be so many times as long as usual before they count as overload: where the " \
		  "processors serve others as well, waits come and go and nothing is at its limit. Under " \
		  "overload everybody waits longer for it." },
	RESERVE("signup", "40", "new accounts (the class signup)"),
	RESERVE("login", "0", "signing in with a password (the class login)"),
	RESERVE("verify", "0", "proofs and what pages ask for (the class verify)"),
	RESERVE("sync", "0", "the requests of syncs (the class sync)"),
	ORDER("identity", "verify, login, signup, polling, later"),
	ORDER("pairs", "reading, login, browsing, polling, signals"),
	ORDER("sync", "sync, login, info, polling, begin"),
	ORDER("symbols", "download, work, info, polling, lists"),
};
/* clang-format on */

const struct conf_table grace_conf = { keys, sizeof(keys) / sizeof(keys[0]) };

static bool has_key(const char *name)
{
	for (size_t i = 0; i < grace_conf.n; i++) {
		if (strcmp(keys[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

/* The rank of a class, or SHED_RANKS. */
static enum shed_rank find(const struct service *service, struct slice name)
{
	enum shed_rank rank = SHED_LATE;

	while (rank < SHED_RANKS && !slice_eq(name, slice_str(service->classes[rank]))) {
		rank++;
	}
	return rank;
}

static enum err read_order(
    const struct service *service, struct slice text, unsigned char order[], struct err_note *note)
{
	unsigned next = SHED_LATE;
	struct slice name;

	text = slice_trim(text);
	while (text.len > 0 && slice_split(&text, ',', &name)) {
		name = slice_trim(name);
		enum shed_rank rank = find(service, name);
		if (rank == SHED_RANKS || order[rank] != 0) {
			const char *const *c = service->classes;
			return err_note_set(note, ERR_CONFIG,
			    "[grace] order.%s: \"%.*s\" %s; allowed is each of %s, %s, %s, %s, %s once",
			    service->name, SLICE_ARG(name),
			    rank == SHED_RANKS ? "is no class of it" : "stands there twice",
			    c[SHED_LATE], c[SHED_MIDDLE], c[SHED_EARLY], c[SHED_POLLING],
			    c[SHED_FIRST]);
		}
		order[rank] = (unsigned char)next++;
	}
	for (enum shed_rank rank = SHED_LATE; rank < SHED_RANKS; rank++) {
		if (order[rank] == 0) {
			order[rank] = (unsigned char)next++;
		}
	}
	return ERR_OK;
}

enum err grace_conf_site(const struct conf *conf, const struct service *service,
    struct http_site *site, struct err_note *note)
{
	unsigned char order[SHED_RANKS] = { 0 };
	char key[NAME_BYTES];

	(void)snprintf(key, sizeof(key), "order.%s", service->name);
	if (service->classes == NULL || !has_key(key)) {
		return ERR_OK;
	}
	enum err e = read_order(service, slice_str(conf_str(conf, section, key)), order, note);
	if (e != ERR_OK) {
		return e;
	}
	memcpy(site->order, order, sizeof(order));
	for (unsigned i = 0; i < LEVEL_RESERVES; i++) {
		enum shed_rank rank = find(service, slice_str(reserves[i]));
		if (rank < SHED_RANKS) {
			site->reserve[rank] = (unsigned char)(i + 1);
		}
	}
	return ERR_OK;
}

static int64_t percent_of(const struct conf *conf, unsigned reserve)
{
	char key[NAME_BYTES];

	(void)snprintf(key, sizeof(key), "reserve.%s", reserves[reserve]);
	return conf_int(conf, section, key);
}

void grace_conf_apply(const struct conf *conf, struct grace *g)
{
	grace_set_tolerance(g, (unsigned)conf_int(conf, section, "tolerance"));
	for (unsigned i = 0; i < LEVEL_RESERVES; i++) {
		grace_set_reserve(g, i + 1, (double)percent_of(conf, i) / 100);
	}
}

enum err grace_conf_check(const struct conf *conf, struct err_note *note)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < LEVEL_RESERVES; i++) {
		sum += percent_of(conf, i);
	}
	return sum <= RESERVE_MOST ? ERR_OK
				   : err_note_set(note, ERR_CONFIG,
					 "[grace] reserve.*: %lld %% in all; at most %d %%",
					 (long long)sum, (int)RESERVE_MOST);
}
