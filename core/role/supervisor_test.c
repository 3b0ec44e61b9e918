/*
 * The supervisor with real processes: this program plays all roles itself (fake_roles.c), in their
 * sandboxes, and asks them over TCP who they are.
 */
#include "core/role/supervisor_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/role/fake_roles.h"

struct who {
	int web, store, signer, compute;
	char greeting[32];
};

static int set_up(void **state)
{
	struct rig *g = rig_new(&fake_app);

	rig_write(g->conf_path, "[fake]\ngreeting = hello\n");
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

static bool ask_who(const struct rig *g, struct who *w)
{
	char line[256];

	*w = (struct who){ 0 };
	return rig_hear(rig_ask(g->port, "who\n"), line, sizeof(line)) &&
	       sscanf(line, "web=%d store=%d signer=%d compute=%d greeting=%31s", &w->web,
		   &w->store, &w->signer, &w->compute, w->greeting) == 5;
}

/* Asks until everybody answers again and is_it says yes. */
static void await_who(
    const struct rig *g, struct who *w, bool (*is_it)(const struct who *w, int n), int n)
{
	for (int i = 0; i < RIG_PATIENCE_MS / 20; i++) {
		if (ask_who(g, w) && is_it(w, n)) {
			return;
		}
		usleep(20000);
	}
	char text[RIG_TEXT_BYTES];
	rig_read(g->error_path, text);
	fail_msg("the roles do not come back: %s", text);
}

/* ---- tests ---- */

static void roles_start_and_call_each_other(void **state)
{
	struct rig *g = *state;
	struct who w;
	char path[160];
	struct stat st;

	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &w));
	assert_true(w.web != w.store && w.store != w.signer && w.signer != w.compute);
	assert_string_equal(w.greeting, "hello");
	assert_int_equal(stat(g->data_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/keys", g->data_dir);
	assert_int_equal(stat(path, &st), 0);
	kill(g->pid, SIGTERM);
	assert_int_equal(rig_await_exit(g), EXIT_OK);
}

static bool store_is_not(const struct who *w, int pid)
{
	return w->store != pid;
}

static bool signer_is_not(const struct who *w, int pid)
{
	return w->signer != pid;
}

static bool compute_is_not(const struct who *w, int pid)
{
	return w->compute != pid;
}

static bool web_is_not(const struct who *w, int pid)
{
	return w->web != pid;
}

static void killed_roles_come_back_connected(void **state)
{
	struct rig *g = *state;
	struct who before, w;
	char text[RIG_TEXT_BYTES];

	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &before));
	kill(before.store, SIGKILL);
	await_who(g, &w, store_is_not, before.store);
	assert_int_equal(w.web, before.web);
	kill(before.signer, SIGKILL);
	await_who(g, &w, signer_is_not, before.signer);
	kill(before.compute, SIGKILL);
	await_who(g, &w, compute_is_not, before.compute);
	kill(before.web, SIGKILL);
	await_who(g, &w, web_is_not, before.web);
	/* Twice: the second replacement replaces a replacement. */
	int second = w.store;
	kill(second, SIGKILL);
	await_who(g, &w, store_is_not, second);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "process=store reason=\"killed by signal 9 (Killed)\""));
	assert_non_null(strstr(text, "restart_in_ms=200"));
	kill(g->pid, SIGTERM);
	assert_int_equal(rig_await_exit(g), EXIT_OK);
}

static void sigterm_finishes_what_is_admitted(void **state)
{
	struct rig *g = *state;
	char line[256];

	rig_launch(g, NULL);
	rig_await_ready(g);
	int fd = rig_ask(g->port, "slow\n");
	usleep(100000);
	kill(g->pid, SIGTERM);
	usleep(50000);
	kill(g->pid, SIGTERM); /* so soon it is no second request */
	assert_true(rig_hear(fd, line, sizeof(line)));
	/* The store was still there for it. */
	assert_string_equal(line, "done");
	assert_int_equal(rig_await_exit(g), EXIT_OK);
	assert_int_equal(rig_ask(g->port, "who\n"), -1);
}

static void second_signal_ends_at_once(void **state)
{
	struct rig *g = *state;
	char line[256];

	rig_launch(g, NULL);
	rig_await_ready(g);
	int fd = rig_ask(g->port, "slow\n");
	usleep(50000);
	kill(g->pid, SIGINT);
	usleep(300000);
	kill(g->pid, SIGINT);
	assert_int_equal(rig_await_exit(g), EXIT_OK);
	assert_false(rig_hear(fd, line, sizeof(line)));
}

static void roles_ignore_sigterm_of_strangers(void **state)
{
	struct rig *g = *state;
	struct who w, after;

	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &w));
	kill(w.store, SIGTERM);
	kill(w.web, SIGHUP);
	usleep(50000);
	assert_true(ask_who(g, &after));
	assert_int_equal(after.store, w.store);
	assert_int_equal(after.web, w.web);
}

static bool greeting_is_new(const struct who *w, int n)
{
	(void)n;
	return strcmp(w->greeting, "moin") == 0;
}

static void sighup_brings_the_new_configuration_to_the_roles(void **state)
{
	struct rig *g = *state;
	struct who before, w;
	char text[RIG_TEXT_BYTES];

	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &before));
	rig_write(g->conf_path, "[fake]\ngreeting = moin\n");
	kill(g->pid, SIGHUP);
	await_who(g, &w, greeting_is_new, 0);
	assert_int_equal(w.web, before.web);

	/* A wrong file leaves all as it was, and says where it is wrong. */
	rig_write(g->conf_path, "[fake]\ngreeting = oops\ngreting = x\n");
	kill(g->pid, SIGHUP);
	usleep(200000);
	assert_true(ask_who(g, &w));
	assert_string_equal(w.greeting, "moin");
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "conf:3: [fake] greting: unknown key"));
	assert_non_null(strstr(text, "reload_refused"));

	/* A key that needs a restart is named; one from the command line stays. */
	rig_write(g->conf_path, "[fake]\ngreeting = moin\ntrouble = crash\n[web]\ninstances = 3\n");
	kill(g->pid, SIGHUP);
	usleep(200000);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "[fake] trouble takes effect only after a restart"));
	assert_null(strstr(text, "[web] instances takes effect"));
}

