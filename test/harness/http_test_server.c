/*
 * A server of core/http alone, for scenarios and measurements:
 *	http_test_server [-c KEY=VALUE]... [-f FILE] [-p PORT] [-n PROCESSES] [-t TASKS]
 *	    [-g TOLERANCE] [-q] [-s CERTIFICATE -k KEY]
 * KEY is one of section [http], FILE is what GET /file sends, -g is [grace] tolerance, -q writes no
 * access log, -s and -k make it speak TLS. Prints "listening on PORT" once it does; drains on
 * SIGTERM.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/grace/admit.h"
#include "core/http/server.h"
#include "core/obs/log.h"
#include "test/harness/http_test_ops.h"
#include "test/harness/http_test_tls.h"

enum {
	PROCESSES_MAX = 8,
	TASKS_MAX = 4096,
	FILE_MAX = 16 << 20,
	DRAIN_US = 5000000,
	IDLE_US = 400000,
	FLUSH_MS = 200,
};

struct arguments {
	struct conf *conf;
	const char *file;
	const char *port;
	unsigned processes, tasks, tolerance;
	bool quiet;
	const char *certificate, *key; /* NULL: no TLS */
};

static struct {
	struct arguments args;
	struct test_env env;
	struct http_site site;
	struct metric_schema *schema;
	void *block;
	size_t block_bytes;
	int listen_fd;
	struct loop *loop;
	struct grace grace;
	struct http_server *server;
	struct test_tls *tls; /* made before the processes, so that they share ticket keys */
} self;

static void set_key(struct conf *conf, const char *text)
{
	struct buf problems = buf_new(4096);
	struct slice all = slice_str(text);
	size_t equals = slice_find(all, '=', 0);

	if (conf_set(conf, "-c", SLICE("http"), slice_sub(all, 0, equals),
		slice_sub(all, equals + 1, all.len), &problems) != ERR_OK) {
		fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&problems)));
		exit(2);
	}
	buf_free(&problems);
}

static struct arguments read_arguments(int argc, char **argv)
{
	struct arguments a = { .port = "0", .processes = 1, .tasks = TASKS_MAX, .tolerance = 1 };
	int option;

	CHECK(conf_new(&http_conf, 1, &a.conf) == ERR_OK);
	while ((option = getopt(argc, argv, "c:f:p:n:t:g:qs:k:")) != -1) {
		switch (option) {
		case 'c':
			set_key(a.conf, optarg);
			break;
		case 'f':
			a.file = optarg;
			break;
		case 'p':
			a.port = optarg;
			break;
		case 'n':
			a.processes = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			a.tasks = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'g':
			a.tolerance = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			a.certificate = optarg;
			break;
		case 'k':
			a.key = optarg;
			break;
		case 'q':
			a.quiet = true;
			break;
		default:
			exit(2);
		}
	}
	CHECK(a.processes >= 1 && a.processes <= PROCESSES_MAX);
	return a;
}

static void read_file(struct test_env *env, const char *path)
{
	static const char empty[] = "an ordinary file\n";

	env->file = (struct asset){
		.path = "file.html",
		.content_type = "text/html",
		.bytes = SLICE_OF(empty, sizeof(empty) - 1),
		.hash = "0123456789",
	};
	if (path == NULL) {
		return;
	}
	FILE *f = fopen(path, "r");
	char *bytes = malloc(FILE_MAX);
	CHECK(f != NULL && bytes != NULL);
	env->file.bytes = SLICE_OF(bytes, fread(bytes, 1, FILE_MAX, f));
	fclose(f);
}

static void on_load(void *arg, struct grace_load *load)
{
	const struct test_env *env = arg;

	load->compute_wait_us = env->compute_wait_us;
}

static void on_flush(void *arg)
{
	(void)arg;
	log_flush();
}

static void on_drained(void *arg)
{
	(void)arg;
	loop_stop(self.loop);
}

