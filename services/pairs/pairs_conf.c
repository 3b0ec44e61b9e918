/*
 * Configuration keys of [pairs], but for its address, which is the runtime's affair.
 */
#include <string.h>

#include "accounts/public_url.h"
#include "services/pairs/media_answer.h"
#include "services/pairs/pairs_priv.h"

/* clang-format off */
const struct conf_key pairs_conf_keys[PAIRS_CONF_KEYS] = {
	{ .section = "pairs", .name = "conformance", .type = CONF_BOOL, .def = "no",
	  .help = "Serve the echo applications of the public conformance suites of Engine.IO and Socket.IO, with their clocks and limits where none are set here; for tests only." },
	{ .section = "pairs", .name = "test_doors", .type = CONF_BOOL, .def = "no",
	  .help = "For load generators, which read no mail: signing up and inviting answer with the token that is mailed, so that anybody can confirm any address. Only with a public_url on this machine." },
	{ .section = "pairs", .name = "ping_interval", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000,
	  .def = "25s", .reloadable = true,
	  .help = "How often a client is asked whether it is there. Proxies in front must let connections idle for longer than this and ping_timeout together." },
	{ .section = "pairs", .name = "ping_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 3600000,
	  .def = "20s", .reloadable = true,
	  .help = "How long a client has to answer before its session is closed." },
	{ .section = "pairs", .name = "upgrade_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 600000,
	  .def = "10s", .reloadable = true,
	  .help = "How long a client may take to go from long polling to WebSocket; then polling goes on." },
	{ .section = "pairs", .name = "connect_timeout", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 600000,
	  .def = "15s", .reloadable = true,
	  .help = "How long a session may stand without having joined a namespace." },
	{ .section = "pairs", .name = "max_message", .type = CONF_SIZE, .unit = "bytes", .min = 1024, .max = ENGINEIO_BODY_MAX,
	  .def = "64k", .reloadable = true,
	  .help = "Longest message of a client, and longest body of its posts. Clients are told." },
	{ .section = "pairs", .name = "max_attachments", .type = CONF_INT, .unit = "attachments", .min = 0, .max = SOCKETIO_ATTACHMENTS_MAX,
	  .def = "4", .reloadable = true,
	  .help = "How many binary attachments one packet may have." },
	{ .section = "pairs", .name = "queue_soft", .type = CONF_SIZE, .unit = "bytes", .min = 4096, .max = 1073741824,
	  .def = "256k", .reloadable = true,
	  .help = "When so much waits for one client, signals that may be lost (typing, presence) are dropped." },
	{ .section = "pairs", .name = "queue_hard", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = 1073741824,
	  .def = "1M", .reloadable = true,
	  .help = "When more than this would wait for one client, its session is closed; it comes back and catches up." },
	{ .section = "pairs", .name = "max_sessions", .type = CONF_INT, .unit = "sessions", .min = 0, .max = ENGINEIO_SESSIONS_MAX,
	  .def = "0", .reloadable = true,
	  .help = "Most sessions of one web process; 0: as many as its descriptors allow. More are answered 503." },
	{ .section = "pairs", .name = "sessions_per_second", .type = CONF_INT, .unit = "sessions", .min = 0, .max = 1000000,
	  .def = "0", .reloadable = true,
	  .help = "Most new sessions per second and web process, so that a storm of returning clients is taken bit by bit; 0: any number." },
	{ .section = "pairs", .name = "packets_per_second", .type = CONF_INT, .unit = "packets", .min = 0, .max = 1000000,
	  .def = "50", .reloadable = true,
	  .help = "Most packets per second of one session over a longer time; a session that sends more is closed. 0: any number." },
	{ .section = "pairs", .name = "packets_burst", .type = CONF_INT, .unit = "packets", .min = 1, .max = 1000000,
	  .def = "200", .reloadable = true,
	  .help = "Most packets of one session at once." },
	{ .section = "pairs", .name = "cors_origins", .type = CONF_STRING, .max = 4000, .reloadable = true,
	  .help = "Origins whose pages may use long polling, with commas between, or * for any (then without cookies). Empty: only pages of the same origin." },
	{ .section = "pairs", .name = "drain", .type = CONF_DURATION, .unit = "s", .min = 0, .max = 600000,
	  .def = "5s", .reloadable = true,
	  .help = "Over how long a time the sessions of a process that ends are closed, one after the other; at most [web] drain." },
	{ .section = "pairs", .name = "app_url", .type = CONF_STRING, .max = 300, .def = "http://127.0.0.1:8003/",
	  .help = "Page of the app that links in mails lead to, with #verify=TOKEN or #invite=TOKEN behind it." },
	{ .section = "pairs", .name = "session_lifetime", .type = CONF_DURATION, .unit = "s", .min = 60000, .max = 315360000000,
	  .def = "180d", .reloadable = true,
	  .help = "How long a member stays signed in on one device." },
	{ .section = "pairs", .name = "signup_lifetime", .type = CONF_DURATION, .unit = "s", .min = 60000, .max = 2592000000,
	  .def = "2d", .reloadable = true,
	  .help = "How long the link in the mail of a sign-up is good." },
	{ .section = "pairs", .name = "invite_lifetime", .type = CONF_DURATION, .unit = "s", .min = 60000, .max = 31536000000,
	  .def = "14d", .reloadable = true,
	  .help = "How long an invitation is good." },
	{ .section = "pairs", .name = "min_mail_interval", .type = CONF_DURATION, .unit = "s", .min = 0, .max = 86400000,
	  .def = "60s", .reloadable = true,
	  .help = "How long after a mail that was not answered the next one may go to the same address." },
	{ .section = "pairs", .name = "signup_reserve", .type = CONF_INT, .unit = "percent", .min = 0, .max = 100,
	  .def = "50", .reloadable = true,
	  .help = "How much of a processor is kept for sign-ups while they wait for their turn: signals, old pages, uploads and new sessions are refused by a web process that uses more than the rest of one. Logins leave them a quarter of the queue. 0: nothing gives way." },
	{ .section = "pairs", .name = "presence_lease", .type = CONF_DURATION, .unit = "s", .min = 1000, .max = 600000,
	  .def = "90s", .reloadable = true,
	  .help = "How long a member counts as being there without saying so again." },
	{ .section = "pairs", .name = "max_upload", .type = CONF_SIZE, .unit = "bytes", .min = 65536, .max = PAIRS_UPLOAD_MAX,
	  .def = "10M", .reloadable = true,
	  .help = "Largest picture that is taken." },
	{ .section = "pairs", .name = "max_pixels", .type = CONF_INT, .unit = "pixels", .min = 1000000, .max = 144000000,
	  .def = "50000000", .reloadable = true,
	  .help = "Most pixels of a picture, and at most 12000 along an edge; one that has more fails as too_large." },
	{ .section = "pairs", .name = "media_quota", .type = CONF_SIZE, .unit = "bytes", .min = 0, .max = 1099511627776,
	  .def = "2G", .reloadable = true,
	  .help = "How many bytes of pictures one couple may have sent." },
	{ .section = "pairs", .name = "media_waiting", .type = CONF_INT, .unit = "pictures", .min = 1, .max = 100000,
	  .def = "2000", .reloadable = true,
	  .help = "Most pictures of all couples that wait for their sizes; while so many do, further ones are answered 503." },
	{ .section = "pairs", .name = "media_lease", .type = CONF_DURATION, .unit = "s", .min = 5000, .max = 3600000,
	  .def = "60s", .reloadable = true,
	  .help = "How long a picture whose maker has died waits until another one makes it; three quarters of it are the longest that one may take." },
	{ .section = "pairs", .name = "media_url", .type = CONF_STRING, .max = 300,
	  .help = "Address of a host that serves pictures and nothing else, such as https://media.example.org; it leads to this listener, too. Empty: pictures are served beside the API." },
	{ .section = "pairs", .name = "clean_interval", .type = CONF_DURATION, .unit = "s", .min = 100, .max = 86400000,
	  .def = "60s",
	  .help = "How often what couples that have ended and deleted pictures have left is looked for, to be removed." },
	{ .section = "pairs", .name = "webhook_url", .type = CONF_STRING, .max = 300,
	  .help = "Where the app's own server wants to be told what happened to a couple while the partner was away, such as https://app.example.org/hook. Empty: nowhere." },
	{ .section = "pairs", .name = "webhook_secret", .type = CONF_STRING, .max = 200, .secret = true, .roles = ROLE_BIT(ROLE_COURIER),
	  .help = "Secret that these notices are signed with." },
	{ .section = "pairs", .name = "webhook_text", .type = CONF_BOOL, .def = "no", .reloadable = true,
	  .help = "Whether a notice has the words of what happened; else it only says that something has." },
	{ .section = "pairs", .name = "push", .type = CONF_BOOL, .def = "yes",
	  .help = "Whether browsers of members who are away are told by web push. The key for it is made at the first start, in keys/vapid.key." },
	{ .section = "pairs", .name = "push_contact", .type = CONF_STRING, .max = 300, .reloadable = true,
	  .help = "Whom push services may write to when something is wrong: mailto:ops@example.org, or an https address. Empty: public_url." },
	{ .section = "pairs", .name = "push_ttl", .type = CONF_DURATION, .unit = "s", .min = 0, .max = 2419200000,
	  .def = "1d", .reloadable = true,
	  .help = "How long push services keep a push for a browser that cannot be reached." },
	{ .section = "pairs", .name = "push_hosts", .type = CONF_STRING, .max = 2000, .reloadable = true,
	  .help = "Push services that pushes may go to, with commas between; *.push.apple.com is every name below. Empty: any with a public address." },
	{ .section = "pairs", .name = "push_private", .type = CONF_BOOL, .def = "no",
	  .help = "Whether pushes may go to addresses that are not public, to other ports than 443, and by plain http to this machine: for a push service of one's own, and for tests." },
	{ .section = "pairs", .name = "publish_key_sha256", .type = CONF_STRING, .max = 64, .reloadable = true,
	  .help = "SHA-256, in hex, of the key with which the app's own server may call /api/v1/publish. Empty: nobody may." },
};
/* clang-format on */

