/*
 * Looks at every row that the services bring, before anything is started with them. What is wrong
 * here is a programmer's mistake, so the first one found is enough, but it is named exactly.
 */
#include "core/service.h"

#include <string.h>

#include "core/base/check.h"

enum {
	MAX_MESSAGE_BYTES = 16 << 20,
	MAX_DEADLINE_MS = 3600000,
};

/* Beyond what an enum holds; archives of symbols are that large. */
#define MAX_BODY_BYTES (4000u << 20)

static size_t index_of(const struct svc_env *env, const struct service *s)
{
	size_t i = 0;

	while (i < env->n_services && env->services[i] != s) {
		i++;
	}
	CHECK(i < env->n_services); /* else it is not switched on here */
	return i;
}

void *svc_state(const struct svc_env *env, const struct service *s)
{
	return env->state[index_of(env, s)];
}

void svc_tell(const struct svc_env *env, const struct service *s, struct slice message)
{
	CHECK(message.len > 0 && message.len <= SVC_TELL_BYTES);
	if (env->tell_siblings != NULL) {
		env->tell_siblings(env->siblings, (unsigned)index_of(env, s), message);
	}
}

/* A place in all the rows of all services: for looking for the same name before it. */
struct scan {
	const struct service *const *services;
	size_t n;
	struct err_note *note;
};

#define REFUSE(s, ...) err_note_set((s)->note, ERR_INVALID, __VA_ARGS__)

/* "service.rest" with small letters, digits, '_' and '.'. */
static bool is_row_name(const char *name, const char *service)
{
	size_t prefix = strlen(service);

	return name != NULL && strncmp(name, service, prefix) == 0 && name[prefix] == '.' &&
	       name[prefix + 1] != '\0' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name);
}

/* Rows before (ops, i) of the same list that have its name. */
static bool op_name_is_taken(const struct op *ops, unsigned i)
{
	for (unsigned k = 0; k < i; k++) {
		if (strcmp(ops[k].name, ops[i].name) == 0) {
			return true;
		}
	}
	return false;
}

static enum err verify_op(const struct scan *s, const struct service *service, const struct op *op)
{
	if (!is_row_name(op->name, service->name)) {
		return REFUSE(s, "%s: op name \"%s\" does not look like %s.something",
		    service->name, op->name == NULL ? "" : op->name, service->name);
	}
	if (op->path == NULL || op->path[0] != '/') {
		return REFUSE(s, "%s: the path does not start with '/'", op->name);
	}
	if (op->handle == NULL) {
		return REFUSE(s, "%s: no handler", op->name);
	}
	if (op->deadline_ms == 0 || op->deadline_ms > MAX_DEADLINE_MS) {
		return REFUSE(s, "%s: deadline of %u ms", op->name, op->deadline_ms);
	}
	if (op->max_body > MAX_BODY_BYTES) {
		return REFUSE(s, "%s: body of %u bytes", op->name, op->max_body);
	}
	if (op->method == HTTP_HEAD || op->method >= HTTP_OTHER_METHOD) {
		return REFUSE(s, "%s: a row cannot have this method", op->name);
	}
	if (op->cost >= COST_CLASSES || op->rank >= SHED_RANKS) {
		return REFUSE(s, "%s: unknown cost class or shed rank", op->name);
	}
	if ((op->flags & OP_INLINE) != 0 && (op->flags & OP_STREAM) != 0) {
		return REFUSE(s, "%s: reading a stream waits, so it cannot be inline", op->name);
	}
	return ERR_OK;
}

static enum err verify_ops(
    const struct scan *s, const struct service *service, const struct op *ops, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		enum err e = verify_op(s, service, &ops[i]);
		if (e != ERR_OK) {
			return e;
		}
		if (op_name_is_taken(ops, i)) {
			return REFUSE(s, "%s: two rows have this name", ops[i].name);
		}
	}
	return ERR_OK;
}

static enum err verify_rpc(const struct scan *s, const struct rpc_def *d)
{
	if (d->handle == NULL) {
		return REFUSE(s, "%s: no handler", d->name);
	}
	if (d->to <= ROLE_SUPERVISOR || d->to >= ROLE_COUNT || d->from == 0 ||
	    (d->from & ~(uint32_t)ROLE_ALL) != 0) {
		return REFUSE(s, "%s: from or to is no role", d->name);
	}
	if (d->deadline_ms == 0 || d->deadline_ms > MAX_DEADLINE_MS) {
		return REFUSE(s, "%s: deadline of %u ms", d->name, d->deadline_ms);
	}
	if (d->max_req > MAX_MESSAGE_BYTES || d->max_rep > MAX_MESSAGE_BYTES) {
		return REFUSE(s, "%s: messages of more than %d bytes", d->name, MAX_MESSAGE_BYTES);
	}
	if ((d->flags & RPC_TXN) != 0 && d->to != ROLE_STORE) {
		return REFUSE(s, "%s: only the store runs transactions", d->name);
	}
	if ((d->flags & RPC_TASK) != 0 && d->to != ROLE_COURIER) {
		return REFUSE(s, "%s: only the courier's handlers wait", d->name);
	}
	return ERR_OK;
}

