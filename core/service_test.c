/*
 * service_verify() finds each kind of wrong row and names it; svc_state() finds its service.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/service.h"

static enum err answer(struct op_call *c)
{
	(void)c;
	return ERR_OK;
}

static enum err handle(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	(void)role_state;
	(void)info;
	(void)req;
	(void)reply;
	(void)note;
	return ERR_OK;
}

/* A service in which everything is right; each test spoils a copy of one row. */
struct sample {
	struct op op[2];
	struct rpc_def rpc;
	const struct rpc_def *rpcs[1];
	struct sql_stmt stmt[2];
	struct migration migration[2];
	struct metric_def metric;
	struct service service;
};

static void fill(struct sample *s, const char *name)
{
	const struct op op = { .name = "a.get",
		.path = "/get",
		.method = HTTP_GET,
		.deadline_ms = 1000,
		.handle = answer };

	*s = (struct sample){ .op = { op, op } };
	s->op[1].name = "a.put";
	s->op[1].method = HTTP_PUT;
	s->rpc = (struct rpc_def){ "a.call", ROLE_BIT(ROLE_WEB), ROLE_STORE, 10, 10, 1000, 10,
		RPC_TXN, handle };
	s->rpcs[0] = &s->rpc;
	s->stmt[0] = (struct sql_stmt){ .name = "a.one", .text = "SELECT 1" };
	s->stmt[1] = (struct sql_stmt){ .name = "a.two", .text = "SELECT 2" };
	s->migration[0] = (struct migration){ 1, "CREATE TABLE t (n BIGINT)" };
	s->migration[1] = (struct migration){ 2, "CREATE TABLE u (n BIGINT)" };
	s->metric = (struct metric_def){ "a_total", METRIC_COUNTER, NULL, "How many." };
	s->service = (struct service){ .name = name,
		.summary = "A sample.",
		.listener = "main",
		.ops = s->op,
		.n_ops = 2,
		.rpcs = s->rpcs,
		.n_rpcs = 1,
		.stmts = { s->stmt, 2 },
		.migrations = s->migration,
		.n_migrations = 2,
		.metrics = &s->metric,
		.n_metrics = 1 };
}

/* The sample is refused, with words in the note that hold part. */
static void assert_refused(const struct sample *s, const char *part)
{
	const struct service *const list[] = { &s->service };
	struct err_note note = { 0 };

	assert_int_equal(service_verify(list, 1, &note), ERR_INVALID);
	if (strstr(note.text, part) == NULL) {
		fail_msg("\"%s\" lacks \"%s\"", note.text, part);
	}
}

static void good_services_pass(void **state)
{
	struct sample a, foundation;
	const struct service *const list[] = { &a.service, &foundation.service };
	struct err_note note = { 0 };

	(void)state;
	fill(&a, "a");
	fill(&foundation, "b");
	/* Stands under the others: nobody calls it from outside. */
	foundation.service = (struct service){ .name = "b", .summary = "Under the others." };
	assert_int_equal(service_verify(list, 2, &note), ERR_OK);
	assert_string_equal(note.text, "");
}

static void wrong_activities_are_named(void **state)
{
	const struct activity good = { "a.do", "Does.", { "a.get", "a.put", NULL }, 1 };
	struct activity bad[4] = { good, good, good, good };
	static const char *const parts[] = { "activity 0 lacks", "activity 0 lacks",
		"a.do: there is no op \"a.gone\"", "activity 0 lacks" };
	struct sample s;

	(void)state;
	bad[0].name = "b.do";
	bad[1].ops[0] = NULL;
	bad[2].ops[1] = "a.gone";
	bad[3].per_million = -1;
	for (size_t i = 0; i < 4; i++) {
		fill(&s, "a");
		s.service.activities = &bad[i];
		s.service.n_activities = 1;
		assert_refused(&s, parts[i]);
	}
}

static void wrong_ops_are_named(void **state)
{
	struct sample s;

	(void)state;
	fill(&s, "a");
	s.op[1].name = "b.put";
	assert_refused(&s, "op name \"b.put\"");
	fill(&s, "a");
	s.op[1].name = "a.get";
	assert_refused(&s, "a.get: two rows");
	fill(&s, "a");
	s.op[1].path = "put";
	assert_refused(&s, "a.put: the path");
	fill(&s, "a");
	s.op[1].deadline_ms = 0;
	assert_refused(&s, "a.put: deadline of 0 ms");
	fill(&s, "a");
	s.op[0].handle = NULL;
	assert_refused(&s, "a.get: no handler");
	fill(&s, "a");
	s.op[1].flags = OP_INLINE | OP_STREAM;
	assert_refused(&s, "a.put: reading a stream");
	fill(&s, "a");
	s.op[1].method = HTTP_HEAD;
	assert_refused(&s, "a.put: a row cannot");
	fill(&s, "a");
	s.op[1].max_body = UINT32_MAX;
	assert_refused(&s, "a.put: body of 4294967295");
	fill(&s, "a");
	s.service.listener = NULL;
	assert_refused(&s, "a: has ops but no listener");
}