static void a_role_that_cannot_start_ends_the_start(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES];

	rig_write(g->conf_path, "[fake]\ntrouble = signer\n");
	rig_launch(g, NULL);
	assert_int_equal(rig_await_exit(g), EXIT_CONFIG);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "plimsoll: signer: the key file has a hole\n"));
}

static void a_role_that_crashes_is_started_with_back_off(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES];

	rig_write(g->conf_path, "[fake]\ntrouble = crash\n");
	rig_launch(g, NULL);
	for (int i = 0; i < RIG_PATIENCE_MS / 50; i++) {
		usleep(50000);
		rig_read(g->error_path, text);
		if (strstr(text, "restart_in_ms=400") != NULL) {
			break;
		}
	}
	assert_non_null(strstr(text, "restart_in_ms=100"));
	assert_non_null(strstr(text, "restart_in_ms=200"));
	assert_non_null(strstr(text, "restart_in_ms=400"));
	kill(g->pid, SIGTERM);
	assert_int_equal(rig_await_exit(g), EXIT_OK);
}

static void roles_end_when_the_supervisor_is_killed(void **state)
{
	struct rig *g = *state;
	struct who w;

	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &w));
	kill(g->pid, SIGKILL);
	waitpid(g->pid, NULL, 0);
	g->pid = 0;
	/* They are ours now (see main) and end by themselves. */
	const int pids[] = { w.web, w.store, w.signer, w.compute };
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
		int status = -1;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_int_equal(rig_ask(g->port, "who\n"), -1);
}

static void a_used_data_directory_gives_exit_4(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES], expected[200];
	pid_t first;

	rig_launch(g, NULL);
	rig_await_ready(g);
	first = g->pid;
	close(g->out);
	rig_launch(g, NULL);
	assert_int_equal(rig_await_exit(g), EXIT_IN_USE);
	g->pid = first;
	rig_read(g->error_path, text);
	snprintf(expected, sizeof(expected),
	    "plimsoll: the data directory %s is in use by another plimsoll (process %d)\n",
	    g->data_dir, (int)first);
	assert_non_null(strstr(text, expected));
}

static void a_used_port_gives_exit_4(void **state)
{
	struct rig *g = *state;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[RIG_TEXT_BYTES], expected[100];

	assert_int_equal(bind(fd, (const void *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (void *)&address, &len), 0);
	snprintf(text, sizeof(text), "[web]\nlisten = 127.0.0.1:%u\n", ntohs(address.sin_port));
	rig_write(g->conf_path, text);
	rig_launch(g, NULL);
	assert_int_equal(rig_await_exit(g), EXIT_IN_USE);
	rig_read(g->error_path, text);
	snprintf(
	    expected, sizeof(expected), "[web] listen = 127.0.0.1:%u", ntohs(address.sin_port));
	assert_non_null(strstr(text, expected));
	close(fd);
}

static void an_unknown_service_gives_exit_3(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES];

	rig_launch(g, "fakir");
	assert_int_equal(rig_await_exit(g), EXIT_CONFIG);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "there is no service \"fakir\""));
}

/* What a kernel without Landlock answers. */
static void hide_landlock(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int nr = seccomp_syscall_resolve_name("landlock_create_ruleset");

	if (ctx == NULL || seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0) != 0 ||
	    seccomp_load(ctx) != 0) {
		_exit(99);
	}
	seccomp_release(ctx);
}

static void without_landlock_it_starts_only_when_told_to(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES];
	struct who w;

	g->before = hide_landlock;
	rig_launch(g, NULL);
	assert_int_equal(rig_await_exit(g), EXIT_SANDBOX);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, "this kernel has no Landlock"));
	assert_non_null(strstr(text, "--no-sandbox"));
	close(g->out);
	g->no_sandbox = true;
	rig_launch(g, NULL);
	rig_await_ready(g);
	assert_true(ask_who(g, &w));
}

static void a_missing_program_is_named(void **state)
{
	struct rig *g = *state;
	char text[RIG_TEXT_BYTES], path[128];

	snprintf(path, sizeof(path), "%s/plimsoll", g->folder);
	assert_int_equal(unlink(path), 0);
	rig_launch(g, NULL);
	assert_int_equal(rig_await_exit(g), EXIT_FAILED);
	rig_read(g->error_path, text);
	assert_non_null(strstr(text, path));
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(roles_start_and_call_each_other),
		TEST(killed_roles_come_back_connected),
		TEST(sigterm_finishes_what_is_admitted),
		TEST(second_signal_ends_at_once),
		TEST(roles_ignore_sigterm_of_strangers),
		TEST(sighup_brings_the_new_configuration_to_the_roles),
		TEST(a_role_that_cannot_start_ends_the_start),
		TEST(a_role_that_crashes_is_started_with_back_off),
		TEST(roles_end_when_the_supervisor_is_killed),
		TEST(a_used_data_directory_gives_exit_4),
		TEST(a_used_port_gives_exit_4),
		TEST(an_unknown_service_gives_exit_3),
		TEST(without_landlock_it_starts_only_when_told_to),
		TEST(a_missing_program_is_named),
	};

	if (argc > 1 && strcmp(argv[1], "--role") == 0) {
		return role_main(&fake_app, fake_ops, argc, argv);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
