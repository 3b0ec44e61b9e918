/*
 * plimsoll status: asks the admin listener of the running server and prints a table of its
 * processes.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/fetch.h"
#include "core/base/json.h"
#include "core/role/sandbox.h"

enum {
	ANSWER_BYTES = 8 * 1024 * 1024
};

static int64_t number(const struct json *object, const char *name)
{
	int64_t n = 0;

	/* A number that is not there counts as none. */
	(void)json_get_i64(json_member(object, name), &n);
	return n;
}

static struct slice text(const struct json *object, const char *name)
{
	struct slice s = SLICE("?");

	(void)json_get_string(json_member(object, name), &s);
	return s;
}

static const char *sandbox_text(int64_t bits)
{
	const int64_t all = SANDBOX_BIT_PRIVS | SANDBOX_BIT_LANDLOCK | SANDBOX_BIT_SECCOMP;

	return bits == all ? "closed" : bits == 0 ? "none" : "partial";
}

static void print_process(const struct json *p)
{
	struct slice role = text(p, "role");
	struct slice state = text(p, "state");

	if (slice_eq(state, SLICE("empty"))) {
		state = SLICE("down"); /* until the supervisor starts it again */
	}
	printf("%-10.*s %4" PRId64 " %8" PRId64 " %-9.*s %8" PRId64 " %-8s %6" PRId64 " %6" PRId64
	       " %9.1f %8.1f %8.1f\n",
	    SLICE_ARG(role), number(p, "instance"), number(p, "pid"), SLICE_ARG(state),
	    number(p, "restarts"), sandbox_text(number(p, "sandbox")), number(p, "connections"),
	    number(p, "queue_len"), (double)number(p, "queue_wait_us") / 1000,
	    (double)number(p, "loop_lag_us") / 1000, (double)number(p, "cpu_us") / 1e6);
}

static enum err print_table(struct slice body, struct err_note *note)
{
	struct arena arena = arena_new(ANSWER_BYTES);
	const struct json *status = NULL;
	enum err e = json_parse(&arena, body, &status, note);

	if (e == ERR_OK) {
		const struct json *processes = json_member(status, "processes");
		bool read_only = false;
		if (json_get_bool(json_member(status, "read_only"), &read_only) && read_only) {
			printf("read-only: [store] read_only is on, nothing can be changed\n");
		}
		printf("%-10s %4s %8s %-9s %8s %-8s %6s %6s %9s %8s %8s\n", "role", "no", "pid",
		    "state", "restarts", "sandbox", "conns", "queue", "wait ms", "lag ms", "cpu s");
		for (size_t i = 0; i < json_count(processes); i++) {
			print_process(json_element(processes, i));
		}
	}
	arena_reset(&arena);
	return e;
}

int cmd_status(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct buf answer = buf_new(ANSWER_BYTES);
	struct slice body = SLICE_EMPTY;
	struct err_note note = { 0 };

	(void)app;
	enum err e =
	    fetch_admin(conf_str(conf, "admin", "listen"), "/status", &answer, &body, &note);
	if (e == ERR_OK && o->json) {
		printf("%.*s\n", SLICE_ARG(body));
	} else if (e == ERR_OK) {
		e = print_table(body, &note);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll status: %s\n", note.text);
	}
	buf_free(&answer);
	return e == ERR_OK ? EXIT_OK : EXIT_FAILED;
}
