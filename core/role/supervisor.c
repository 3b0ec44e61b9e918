/*
 * The supervisor: takes the data directory, binds the addresses, lays out the metrics block, starts
 * the role processes and keeps them running until it is told to stop. It serves nobody itself and
 * holds no secret but the configuration.
 */
#include "core/role/supervisor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/obs/log.h"

enum {
	LOOP_TASKS = 1, /* none is used */
	REMIND_US = 10 * 1000000,
	ADDRESS_BYTES = 80,
};

/* Every client connection is a descriptor, and children inherit the limit. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/*
 * Signals that may come before the loop listens to them: a request for an upgrade is not heard yet,
 * which is better than dying of it. A reader of our output that has gone is no reason to end.
 */
static void ignore_early_signals(void)
{
	const struct sigaction ignored = { .sa_handler = SIG_IGN };

	sigaction(SIGUSR2, &ignored, NULL);
	sigaction(SIGPIPE, &ignored, NULL);
}

static void on_tick(void *arg)
{
	struct supervisor *s = arg;
	int64_t now_us = clock_mono_us();
	char label[24];

	child_restart_due(s, now_us);
	watchdog_look(s, now_us);
	upgrade_step(s, now_us);
	stop_step(s, now_us);
	if (!predecessor_waits(&s->predecessor) && s->upgrade.state != UPGRADE_DONE) {
		notify_alive(&s->notify, now_us);
	}
	if (!s->announced && !s->reminded && !s->stopping && now_us - s->begun_us > REMIND_US) {
		s->reminded = true;
		for (unsigned i = 0; i < s->n_children; i++) {
			if (s->children[i].state != CHILD_READY) {
				LOG(LOG_WARN, "supervisor", "still_not_ready",
				    LOG_C("process", child_label(&s->children[i], label)));
			}
		}
	}
	log_flush();
}

static void on_child(void *arg)
{
	struct supervisor *s = arg;

	child_reap(s);
	upgrade_reap(s);
	stop_step(s, clock_mono_us());
}

static void on_stop(void *arg)
{
	stop_request(arg, EXIT_OK);
}

static void on_upgrade(void *arg)
{
	upgrade_request(arg);
}

static void on_reload(void *arg)
{
	reload_conf(arg);
}

/* The address that a socket really has ("listen = 127.0.0.1:0" leaves the port to the kernel). */
static void bound_address(int fd, const char *scheme, char out[ADDRESS_BYTES])
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "";

	if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
		snprintf(out, ADDRESS_BYTES, "?");
	} else if (address.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&address;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, ADDRESS_BYTES, "%s://[%s]:%u/", scheme, host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_in *in = (const void *)&address;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, ADDRESS_BYTES, "%s://%s:%u/", scheme, host, ntohs(in->sin_port));
	}
}

static void announce(const struct supervisor *s)
{
	char address[ADDRESS_BYTES];

	printf("plimsoll %s is ready\n", s->app->version);
	for (unsigned i = 0; i < n_listeners; i++) {
		if (s->listen_fd[i] >= 0) {
			bound_address(s->listen_fd[i], listeners[i].scheme, address);
			printf("  %-8s %s\n", listeners[i].title, address);
		}
	}
	if (s->is_helper) {
		printf("  %-8s %s\n", "helper", conf_str(s->conf, "nats", "url"));
	} else {
		printf("  %-8s %s\n", "data", s->data_dir);
	}
	if (!s->sandbox) {
		printf("  %-8s %s\n", "sandbox", "off (--no-sandbox)");
	}
	if (s->greeting != NULL) {
		printf("%s", s->greeting);
	}
	fflush(stdout);
	notify_send(
	    &s->notify, "READY=1\nSTATUS=Process %d serves (%s)", (int)getpid(), s->app->version);
}

void supervisor_check_ready(struct supervisor *s)
{
	if (predecessor_waits(&s->predecessor)) {
		predecessor_step(s);
		return;
	}
	if (s->announced) {
		return;
	}
	for (unsigned i = 0; i < s->n_children; i++) {
		if (s->children[i].state != CHILD_READY) {
			return;
		}
	}
	s->announced = true;
	announce(s);
}

static enum err run(struct supervisor *s, struct err_note *note)
{
	enum err e = loop_open(LOOP_TASKS, &s->loop);
	const struct {
		int signum;
		loop_fn *fn;
	} signals[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload },
		{ SIGUSR2, on_upgrade }, { SIGCHLD, on_child } };

	for (size_t i = 0; e == ERR_OK && i < sizeof(signals) / sizeof(signals[0]); i++) {
		e = loop_on_signal(s->loop, signals[i].signum, signals[i].fn, s);
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot set up the event loop: %s", err_text(e));
	}
	loop_every(s->loop, SUPERVISOR_TICK_MS, on_tick, s);
	s->begun_us = clock_mono_us();
	predecessor_listen(s);
	child_restart_due(s, s->begun_us);
	loop_run(s->loop);
	return ERR_OK;
}

