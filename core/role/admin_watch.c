/*
 * The admin role's clockwork: once a second.
 */
#include "core/role/admin_watch.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/http/server.h"
#include "core/obs/log.h"
#include "core/role/app.h"

enum {
	SECOND_MS = 1000,
	LOOK_S = 5, /* between looks of the services */
	LOOK_LIMIT_US = 4000000,
	OPS_MAX = 1024
};

/* All operations of the services, and which cost classes they have. */
struct op_list {
	struct headline_op ops[OPS_MAX];
	unsigned n;
	const char *classes[COST_CLASSES]; /* NULL: no operation has it */
};

static void list_ops(struct op_list *list, const struct service *s)
{
	for (unsigned i = 0; i < s->n_ops; i++) {
		const struct op *op = &s->ops[i];
		CHECK(list->n < OPS_MAX);
		list->ops[list->n++] =
		    (struct headline_op){ op->name, op->cost, (int64_t)op->deadline_ms * 1000 };
		list->classes[op->cost] = http_class_names[op->cost];
	}
}

static enum err open_headline(struct admin_watch *w, const struct svc_env *env)
{
	const struct activity *activities[HEADLINE_ACTIVITIES];
	struct op_list *list = calloc(1, sizeof(*list));
	unsigned n = 0;

	if (list == NULL) {
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < env->n_services; i++) {
		const struct service *s = env->services[i];
		list_ops(list, s);
		for (unsigned k = 0; k < s->n_activities; k++) {
			CHECK(n < HEADLINE_ACTIVITIES);
			activities[n++] = &s->activities[k];
		}
	}
	const struct headline_source source = { .metrics = env->metrics,
		.ops = list->ops,
		.n_ops = list->n,
		.classes = list->classes,
		.n_classes = COST_CLASSES,
		.activities = activities,
		.n_activities = n,
		.cores = app_cores() };
	enum err e = headline_new(&source, &w->headline);
	free(list);
	return e;
}

/* ---- statsd ---- */

static enum err open_statsd(struct admin_watch *w, const struct svc_env *env)
{
	const char *address = conf_str(env->conf, "statsd", "address");
	struct err_note note = { 0 };

	if (address[0] == '\0') {
		return ERR_OK;
	}
	if (statsd_socket(address, &w->statsd_fd, &note) != ERR_OK) {
		LOG(LOG_WARN, "admin", "statsd_left_out", LOG_C("err", note.text));
		return ERR_OK;
	}
	w->statsd_every_s = (unsigned)(conf_ms(env->conf, "statsd", "interval") / SECOND_MS);
	return statsd_text_new(conf_str(env->conf, "statsd", "prefix"), w->headline, &w->statsd);
}

/* Nobody waits for it: what does not fit into the socket's buffer, or finds nobody, is lost. */
static void send_datagram(void *arg, struct slice datagram)
{
	const struct admin_watch *w = arg;
	ssize_t n = send(w->statsd_fd, datagram.ptr, datagram.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	(void)n;
}

/* ---- gauges of the services ---- */

static void look(void *arg)
{
	struct admin_watch *w = arg;
	struct svc_env *env = &w->role->env;

	for (size_t i = 0; i < env->n_services; i++) {
		if (env->services[i]->watch != NULL) {
			env->services[i]->watch(env, env->state[i]);
		}
	}
	w->looking = false;
}

static void start_look(struct admin_watch *w)
{
	struct loop *l = w->role->env.loop;

	if (!w->looking && !w->role->draining &&
	    task_spawn(l, look, w, loop_now_us(l) + LOOK_LIMIT_US, NULL) == ERR_OK) {
		w->looking = true;
	}
}

static void on_second(void *arg)
{
	struct admin_watch *w = arg;

	headline_sample(w->headline, clock_mono_us(), clock_wall_ms());
	if (w->seconds % LOOK_S == 0) {
		start_look(w);
	}
	w->seconds++;
	if (w->statsd != NULL && w->seconds % w->statsd_every_s == 0) {
		statsd_text_write(w->statsd, w->headline, send_datagram, w);
	}
}

/* ---- life ---- */

enum err admin_watch_open(struct admin_watch *w, struct role_ctx *r, struct err_note *note)
{
	*w = (struct admin_watch){ .role = r, .statsd_fd = -1 };
	enum err e = open_headline(w, &r->env);

	if (e == ERR_OK) {
		e = open_statsd(w, &r->env);
	}
	return e == ERR_OK ? e : err_note_set(note, e, "headline figures: %s", err_text(e));
}

void admin_watch_start(struct admin_watch *w)
{
	on_second(w);
	loop_every(w->role->env.loop, SECOND_MS, on_second, w);
}

void admin_watch_close(struct admin_watch *w)
{
	statsd_text_free(&w->statsd);
	if (w->statsd_fd >= 0) {
		close(w->statsd_fd);
	}
	headline_free(&w->headline);
}
