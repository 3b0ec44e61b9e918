/*
 * Main of a role process: learns from the supervisor who it is, builds its environment, starts the
 * role and the services, closes the sandbox, and hands over to role_run.c. What can fail here is
 * told to the supervisor in one line for people.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/role/app.h"
#include "core/role/listeners.h"
#include "core/role/role_proc.h"
#include "core/role/sandbox.h"
#include "core/role/spawn.h"

enum {
	START_WAIT_MS = 30000
};

/* A step of the start; the next gets what it left in p. */
typedef enum err step_fn(
    struct role_proc *p, const struct control_start *start, struct err_note *note);

static enum err import_conf(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	struct svc_env *env = &p->r.env;
	enum err e = app_conf_new(p->r.app, &p->r.conf);

	if (e == ERR_OK) {
		e = conf_import(p->r.conf, start->conf);
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "the configuration did not arrive: %s", err_text(e));
	}
	p->data_dir = strndup(start->data_dir.ptr, start->data_dir.len);
	if (p->data_dir == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	env->conf = p->r.conf;
	env->data_dir = p->data_dir;
	return log_set_levels(slice_str(conf_str(p->r.conf, "log", "level")), note);
}

static void keep_warning(void *arg, struct slice line)
{
	metrics_warn(arg, clock_wall_ms(), line);
}

static enum err open_metrics(
    struct role_proc *p, const struct control_start *start, int fd, struct err_note *note)
{
	enum err e = app_metric_schema(p->r.app, &p->schema);
	struct stat st = { 0 };

	if (e != ERR_OK) {
		return err_note_set(note, e, "metric schema: %s", err_text(e));
	}
	size_t bytes = metrics_block_bytes(p->schema, start->n_slots);
	e = fstat(fd, &st) == 0 && st.st_size == (off_t)bytes ? ERR_OK : ERR_CORRUPT;
	void *block =
	    e != ERR_OK ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (e == ERR_OK && block == MAP_FAILED) {
		return err_note_set(note, ERR_SYSTEM, "cannot map the metrics block");
	}
	if (e == ERR_OK) {
		e = metrics_open(
		    p->schema, block, bytes, start->n_slots, (int)start->slot, &p->r.env.metrics);
	}
	if (e != ERR_OK) {
		return err_note_set(note, e, "the supervisor is of another version");
	}
	p->slot = metrics_own_slot(p->r.env.metrics);
	/* What the one before has left would be taken for ours. */
	metric_set(&p->slot->cpu_us, 0);
	metric_set(&p->slot->busy_us, 0);
	metric_set(&p->slot->queue_len, 0);
	metric_set(&p->slot->queue_wait_us, 0);
	p->slot->pid = getpid();
	p->slot->started_us = p->slot->alive_us = clock_mono_us();
	p->slot->state = SLOT_STARTING;
	rpc_cells_find(&p->rpc_cells, p->r.env.metrics);
	log_on_warning(keep_warning, p->r.env.metrics);
	return ERR_OK;
}

/* Descriptors that came with the start message: metrics block, then listening sockets. */
static enum err take_descriptors(struct role_proc *p, const struct control_start *start,
    const struct control_message *m, struct err_note *note)
{
	unsigned next = 1;

	CHECK(m->n_fds >= 1);
	p->r.n_listen = n_listeners;
	for (unsigned i = 0; i < SERVICE_MAX + 1; i++) {
		bool given = i < n_listeners && (start->listeners & (1u << i)) != 0;
		CHECK(!given || next < m->n_fds);
		p->r.listen_fd[i] = given ? m->fds[next++] : -1;
	}
	enum err e = open_metrics(p, start, m->fds[0], note);
	close(m->fds[0]);
	return e;
}

static enum err build_env(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	struct svc_env *env = &p->r.env;
	const struct rpc_def **defs = NULL;

	for (size_t i = 0; i < p->r.app->n_services; i++) {
		if ((start->services & (1u << i)) != 0) {
			p->on[env->n_services++] = p->r.app->services[i];
		}
	}
	env->services = p->on;
	enum err e = loop_open(ROLE_MAX_TASKS, &env->loop);
	if (e == ERR_OK) {
		e = app_registry(p->r.app, &defs, &p->r.registry.n);
		p->r.registry.defs = (const struct rpc_def *const *)defs;
	}
	uint32_t calls = role_table[env->role].calls & p->roles;
	for (enum role_id to = ROLE_WEB; e == ERR_OK && to < ROLE_COUNT; to++) {
		if ((calls & ROLE_BIT(to)) != 0) {
			e = rpc_pool_new(env->loop, &p->r.registry, role_as(env->role), to,
			    role_table[to].max_credits, &env->peer[to]);
		}
	}
	return e == ERR_OK ? e : err_note_set(note, e, "cannot set up: %s", err_text(e));
}

static bool is_called(enum role_id role)
{
	for (enum role_id by = ROLE_WEB; by < ROLE_COUNT; by++) {
		if ((role_table[by].calls & ROLE_BIT(role_as(role))) != 0) {
			return true;
		}
	}
	return false;
}

static enum err start_role(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	struct svc_env *env = &p->r.env;
	enum err e = p->ops->start == NULL ? ERR_OK : p->ops->start(&p->r, note);

	(void)start;
	if (e != ERR_OK || !is_called(env->role) || p->r.server != NULL) {
		return e;
	}
	const struct rpc_executor on_loop = { .role_state = env };
	e = rpc_server_new(env->loop, &p->r.registry, role_as(env->role), &on_loop, &p->r.server);
	return e == ERR_OK ? e : err_note_set(note, e, "RPC server: %s", err_text(e));
}

