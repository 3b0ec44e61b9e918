/*
 * The admin role's clockwork: once a second.
 */
#include "core/role/admin_watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/http/server.h"
#include "core/obs/log.h"
#include "core/role/app.h"
#include "core/store/store_conf.h"

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

static double percent(const struct conf *conf, const char *name)
{
	return (double)conf_int(conf, "capacity", name) / 100;
}

static enum err open_capacity(struct admin_watch *w, const struct svc_env *env)
{
	const struct capacity_options o = { .cores = app_cores(),
		.window_s = (unsigned)(conf_ms(env->conf, "capacity", "window") / SECOND_MS),
		.warn_at = percent(env->conf, "warn_at"),
		.growth = percent(env->conf, "growth") };

	return capacity_new(&o, &w->capacity);
}

void admin_watch_reload(struct admin_watch *w)
{
	const struct conf *conf = w->role->env.conf;

	capacity_reload(w->capacity, percent(conf, "warn_at"), percent(conf, "growth"));
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

/* ---- the line ---- */

static double single(const struct admin_watch *w, enum headline_id id)
{
	for (unsigned i = 0; i < headline_n(w->headline); i++) {
		if (headline_row(w->headline, i).def == &headline_defs[id]) {
			return headline_value(w->headline, i);
		}
	}
	return 0;
}

static void warn_near(struct admin_watch *w)
{
	const struct capacity_figures *f = capacity_figures(w->capacity);
	char share[16], users[32] = "unknown", months[32] = "unknown";

	if (f->near == w->near) {
		return;
	}
	w->near = f->near;
	(void)snprintf(share, sizeof(share), "%.2f", f->share);
	if (!isnan(f->line_users)) {
		(void)snprintf(users, sizeof(users), "%.0f", f->line_users);
	}
	if (!isnan(f->months)) {
		(void)snprintf(months, sizeof(months), "%.1f", f->months);
	}
	if (f->near) {
		LOG(LOG_WARN, "admin", "near_line", LOG_C("share", share),
		    LOG_C("fullest", f->fullest), LOG_C("line_users", users),
		    LOG_C("months", months));
	} else {
		LOG(LOG_INFO, "admin", "below_line", LOG_C("share", share));
	}
}

static void look_at_line(struct admin_watch *w)
{
	capacity_add(w->capacity, headline_look(w->headline), single(w, HEADLINE_ACTIVE_USERS),
	    clock_wall_ms());
	warn_near(w);
}

/* ---- health ---- */

/* clang-format off */
static const struct metric_def load_def = { "health_load_permille", METRIC_GAUGE, NULL, "The load number that health answers tell, in thousandths: 1000 is the line, at most 1200." };
static const struct metric_def ready_def = { "health_ready", METRIC_GAUGE, NULL, "1 while /ready says ok." };
static const struct metric_def alive_def = { "health_alive", METRIC_GAUGE, NULL, "1 while /live says ok." };
static const struct metric_def changes_def = { "health_changes_total", METRIC_COUNTER, NULL, "How often /ready changed its mind." };
static const struct metric_def answers_def = { "health_answers_total", METRIC_COUNTER, NULL, "Answers on the health listener." };
/* clang-format on */

void admin_metric_schema(struct metric_schema *schema)
{
	const struct metric_def *const defs[] = { &load_def, &ready_def, &alive_def, &changes_def,
		&answers_def };

	for (size_t i = 0; i < sizeof(defs) / sizeof(defs[0]); i++) {
		metric_schema_add(schema, defs[i], NULL);
	}
}

static const struct metric_row *database_row(const struct svc_env *env)
{
	return store_is_postgres(env->conf)
		   ? metric_row_find(env->metrics, "database_connections", NULL)
		   : NULL;
}

enum err admin_watch_health(struct admin_watch *w, int listen_fd, struct err_note *note)
{
	const struct svc_env *env = &w->role->env;
	const struct metrics *m = env->metrics;

	w->cells = (struct health_cells){ .load = metric_cell(m, &load_def, NULL),
		.ready = metric_cell(m, &ready_def, NULL),
		.alive = metric_cell(m, &alive_def, NULL),
		.changes = metric_cell(m, &changes_def, NULL),
		.answers = metric_cell(m, &answers_def, NULL) };
	enum err e = health_thread_start(listen_fd, m, database_row(env), app_cores(), &w->health);
	return e == ERR_OK
		   ? e
		   : err_note_set(note, e, "cannot begin to answer health: %s", err_text(e));
}

void admin_watch_end_health(struct admin_watch *w)
{
	health_thread_stop(&w->health);
}

/* Counters go on where the process before us ended: what is new is added. */
static void count_up(_Atomic int64_t *cell, int64_t *told, int64_t now)
{
	metric_add(cell, now - *told);
	*told = now;
}

static void take_report(struct admin_watch *w)
{
	const struct health_report *r = health_thread_report(w->health);
	bool ready = atomic_load_explicit(&r->ready, memory_order_relaxed) != 0;
	enum health_trouble trouble =
	    (enum health_trouble)atomic_load_explicit(&r->trouble, memory_order_relaxed);

	metric_set(w->cells.load, metric_get(&r->load_permille));
	metric_set(w->cells.ready, ready);
	metric_set(w->cells.alive, atomic_load_explicit(&r->alive, memory_order_relaxed));
	count_up(w->cells.changes, &w->told_changes, metric_get(&r->changes));
	count_up(w->cells.answers, &w->told_answers, metric_get(&r->answers));
	if (ready != w->was_ready && !ready) {
		LOG(LOG_WARN, "health", "not_ready", LOG_C("why", health_trouble_text(trouble)));
	} else if (ready != w->was_ready) {
		LOG(LOG_INFO, "health", "ready", LOG_I("changes", metric_get(&r->changes)));
	}
	w->was_ready = ready;
}

static void on_second(void *arg)
{
	struct admin_watch *w = arg;

	headline_sample(w->headline, clock_mono_us(), clock_wall_ms());
	look_at_line(w);
	if (w->health != NULL) {
		take_report(w);
	}
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
		e = open_capacity(w, &r->env);
	}
	if (e == ERR_OK) {
		admin_classes_open(&w->classes, &r->env);
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
	admin_watch_end_health(w);
	capacity_free(&w->capacity);
	statsd_text_free(&w->statsd);
	if (w->statsd_fd >= 0) {
		close(w->statsd_fd);
	}
	headline_free(&w->headline);
}
