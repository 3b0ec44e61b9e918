/*
 * plimsoll --sandbox-probe ROLE DATA_DIR [DATABASE_URL]: what a role's process cannot do, tried for
 * real. Each attempt runs in a fresh child that has entered the role's sandbox as boot.c does,
 * because some are answered by death. Used by test/scenario/roles.test.mjs on the release build;
 * harmless, as it can do nothing that its caller cannot.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/role/role.h"
#include "core/role/sandbox.h"

enum {
	CHILD_DENIED = 10,
	CHILD_ALLOWED,
	CHILD_NO_SANDBOX
};

/* What the attempts work on; opened before the sandbox closes where a real role would be handed it.
 */
struct probe {
	const char *data_dir;
	int listening;		    /* bound and listening socket with one connection waiting */
	int unbound;		    /* TCP socket */
	struct sockaddr_in address; /* of listening */
	const struct pg_reach *database; /* as if there were such a server; NULL: SQLite */
	pid_t parent;
};

/* One attempt: true when it worked. */
typedef bool attempt_fn(const struct probe *p);

static bool can_open(const struct probe *p, const char *name, int flags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : p->data_dir,
	    name[0] == '/' ? "" : "/", name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

static bool read_key(const struct probe *p)
{
	return can_open(p, "keys/probe.key", O_RDONLY);
}

static bool write_key(const struct probe *p)
{
	return can_open(p, "keys/probe.key", O_RDWR);
}

static bool read_database(const struct probe *p)
{
	return can_open(p, "db/plimsoll.db", O_RDONLY);
}

static bool write_database(const struct probe *p)
{
	return can_open(p, "db/plimsoll.db", O_RDWR);
}

static bool create_in_database(const struct probe *p)
{
	return can_open(p, "db/probe.new", O_RDWR | O_CREAT);
}

static bool read_blob(const struct probe *p)
{
	return can_open(p, "blobs/ab/probe", O_RDONLY);
}

static bool write_blob(const struct probe *p)
{
	return can_open(p, "blobs/ab/probe", O_RDWR);
}

/* A draft becomes a blob in another folder. */
static bool keep_blob(const struct probe *p)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s/blobs/new/probe", p->data_dir);
	snprintf(to, sizeof(to), "%s/blobs/ab/kept", p->data_dir);
	return rename(from, to) == 0;
}

static bool create_in_data_dir(const struct probe *p)
{
	return can_open(p, "probe.new", O_RDWR | O_CREAT);
}

static bool read_passwd(const struct probe *p)
{
	return can_open(p, "/etc/passwd", O_RDONLY);
}

static bool list_root(const struct probe *p)
{
	return can_open(p, "/", O_RDONLY | O_DIRECTORY);
}

static bool read_resolver(const struct probe *p)
{
	return can_open(p, "/etc/hosts", O_RDONLY);
}

static bool tcp_socket(const struct probe *p)
{
	(void)p;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool udp_socket(const struct probe *p)
{
	(void)p;
	return socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
}

static bool unix_socket(const struct probe *p)
{
	(void)p;
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool tcp_connect(const struct probe *p)
{
	return connect(p->unbound, (const void *)&p->address, sizeof(p->address)) == 0;
}

/* Another port than the one above: the database server's, or PostgreSQL's own. */
static bool database_connect(const struct probe *p)
{
	struct sockaddr_in server = p->address;
	bool has_port = p->database != NULL && p->database->n_ports > 0;

	server.sin_port = htons(has_port ? p->database->ports[0] : 5432);
	return connect(p->unbound, (const void *)&server, sizeof(server)) == 0;
}

static bool tcp_bind(const struct probe *p)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(p->unbound, (const void *)&any, sizeof(any)) == 0;
}

static bool accept_client(const struct probe *p)
{
	return accept4(p->listening, NULL, NULL, SOCK_CLOEXEC) >= 0;
}

static void *thread_body(void *arg)
{
	return arg;
}

static bool make_thread(const struct probe *p)
{
	pthread_t t;

	(void)p;
	return pthread_create(&t, NULL, thread_body, NULL) == 0 && pthread_join(t, NULL) == 0;
}

static bool make_process(const struct probe *p)
{
	(void)p;
	pid_t pid = fork();
	if (pid == 0) {
		_exit(0);
	}
	return pid > 0;
}

static bool execute(const struct probe *p)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	(void)p;
	execve("/bin/true", argv, environ);
	return false;
}

static bool trace_parent(const struct probe *p)
{
	return ptrace(PTRACE_SEIZE, p->parent, NULL, NULL) == 0;
}