static enum err start_services(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	struct svc_env *env = &p->r.env;

	(void)start;
	for (size_t i = 0; i < env->n_services; i++) {
		const struct service *s = env->services[i];
		enum err e = s->start == NULL ? ERR_OK : s->start(env, &env->state[i], note);
		if (e != ERR_OK) {
			return err_note_set(note, e, "%s: %s", s->name, err_text(e));
		}
	}
	return ERR_OK;
}

/* Beside this program, or where the build has helpers; opened as the supervisor opens programs. */
static enum err open_helper(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	const char *helper = role_table[p->r.env.role].helper;
	char folder[PATH_MAX];

	(void)start;
	p->r.env.helper_fd = -1;
	if (helper == NULL) {
		return ERR_OK;
	}
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	if (n < 0) {
		return err_note_set(
		    note, err_from_errno(errno), "cannot read /proc/self/exe: %s", strerror(errno));
	}
	folder[n] = '\0';
	*strrchr(folder, '/') = '\0';
	return spawn_open(folder, helper, &p->r.env.helper_fd, note);
}

static enum err close_sandbox(
    struct role_proc *p, const struct control_start *start, struct err_note *note)
{
	int bits = 0;

	(void)start;
	if (!p->sandbox) {
		return ERR_OK;
	}
	const char *folder =
	    p->r.env.role == ROLE_WEB ? conf_str(p->r.conf, "tls", "acme_folder") : "";
	const struct sandbox_extra extra = { .database = p->r.database,
		.read_folder = folder[0] == '\0' ? NULL : folder,
		.helper_fd = p->r.env.helper_fd >= 0 ? &p->r.env.helper_fd : NULL };
	enum err e = sandbox_enter(
	    role_sandbox(p->r.env.role, p->r.database), &extra, p->r.env.data_dir, &bits, note);
	p->slot->sandbox = bits;
	return e;
}

static const struct {
	step_fn *run;
	int exit_code; /* EXIT_FAILED: as the error says */
} steps[] = {
	{ import_conf, EXIT_FAILED },
	{ build_env, EXIT_FAILED },
	{ open_helper, EXIT_FAILED },
	{ start_role, EXIT_FAILED },
	{ start_services, EXIT_FAILED },
	{ close_sandbox, EXIT_SANDBOX },
};

static void build(
    struct role_proc *p, const struct control_start *start, const struct control_message *m)
{
	struct err_note note = { 0 };
	enum err e = take_descriptors(p, start, m, &note);
	int code = EXIT_FAILED;

	for (size_t i = 0; e == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = steps[i].run(p, start, &note);
		code = steps[i].exit_code;
	}
	if (e != ERR_OK) {
		role_fail(p, code, &note, e);
	}
}

void boot_stop(struct role_proc *p)
{
	struct svc_env *env = &p->r.env;

	/* The role first: it ends what still runs handlers, before their state goes. */
	if (p->ops->stop != NULL) {
		p->ops->stop(&p->r);
	}
	for (size_t i = env->n_services; i-- > 0;) {
		if (env->services[i]->stop != NULL) {
			env->services[i]->stop(env, env->state[i]);
		}
	}
}

static bool receive_start(struct role_proc *p, struct control_message *m, struct control_start *ret)
{
	control_init(&p->control, CONTROL_FD);
	return control_wait(&p->control, START_WAIT_MS) == ERR_OK &&
	       control_receive(&p->control, m) == ERR_OK && m->kind == CONTROL_START &&
	       control_take_start(m->body, ret);
}

static void name_process(enum role_id role)
{
	char name[16]; /* what the kernel keeps */

	snprintf(name, sizeof(name), "plimsoll:%s", role_name(role));
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

int role_main(
    const struct app *app, const struct role_ops *const ops[ROLE_COUNT], int argc, char **argv)
{
	struct control_message m = { 0 };
	struct control_start start = { 0 };
	struct role_proc *p = calloc(1, sizeof(*p));
	struct stat st;

	if (argc < 4 || p == NULL || fstat(CONTROL_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "%s --role is for the supervisor; see `plimsoll help`\n", argv[0]);
		free(p);
		return EXIT_USAGE;
	}
	role_signals();
	if (!receive_start(p, &m, &start)) {
		free(p);
		return EXIT_FAILED; /* the supervisor is gone */
	}
	bool many = role_table[start.role].instances_key != NULL;
	log_open(start.role, many ? (int)start.instance : -1);
	name_process(start.role);
	CHECK(ops[start.role] != NULL);
	p->ops = ops[start.role];
	p->sandbox = start.sandbox;
	p->hold = start.hold;
	p->roles = start.roles;
	p->r.app = app;
	p->r.control_fd = CONTROL_FD;
	p->r.env.role = start.role;
	p->r.env.instance = (int)start.instance;
	p->r.env.version = app->version;
	build(p, &start, &m);
	if (p->exit_code == EXIT_OK) {
		role_run(p);
		boot_stop(p);
	}
	log_flush();
	/* The kernel takes the rest: tasks that still wait own memory that nobody else knows. */
	return p->exit_code;
}