/*
 * RPC names are unique over all services, because logs and errors show nothing else. The name may
 * have another prefix than the service ("courier.wake" of accounts).
 */
static bool rpc_name_is_taken(const struct scan *s, const struct rpc_def *d)
{
	unsigned times = 0;

	for (size_t i = 0; i < s->n; i++) {
		for (unsigned k = 0; k < s->services[i]->n_rpcs; k++) {
			times += strcmp(s->services[i]->rpcs[k]->name, d->name) == 0;
		}
	}
	return times > 1;
}

static enum err verify_rpcs(const struct scan *s, const struct service *service)
{
	for (unsigned i = 0; i < service->n_rpcs; i++) {
		const struct rpc_def *d = service->rpcs[i];
		if (d == NULL || d->name == NULL || d->name[0] == '\0') {
			return REFUSE(s, "%s: RPC row %u has no name", service->name, i);
		}
		enum err e = verify_rpc(s, d);
		if (e != ERR_OK) {
			return e;
		}
		if (rpc_name_is_taken(s, d)) {
			return REFUSE(s, "%s: two RPC rows have this name", d->name);
		}
	}
	return ERR_OK;
}

static enum err verify_statements(const struct scan *s, const struct service *service)
{
	for (unsigned i = 0; i < service->stmts.n; i++) {
		const struct sql_stmt *stmt = &service->stmts.stmts[i];
		if (!is_row_name(stmt->name, service->name) || stmt->text == NULL) {
			return REFUSE(s, "%s: statement %u lacks text or a name like %s.something",
			    service->name, i, service->name);
		}
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(service->stmts.stmts[k].name, stmt->name) == 0) {
				return REFUSE(s, "%s: two statements have this name", stmt->name);
			}
		}
	}
	for (unsigned i = 0; i < service->n_migrations; i++) {
		if (service->migrations[i].number != i + 1 || service->migrations[i].text == NULL) {
			return REFUSE(s, "%s: migration %u stands where %u belongs", service->name,
			    service->migrations[i].number, i + 1);
		}
	}
	return ERR_OK;
}

static enum err verify_metrics(const struct scan *s, const struct service *service,
    const struct metric_def *metrics, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct metric_def *m = &metrics[i];
		if (m->name == NULL || m->help == NULL || m->label != NULL) {
			return REFUSE(s, "%s: metric %u lacks name or help, or has a label",
			    service->name, i);
		}
	}
	return ERR_OK;
}

static bool has_op(const struct service *service, const char *name)
{
	for (unsigned i = 0; i < service->n_ops; i++) {
		if (strcmp(service->ops[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static enum err verify_activities(const struct scan *s, const struct service *service)
{
	for (unsigned i = 0; i < service->n_activities; i++) {
		const struct activity *a = &service->activities[i];
		if (!is_row_name(a->name, service->name) || a->help == NULL || a->ops[0] == NULL ||
		    a->per_million < 0) {
			return REFUSE(s,
			    "%s: activity %u lacks help, operations or a name like %s.something",
			    service->name, i, service->name);
		}
		for (unsigned k = 0; k < ACTIVITY_OPS && a->ops[k] != NULL; k++) {
			if (!has_op(service, a->ops[k])) {
				return REFUSE(s, "%s: there is no op \"%s\"", a->name, a->ops[k]);
			}
		}
	}
	return ERR_OK;
}

static enum err verify_service(const struct scan *s, size_t i)
{
	const struct service *service = s->services[i];
	enum err e = ERR_OK;

	if (service->name == NULL || service->name[0] == '\0' || service->summary == NULL) {
		return REFUSE(s, "service %zu has no name or summary", i);
	}
	for (size_t k = 0; k < i; k++) {
		if (strcmp(s->services[k]->name, service->name) == 0) {
			return REFUSE(s, "%s: two services have this name", service->name);
		}
	}
	if (service->n_ops > 0 && service->listener == NULL) {
		return REFUSE(s, "%s: has ops but no listener", service->name);
	}
	e = verify_ops(s, service, service->ops, service->n_ops);
	if (e == ERR_OK) {
		e = verify_ops(s, service, service->admin_ops, service->n_admin_ops);
	}
	if (e == ERR_OK) {
		e = verify_rpcs(s, service);
	}
	if (e == ERR_OK) {
		e = verify_statements(s, service);
	}
	if (e == ERR_OK) {
		e = verify_metrics(s, service, service->metrics, service->n_metrics);
	}
	if (e == ERR_OK) {
		e = verify_metrics(s, service, service->base_metrics, service->n_base_metrics);
	}
	return e == ERR_OK ? verify_activities(s, service) : e;
}

enum err service_verify(const struct service *const *services, size_t n, struct err_note *note)
{
	const struct scan s = { services, n, note };
	enum err e = ERR_OK;

	if (n > SERVICE_MAX) {
		return REFUSE(&s, "%zu services; at most %d", n, SERVICE_MAX);
	}
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		e = verify_service(&s, i);
	}
	return e;
}