static bool signal_parent(const struct probe *p)
{
	return kill(p->parent, 0) == 0;
}

static bool make_executable(const struct probe *p)
{
	(void)p;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool new_namespace(const struct probe *p)
{
	(void)p;
	return unshare(CLONE_NEWUSER) == 0;
}

static bool become_root(const struct probe *p)
{
	(void)p;
	return setuid(0) == 0;
}

/* clang-format off */
static const struct {
	const char *name;
	attempt_fn *run;
} attempts[] = {
	{ "read_key", read_key },
	{ "write_key", write_key },
	{ "read_database", read_database },
	{ "write_database", write_database },
	{ "create_in_database", create_in_database },
	{ "read_blob", read_blob },
	{ "write_blob", write_blob },
	{ "keep_blob", keep_blob },
	{ "create_in_data_dir", create_in_data_dir },
	{ "read_passwd", read_passwd },
	{ "list_root", list_root },
	{ "read_resolver", read_resolver },
	{ "tcp_socket", tcp_socket },
	{ "udp_socket", udp_socket },
	{ "unix_socket", unix_socket },
	{ "tcp_connect", tcp_connect },
	{ "database_connect", database_connect },
	{ "tcp_bind", tcp_bind },
	{ "accept", accept_client },
	{ "thread", make_thread },
	{ "fork", make_process },
	{ "execute", execute },
	{ "ptrace", trace_parent },
	{ "kill", signal_parent },
	{ "executable_memory", make_executable },
	{ "namespace", new_namespace },
	{ "setuid", become_root },
};
/* clang-format on */

static bool open_sockets(struct probe *p)
{
	socklen_t len = sizeof(p->address);

	p->address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	p->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->unbound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(p->listening, (const void *)&p->address, len) == 0 &&
	       listen(p->listening, 8) == 0 &&
	       getsockname(p->listening, (void *)&p->address, &len) == 0 &&
	       connect(client, (const void *)&p->address, len) == 0;
}

static _Noreturn void run_attempt(uint32_t flags, struct probe *p, attempt_fn *run)
{
	struct err_note note = { 0 };
	int bits = 0;

	const struct sandbox_extra extra = { .database = p->database };

	if (!open_sockets(p) || sandbox_enter(flags, &extra, p->data_dir, &bits, &note) != ERR_OK) {
		fprintf(stderr, "plimsoll: %s\n", note.text);
		_exit(CHILD_NO_SANDBOX);
	}
	_exit(run(p) ? CHILD_ALLOWED : CHILD_DENIED);
}

/* Runs one attempt in a child and says how it went; false when there was no sandbox. */
static bool report(uint32_t flags, struct probe *p, size_t i)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		run_attempt(flags, p, attempts[i].run);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		return false;
	}
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	if (!killed && (!WIFEXITED(status) || WEXITSTATUS(status) == CHILD_NO_SANDBOX)) {
		return false;
	}
	bool denied = killed || WEXITSTATUS(status) == CHILD_DENIED;
	printf("%s %s%s\n", attempts[i].name, denied ? "denied" : "ALLOWED",
	    killed ? " (killed)" : "");
	fflush(stdout);
	return true;
}

int role_probe(int argc, char **argv)
{
	struct probe p = { .parent = getpid() };
	enum role_id role = ROLE_WEB;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: plimsoll --sandbox-probe ROLE DATA_DIR [DATABASE_URL]\n");
		return EXIT_USAGE;
	}
	while (role < ROLE_COUNT && strcmp(role_name(role), argv[2]) != 0) {
		role++;
	}
	if (role == ROLE_COUNT) {
		fprintf(stderr, "plimsoll: there is no role \"%s\"\n", argv[2]);
		return EXIT_USAGE;
	}
	p.data_dir = argv[3];
	struct pg_target *target = NULL;
	struct pg_reach reach = { 0 };
	struct err_note note = { 0 };
	if (argc == 5) {
		if (pg_target_new(argv[4], "DATABASE_URL", SQL_READ_ONLY, &target, &note) !=
		    ERR_OK) {
			fprintf(stderr, "plimsoll: %s\n", note.text);
			return EXIT_USAGE;
		}
		reach = pg_target_reach(target);
		bool uses_it = role == ROLE_WEB || role == ROLE_STORE;
		p.database = uses_it ? &reach : NULL;
	}
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (!report(role_sandbox(role, p.database), &p, i)) {
			return EXIT_SANDBOX;
		}
	}
	return EXIT_OK;
}