void supervisor_close_listeners(struct supervisor *s)
{
	for (unsigned i = 0; i < SERVICE_MAX + 1; i++) {
		if (s->listen_fd[i] >= 0) {
			close(s->listen_fd[i]);
			s->listen_fd[i] = -1;
		}
	}
}

static void tear_down(struct supervisor *s)
{
	control_poll_fini(&s->upgrade.link);
	predecessor_close(&s->predecessor);
	notify_close(&s->notify);
	given_close(&s->given);
	loop_close(&s->loop);
	log_on_warning(NULL, NULL);
	metrics_close(&s->metrics);
	metric_schema_free(&s->schema);
	if (s->block != NULL) {
		munmap(s->block, s->block_bytes);
	}
	supervisor_close_listeners(s);
	tls_files_close(&s->tls_files);
	tls_files_close(&s->tls_offered);
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		if (s->program_fd[i] >= 0) {
			close(s->program_fd[i]);
		}
	}
	if (s->block_fd >= 0) {
		close(s->block_fd);
	}
	if (s->lock_fd >= 0) {
		close(s->lock_fd);
	}
	conf_free(&s->reloaded);
	log_flush();
}

int supervisor_run_with(const struct supervisor_options *o)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct err_note note = { 0 };

	CHECK(s != NULL);
	s->app = o->app;
	s->conf = o->conf;
	s->conf_path = o->conf_path;
	s->sandbox = !o->no_sandbox;
	s->is_helper = o->is_helper;
	s->argv = o->argv;
	s->greeting = o->greeting;
	snprintf(s->program, sizeof(s->program), "%s", o->program == NULL ? "" : o->program);
	control_poll_init(&s->upgrade.link, -1);
	s->lock_fd = s->block_fd = -1;
	for (unsigned i = 0; i < SERVICE_MAX + 1; i++) {
		s->listen_fd[i] = -1;
	}
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		s->program_fd[i] = -1;
	}
	log_open(ROLE_SUPERVISOR, -1);
	umask(077); /* everything we and our children make is for our user only */
	raise_descriptor_limit();
	ignore_early_signals();
	notify_open(&s->notify);
	s->exit_code = EXIT_FAILED;
	enum err e = predecessor_open(&s->predecessor, &s->given, &note);
	if (e == ERR_OK) {
		e = supervisor_set_up(s, o, &note);
	}
	s->exit_code = e == ERR_CONFIG ? EXIT_CONFIG : s->exit_code;
	if (e == ERR_OK) {
		s->exit_code = EXIT_FAILED;
		e = run(s, &note);
	}
	if (e != ERR_OK) {
		const char *text = note.text[0] == '\0' ? err_text(e) : note.text;
		fprintf(stderr, "plimsoll: %s\n", text);
		predecessor_complain(&s->predecessor, s->exit_code, text);
	}
	int code = s->exit_code;
	tear_down(s);
	free(s);
	return code;
}

/*
 * The path by which the program was called, absolute: after a new version was put there, or a link
 * on the way to it points to another folder, that is what an upgrade is to execute. A name that was
 * looked up in PATH tells no path; then it is the file itself.
 */
static bool program_path(const char *called, const char *exe, char ret[PATH_MAX])
{
	size_t len = 0;

	ret[0] = '\0';
	if (called == NULL || strchr(called, '/') == NULL) {
		called = exe;
	}
	if (called[0] != '/') {
		if (getcwd(ret, PATH_MAX - 1) == NULL) {
			return false;
		}
		len = strlen(ret);
		ret[len++] = '/';
	}
	return slice_to_cstr(slice_str(called), ret + len, PATH_MAX - len) == ERR_OK;
}

int supervisor_run(const struct app *app, struct conf *conf, const struct serve_options *o)
{
	char exe[PATH_MAX], folder[PATH_MAX], program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0) {
		fprintf(stderr, "plimsoll: cannot read /proc/self/exe: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	exe[n] = '\0';
	memcpy(folder, exe, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	bool known = program_path(o->argv == NULL ? NULL : o->argv[0], exe, program);
	return supervisor_run_with(&(struct supervisor_options){ .app = app,
	    .conf = conf,
	    .conf_path = o->conf_path,
	    .only_service = o->only_service,
	    .program_folder = folder,
	    .no_sandbox = o->no_sandbox,
	    .is_helper = o->is_helper,
	    /* A helper has nobody to hand anything to: it is ended and begun. */
	    .program = !o->is_helper && known && o->argv != NULL ? program : NULL,
	    .greeting = o->greeting,
	    .argv = o->argv });
}
