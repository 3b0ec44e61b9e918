/*
 * The orderly end: those who talk to clients finish what is admitted while everybody they need is
 * still there, then their helpers, the store last. Nothing is restarted meanwhile.
 */
#include <signal.h>

#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/supervisor.h"

enum {
	HELPER_DRAIN_MS = 5000, /* after web nobody waits for them any more */
	/* After an upgrade nobody waits for us at all: a mail server may be slow. */
	UNHURRIED_DRAIN_MS = 60000,
	/* A stop is down time and not made longer for idle clients: only who is at work notices. */
	STOP_IDLE_MS = 500,
	/* A stop waits so much longer than we drain for a server before us that still does. */
	PREDECESSOR_SLACK_MS = 10000,
	KILL_AFTER_MS = 1500, /* beyond the deadline that a process was told */
	/* timeout(1) and terminals signal a process and its group: that is one request. */
	SAME_REQUEST_US = 250000,
};

static const uint32_t phases[] = {
	ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_HELPER),
	ROLE_BIT(ROLE_COMPUTE) | ROLE_BIT(ROLE_COURIER) | ROLE_BIT(ROLE_FILES) |
	    ROLE_BIT(ROLE_MEDIA) | ROLE_BIT(ROLE_OFFLOAD),
	ROLE_BIT(ROLE_SIGNER),
	ROLE_BIT(ROLE_STORE),
};
enum {
	N_PHASES = sizeof(phases) / sizeof(phases[0])
};

static bool in_phase(const struct supervisor *s, const struct child *c)
{
	return c->pid > 0 && (phases[s->stop_phase] & ROLE_BIT(c->role)) != 0;
}

static unsigned alive(const struct supervisor *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_children; i++) {
		n += in_phase(s, &s->children[i]);
	}
	return n;
}

static int64_t idle_ms(const struct supervisor *s)
{
	int64_t ms = conf_ms(s->conf, "web", "drain_idle");
	bool others_serve = s->yields || s->upgrade.state == UPGRADE_DONE;

	return others_serve || ms < STOP_IDLE_MS ? ms : STOP_IDLE_MS;
}

static void begin_phase(struct supervisor *s, int64_t now_us)
{
	bool is_first = s->stop_phase == 0;
	int64_t helper_ms = s->upgrade.state == UPGRADE_DONE ? UNHURRIED_DRAIN_MS : HELPER_DRAIN_MS;
	int64_t ms = is_first ? conf_ms(s->conf, "web", "drain") : helper_ms;
	struct buf body = buf_new(32);

	control_put_drain(&body,
	    &(struct control_drain){
		.ms = ms, .idle_ms = is_first ? idle_ms(s) : 0, .accepts = is_first && s->yields });
	s->stop_deadline_us = now_us + (ms + KILL_AFTER_MS) * 1000;
	for (unsigned i = 0; i < s->n_children; i++) {
		if (in_phase(s, &s->children[i])) {
			child_send(&s->children[i], CONTROL_DRAIN, buf_slice(&body));
		}
	}
	buf_free(&body);
}

static void kill_late(struct supervisor *s)
{
	char label[24];

	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->children[i];
		if (in_phase(s, c)) {
			LOG(LOG_WARN, "supervisor", "drain_overdue",
			    LOG_C("process", child_label(c, label)));
			kill(c->pid, SIGKILL);
		}
	}
	s->stop_deadline_us = INT64_MAX;
}

/* None of ours is left. A service manager that sees us end would kill a server before us. */
static void last_step(struct supervisor *s, int64_t now_us)
{
	int64_t wait_us = (conf_ms(s->conf, "web", "drain") + PREDECESSOR_SLACK_MS) * 1000;

	if (s->yields) {
		upgrade_yielded(s);
	} else if (s->predecessor.state != PREDECESSOR_DRAINS || s->killing ||
		   now_us - s->stop_begun_us > wait_us) {
		loop_stop(s->loop);
	}
}

