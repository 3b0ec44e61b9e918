/*
 * The orderly end: those who talk to clients finish what is admitted while everybody they need is
 * still there, then their helpers, the store last. Nothing is restarted meanwhile.
 */
#include <signal.h>

#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/obs/log.h"
#include "core/role/supervisor.h"

enum {
	HELPER_DRAIN_MS = 5000, /* after web nobody waits for them any more */
	KILL_AFTER_MS = 1500,	/* beyond the deadline that a process was told */
	/* timeout(1) and terminals signal a process and its group: that is one request. */
	SAME_REQUEST_US = 250000,
};

static const uint32_t phases[] = {
	ROLE_BIT(ROLE_WEB) | ROLE_BIT(ROLE_ADMIN),
	ROLE_BIT(ROLE_COMPUTE) | ROLE_BIT(ROLE_COURIER),
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

static void begin_phase(struct supervisor *s, int64_t now_us)
{
	int64_t ms = s->stop_phase == 0 ? conf_ms(s->conf, "web", "drain") : HELPER_DRAIN_MS;
	struct buf body = buf_new(16);

	wire_put_i64(&body, ms);
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

void stop_step(struct supervisor *s, int64_t now_us)
{
	if (!s->stopping) {
		return;
	}
	if (now_us > s->stop_deadline_us) {
		kill_late(s);
	}
	while (alive(s) == 0) {
		if (s->stop_phase == N_PHASES - 1) {
			loop_stop(s->loop);
			return;
		}
		s->stop_phase++;
		begin_phase(s, now_us);
	}
}

void stop_request(struct supervisor *s, int exit_code)
{
	int64_t now_us = clock_mono_us();

	if (s->stopping && now_us - s->stop_begun_us < SAME_REQUEST_US) {
		return;
	}
	if (s->stopping) {
		LOG(LOG_WARN, "supervisor", "stopping", LOG_C("how", "at once"));
		stop_at_once(s, s->exit_code);
		return;
	}
	LOG(LOG_INFO, "supervisor", "stopping", LOG_C("how", "in order"));
	s->stopping = true;
	s->stop_begun_us = now_us;
	s->exit_code = exit_code;
	/* Web closes its copies: from then on the kernel refuses new connections at once. */
	supervisor_close_listeners(s);
	begin_phase(s, now_us);
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