bool pairs_is_conformance(const struct conf *conf)
{
	return conf_bool(conf, "pairs", "conformance");
}

/*
 * What the suites expect to the byte and the millisecond, where the configuration does not say
 * something else.
 */
static const struct {
	const char *name;
	int64_t value; /* durations in ms */
} suites_values[] = {
	{ "ping_interval", 300 },
	{ "ping_timeout", 200 },
	{ "connect_timeout", 1000 },
	{ "max_message", 1000000 },
	{ "max_attachments", 10 },
	{ "queue_soft", 4 << 20 },
	{ "queue_hard", 8 << 20 },
	{ "packets_per_second", 0 },
};

/* True: *ret is the suites' value of the key. */
static bool is_suites(const struct conf *conf, const char *name, int64_t *ret)
{
	if (!pairs_is_conformance(conf) || conf_is_set(conf, "pairs", name)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(suites_values) / sizeof(suites_values[0]); i++) {
		if (strcmp(suites_values[i].name, name) == 0) {
			*ret = suites_values[i].value;
			return true;
		}
	}
	return false;
}

static int64_t micros(const struct conf *conf, const char *name)
{
	int64_t ms = 0;

	return 1000 * (is_suites(conf, name, &ms) ? ms : conf_ms(conf, "pairs", name));
}