void stop_step(struct supervisor *s, int64_t now_us)
{
	if (!s->stopping && s->leave_us != 0 && now_us >= s->leave_us) {
		stop_request(s, s->exit_code);
	}
	if (!s->stopping) {
		return;
	}
	if (now_us > s->stop_deadline_us) {
		kill_late(s);
	}
	while (alive(s) == 0) {
		if (s->stop_phase == N_PHASES - 1) {
			last_step(s, now_us);
			return;
		}
		s->stop_phase++;
		begin_phase(s, now_us);
	}
}

/*
 * Balancers that look at /ready are told first, and while they look we serve as before. An upgrade
 * needs none of it, and a second request means now.
 */
static bool gives_notice(struct supervisor *s, int exit_code, int64_t now_us)
{
	int64_t notice_ms = conf_ms(s->conf, "health", "notice");

	if (s->stopping || !s->announced || s->upgrade.state == UPGRADE_DONE) {
		return false;
	}
	if (s->leave_us != 0 && now_us < s->leave_us) {
		return now_us - s->stop_begun_us < SAME_REQUEST_US;
	}
	if (notice_ms == 0 || s->leave_us != 0) {
		return false;
	}
	LOG(LOG_INFO, "supervisor", "leaving", LOG_I("notice_ms", notice_ms));
	metrics_set_leaving(s->metrics);
	s->stop_begun_us = now_us;
	s->leave_us = now_us + notice_ms * 1000;
	s->exit_code = exit_code;
	return true;
}

static void begin_stop(struct supervisor *s, int exit_code)
{
	s->stopping = true;
	s->stop_phase = 0;
	s->stop_begun_us = clock_mono_us();
	s->exit_code = exit_code;
}

void stop_request(struct supervisor *s, int exit_code)
{
	int64_t now_us = clock_mono_us();

	upgrade_abandon(s, "the server was told to stop");
	if (gives_notice(s, exit_code, now_us)) {
		return;
	}
	if (s->yields) {
		s->yields = false; /* go on with what was begun, but end behind it */
		s->stop_begun_us = now_us;
		supervisor_close_listeners(s);
	}
	if (s->upgrade.state == UPGRADE_DONE && !s->hurried) {
		/* Meant for the one who serves now; we are about to end as it is. */
		s->hurried = true;
		s->stop_begun_us = now_us;
	}
	if (s->stopping && now_us - s->stop_begun_us < SAME_REQUEST_US) {
		return;
	}
	if (s->stopping) {
		LOG(LOG_WARN, "supervisor", "stopping", LOG_C("how", "at once"));
		stop_at_once(s, s->exit_code);
		return;
	}
	LOG(LOG_INFO, "supervisor", "stopping", LOG_C("how", "in order"));
	/* The server's end is not ours to tell while another one still serves. */
	if (!predecessor_waits(&s->predecessor)) {
		notify_send(&s->notify, "STOPPING=1\nSTATUS=Finishing what has been admitted");
	}
	begin_stop(s, exit_code);
	/* Web closes its copies: from then on the kernel refuses new connections at once. */
	supervisor_close_listeners(s);
	begin_phase(s, now_us);
}

void stop_to_yield(struct supervisor *s)
{
	s->yields = true;
	begin_stop(s, EXIT_OK);
	begin_phase(s, s->stop_begun_us);
}

void stop_after_upgrade(struct supervisor *s)
{
	supervisor_close_listeners(s);
	if (s->yields) {
		s->yields = false; /* all have ended: the next step ends us */
		return;
	}
	begin_stop(s, EXIT_OK);
	begin_phase(s, s->stop_begun_us);
}

void stop_at_once(struct supervisor *s, int exit_code)
{
	s->exit_code = s->stopping ? s->exit_code : exit_code;
	s->stopping = s->killing = true;
	s->stop_deadline_us = INT64_MAX;
	for (unsigned i = 0; i < s->n_children; i++) {
		if (s->children[i].pid > 0) {
			kill(s->children[i].pid, SIGKILL);
		}
	}
}
