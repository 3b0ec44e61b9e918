/*
 * A process whose loop hangs answers nobody and does not end by itself. Each stamps its slot every
 * round of its loop, at least every 50 ms; one that has not done so for [plimsoll] watchdog is
 * killed and started again like any other that died. Not while it starts: migrations and key
 * generation take their time.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/obs/log.h"
#include "core/role/supervisor.h"

enum {
	/* A supervisor that has not ticked for so long was itself stopped, and so were the others.
	 */
	PAUSE_US = 1000000,
	STAT_BYTES = 512,
};

/* The kernel's letter for what a process does: R runs, S sleeps, D waits for a disk, T stopped. */
static char state_of(pid_t pid)
{
	char path[32], text[STAT_BYTES] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL) {
		return '?';
	}
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* "PID (NAME) STATE ...", where NAME may hold anything. */
	const char *end = strrchr(text, ')');
	return end != NULL && end[1] == ' ' && end[2] != '\0' ? end[2] : '?';
}

static void kill_hung(struct child *c, const struct metric_slot *slot, int64_t silent_us)
{
	char label[24], state[2] = { state_of(c->pid), '\0' };

	LOG(LOG_ERROR, "supervisor", "process_hangs", LOG_C("process", child_label(c, label)),
	    LOG_I("pid", c->pid), LOG_I("silent_ms", silent_us / 1000), LOG_C("state", state),
	    LOG_I("cpu_ms", metric_get(&slot->cpu_us) / 1000),
	    LOG_I("tasks", metric_get(&slot->tasks)), LOG_I("queue", metric_get(&slot->queue_len)),
	    LOG_I("connections", metric_get(&slot->connections)));
	c->hangs = true;
	kill(c->pid, SIGKILL);
}

void watchdog_look(struct supervisor *s, int64_t now_us)
{
	int64_t limit_us = conf_ms(s->conf, "plimsoll", "watchdog") * 1000;

	if (now_us - s->looked_us > PAUSE_US) {
		s->awake_us = now_us;
	}
	s->looked_us = now_us;
	for (unsigned i = 0; i < s->n_children && limit_us > 0; i++) {
		struct child *c = &s->children[i];
		const struct metric_slot *slot = metrics_slot(s->metrics, c->slot);
		int64_t since_us = metric_get(&slot->alive_us);
		since_us = since_us > s->awake_us ? since_us : s->awake_us;
		if (c->state == CHILD_READY && c->pid > 0 && !c->hangs &&
		    now_us - since_us > limit_us) {
			kill_hung(c, slot, now_us - since_us);
		}
	}
}