static int64_t number(const struct conf *conf, const char *name)
{
	int64_t n = 0;

	return is_suites(conf, name, &n) ? n : conf_int(conf, "pairs", name);
}

static struct slice origins(const struct conf *conf)
{
	bool any = pairs_is_conformance(conf) && !conf_is_set(conf, "pairs", "cors_origins");

	return any ? SLICE("*") : slice_str(conf_str(conf, "pairs", "cors_origins"));
}

struct socketio_settings pairs_settings(const struct conf *conf, unsigned most_sessions)
{
	unsigned asked = (unsigned)number(conf, "max_sessions");

	return (struct socketio_settings){
		.engine = { .ping_interval_us = micros(conf, "ping_interval"),
		    .ping_timeout_us = micros(conf, "ping_timeout"),
		    .upgrade_timeout_us = micros(conf, "upgrade_timeout"),
		    .max_payload = (uint32_t)number(conf, "max_message"),
		    .queue_soft = (size_t)number(conf, "queue_soft"),
		    .queue_hard = (size_t)number(conf, "queue_hard"),
		    .max_sessions = asked == 0 || asked > most_sessions ? most_sessions : asked,
		    .packets_per_s = (unsigned)number(conf, "packets_per_second"),
		    .packets_burst = (unsigned)number(conf, "packets_burst"),
		    .opens_per_s = (unsigned)number(conf, "sessions_per_second"),
		    .origins = origins(conf) },
		.connect_timeout_us = micros(conf, "connect_timeout"),
		.max_attachments = (unsigned)number(conf, "max_attachments"),
	};
}