static void wrong_admin_ops_are_named(void **state)
{
	struct sample s;

	(void)state;
	fill(&s, "a");
	s.op[1].deadline_ms = 0;
	s.service.n_ops = 1;
	s.service.admin_ops = &s.op[1];
	s.service.n_admin_ops = 1;
	assert_refused(&s, "a.put: deadline");
}

static void wrong_rpcs_are_named(void **state)
{
	struct sample s;

	(void)state;
	fill(&s, "a");
	s.rpc.handle = NULL;
	assert_refused(&s, "a.call: no handler");
	fill(&s, "a");
	s.rpc.from = 0;
	assert_refused(&s, "a.call: from or to");
	fill(&s, "a");
	s.rpc.to = ROLE_SUPERVISOR;
	assert_refused(&s, "a.call: from or to");
	fill(&s, "a");
	s.rpc.deadline_ms = 0;
	assert_refused(&s, "a.call: deadline");
	fill(&s, "a");
	s.rpc.to = ROLE_SIGNER;
	assert_refused(&s, "a.call: only the store");
}

static void rpc_names_are_unique_over_all_services(void **state)
{
	struct sample a, b;
	const struct service *const list[] = { &a.service, &b.service };
	struct err_note note = { 0 };

	(void)state;
	fill(&a, "a");
	fill(&b, "b");
	b.service = (struct service){ .name = "b", .summary = "B.", .rpcs = b.rpcs, .n_rpcs = 1 };
	assert_int_equal(service_verify(list, 2, &note), ERR_INVALID);
	assert_string_equal(note.text, "a.call: two RPC rows have this name");
}

static void wrong_statements_and_migrations_are_named(void **state)
{
	struct sample s;

	(void)state;
	fill(&s, "a");
	s.stmt[1].name = "a.one";
	assert_refused(&s, "a.one: two statements");
	fill(&s, "a");
	s.stmt[1].text = NULL;
	assert_refused(&s, "statement 1 lacks");
	fill(&s, "a");
	s.migration[1].number = 3;
	assert_refused(&s, "migration 3 stands where 2 belongs");
}

static void wrong_services_are_named(void **state)
{
	struct sample s;
	const struct service *const twice[] = { &s.service, &s.service };
	const struct service *many[SERVICE_MAX + 1];
	struct err_note note = { 0 };

	(void)state;
	fill(&s, "a");
	s.metric.help = NULL;
	assert_refused(&s, "metric 0 lacks");
	fill(&s, "a");
	s.service.summary = NULL;
	assert_refused(&s, "no name or summary");
	fill(&s, "a");
	s.service.n_rpcs = 0;
	assert_int_equal(service_verify(twice, 2, &note), ERR_INVALID);
	assert_string_equal(note.text, "a: two services have this name");
	for (size_t i = 0; i < SERVICE_MAX + 1; i++) {
		many[i] = &s.service;
	}
	note = (struct err_note){ 0 };
	assert_int_equal(service_verify(many, SERVICE_MAX + 1, &note), ERR_INVALID);
	assert_string_equal(note.text, "9 services; at most 8");
}

static void state_is_found_by_service(void **state)
{
	static const struct service a = { .name = "a" }, b = { .name = "b" };
	const struct service *const on[] = { &a, &b };
	int of_a = 1, of_b = 2;
	const struct svc_env env = { .services = on, .n_services = 2, .state = { &of_a, &of_b } };

	(void)state;
	assert_ptr_equal(svc_state(&env, &a), &of_a);
	assert_ptr_equal(svc_state(&env, &b), &of_b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_services_pass),
		cmocka_unit_test(wrong_ops_are_named),
		cmocka_unit_test(wrong_activities_are_named),
		cmocka_unit_test(wrong_admin_ops_are_named),
		cmocka_unit_test(wrong_rpcs_are_named),
		cmocka_unit_test(rpc_names_are_unique_over_all_services),
		cmocka_unit_test(wrong_statements_and_migrations_are_named),
		cmocka_unit_test(wrong_services_are_named),
		cmocka_unit_test(state_is_found_by_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