static void on_term(void *arg)
{
	(void)arg;
	metrics_own_slot(self.env.metrics)->state = SLOT_DRAINING;
	close(self.listen_fd);
	self.listen_fd = -1;
	int64_t now_us = clock_mono_us();
	http_server_drain(self.server, &(struct http_drain){ .deadline_us = now_us + DRAIN_US,
					   .idle_until_us = now_us + IDLE_US,
					   .done = on_drained });
}

static void listen_on(int fd)
{
	if (self.tls == NULL) {
		CHECK(http_server_listen(self.server, fd) == ERR_OK);
		return;
	}
	test_tls_use(
	    self.tls, self.server, conf_ms(self.args.conf, "http", "header_timeout") * 1000);
	CHECK(http_server_listen_tls(self.server, fd) == ERR_OK);
}

/* One serving process; returns when it has drained. */
static void serve(int instance)
{
	struct err_note note = { .code = ERR_OK };
	const struct http_site *sites[] = { &self.site };

	log_open(ROLE_WEB, instance);
	CHECK(metrics_open(self.schema, self.block, self.block_bytes, self.args.processes, instance,
		  &self.env.metrics) == ERR_OK);
	struct metric_slot *slot = metrics_own_slot(self.env.metrics);
	slot->role = ROLE_WEB;
	slot->instance = instance;
	slot->pid = (int32_t)getpid();
	slot->state = SLOT_SERVING;
	CHECK(loop_open(self.args.tasks, &self.loop) == ERR_OK);
	grace_init(&self.grace, rng_u64(), clock_mono_us());
	grace_set_tolerance(&self.grace, self.args.tolerance);
	struct http_server_options options = { .sites = sites,
		.n_sites = 1,
		.conf = self.args.conf,
		.metrics = self.env.metrics,
		.load = on_load,
		.load_arg = &self.env,
		.grace = &self.grace,
		.access_log = !self.args.quiet,
		.proxied = true };
	if (http_server_new(self.loop, &options, &self.server, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		exit(1);
	}
	listen_on(dup(self.listen_fd));
	CHECK(loop_on_signal(self.loop, SIGTERM, on_term, NULL) == ERR_OK);
	loop_every(self.loop, FLUSH_MS, on_flush, NULL);
	loop_run(self.loop);
	http_server_free(&self.server);
	if (self.server == NULL) {
		loop_close(&self.loop);
	}
	metrics_close(&self.env.metrics);
	log_flush();
}

static unsigned port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	CHECK(getsockname(fd, (struct sockaddr *)&in, &len) == 0);
	return ntohs(in.sin_port);
}

static void open_shared(void)
{
	struct err_note note = { .code = ERR_OK };
	const struct http_site *sites[] = { &self.site };

	if (http_listen_socket(self.args.port, &self.listen_fd, &note) != ERR_OK) {
		fprintf(stderr, "%s\n", note.text);
		exit(1);
	}
	CHECK(metric_schema_new(&self.schema) == ERR_OK);
	http_metric_schema(self.schema, sites, 1);
	self.block_bytes = metrics_block_bytes(self.schema, self.args.processes);
	self.block =
	    mmap(NULL, self.block_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(self.block != MAP_FAILED);
	metrics_format(self.schema, self.block, self.args.processes);
}

static void close_shared(void)
{
	munmap(self.block, self.block_bytes);
	metric_schema_free(&self.schema);
	conf_free(&self.args.conf);
	if (self.args.file != NULL) {
		free((void *)(uintptr_t)self.env.file.bytes.ptr);
	}
}

int main(int argc, char **argv)
{
	(void)signal(
	    SIGPIPE, SIG_IGN); /* as a role's parent does: OpenSSL writes without MSG_NOSIGNAL */
	self.args = read_arguments(argc, argv);
	read_file(&self.env, self.args.file);
	self.site = test_site;
	self.site.env = &self.env;
	open_shared();
	if (self.args.certificate != NULL) {
		self.tls = test_tls_open(self.args.certificate, self.args.key);
	}
	printf("listening on %u\n", port_of(self.listen_fd));
	fflush(stdout);
	int instance = 0;
	for (int i = 1; i < (int)self.args.processes; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			instance = i;
			break;
		}
	}
	serve(instance);
	test_tls_close(self.tls);
	close_shared();
	return 0;
}