static enum err check_url(const struct conf *conf, const char *name, struct err_note *note)
{
	struct slice url = slice_str(conf_str(conf, "pairs", name));

	return url.len == 0 || slice_starts(url, SLICE("https://")) ||
		       slice_starts(url, SLICE("http://"))
		   ? ERR_OK
		   : err_note_set(
			 note, ERR_CONFIG, "[pairs] %s: must begin with https:// or http://", name);
}

/* A server that people reach must not give away what proves an address. */
static enum err check_doors(const struct conf *conf, struct err_note *note)
{
	struct public_url url;

	if (!conf_bool(conf, "pairs", "test_doors")) {
		return ERR_OK;
	}
	enum err e =
	    public_url_parse(slice_str(conf_str(conf, "plimsoll", "public_url")), &url, note);
	if (e == ERR_OK && !url.is_loopback) {
		return err_note_set(note, ERR_CONFIG,
		    "[pairs] test_doors: needs a public_url on this machine, such as "
		    "http://127.0.0.1:8000");
	}
	return e;
}

enum err pairs_conf_check(const struct conf *conf, struct err_note *note)
{
	if (conf_int(conf, "pairs", "queue_soft") > conf_int(conf, "pairs", "queue_hard")) {
		return err_note_set(note, ERR_CONFIG,
		    "[pairs] queue_soft: signals are dropped before sessions are closed, so it "
		    "must not be above queue_hard");
	}
	enum err e = check_url(conf, "webhook_url", note);
	if (e == ERR_OK) {
		e = check_url(conf, "media_url", note);
	}
	struct slice base = media_base(conf);
	struct slice host = slice_sub(base, slice_find(base, '/', 0) + 2, base.len);
	if (e == ERR_OK && slice_find(host, '/', 0) < host.len) {
		return err_note_set(note, ERR_CONFIG, "[pairs] media_url: a host without a path");
	}
	struct slice contact = slice_str(conf_str(conf, "pairs", "push_contact"));
	if (contact.len > 0 && !slice_starts(contact, SLICE("mailto:")) &&
	    !slice_starts(contact, SLICE("https://"))) {
		return err_note_set(
		    note, ERR_CONFIG, "[pairs] push_contact: must begin with mailto: or https://");
	}
	return e == ERR_OK ? check_doors(conf, note) : e;
}
