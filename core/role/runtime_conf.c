/*
 * The configuration keys of the runtime itself. Services and [http] have tables of their own.
 */
#include "core/role/role.h"
#include "core/store/pg.h"

/* clang-format off */
static const struct conf_key keys[] = {
	{ .section = "plimsoll", .name = "data_dir", .type = CONF_PATH, .def = "./var",
	  .help = "Folder of the database and the keys; made at the first start, readable by its owner only." },
	{ .section = "plimsoll", .name = "services", .type = CONF_STRING, .def = "all",
	  .help = "Services to run: all, or names with commas between. \"verifier\" is not among all: it runs alone, without database and keys." },
	{ .section = "plimsoll", .name = "public_url", .type = CONF_URL, .def = "http://127.0.0.1:8000",
	  .env = "SYNC_TOKENSERVER__INIT_NODE_URL|SYNCSERVER_PUBLIC_URL",
	  .help = "Address under which browsers reach the service; https except on loopback." },

	{ .section = "plimsoll", .name = "upgrade_timeout", .type = CONF_DURATION, .unit = "s", .min = 1000, .max = 86400000,
	  .def = "60s", .reloadable = true,
	  .help = "How long an upgrade waits for the new program to become ready, and again for it to change the database; then the old one goes on." },
	{ .section = "plimsoll", .name = "watchdog", .type = CONF_DURATION, .unit = "s", .min = 0, .max = 3600000,
	  .def = "30s", .reloadable = true,
	  .help = "A process whose loop has not turned for so long is killed and started again; 0 never." },

	{ .section = "web", .name = "listen", .type = CONF_ADDRESS, .def = "127.0.0.1:8000",
	  .env = "SYNC_HOST+SYNC_PORT",
	  .help = "Address on which the service listens." },
	{ .section = "web", .name = "instances", .type = CONF_INT, .unit = "processes", .min = 0, .max = 64,
	  .def = "0", .help = "Processes that answer requests; 0 is one per processor core." },
	{ .section = "web", .name = "realtime_instances", .type = CONF_INT, .unit = "processes", .min = 0, .max = 63,
	  .def = "0", .help = "How many of these hold realtime sessions and nothing else, so that sessions and requests do not take each other's processor; the others pass sessions on to them. 0: all do both." },
	{ .section = "web", .name = "drain", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 600000,
	  .def = "10s", .reloadable = true,
	  .help = "How long a stop waits for requests that have been admitted." },
	{ .section = "web", .name = "drain_idle", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 600000,
	  .def = "5s", .reloadable = true,
	  .help = "How long connections without a request stay open for one more while an old process ends behind an upgrade; at most drain. A stop waits at most half a second of it." },

	{ .section = "pairs", .name = "listen", .type = CONF_ADDRESS, .def = "127.0.0.1:8003",
	  .help = "Address of the realtime service." },
	{ .section = "pairs", .name = "tls_listen", .type = CONF_ADDRESS,
	  .help = "Another address of it, with TLS by the certificates of [tls]; empty: none." },

	{ .section = "compute", .name = "instances", .type = CONF_INT, .unit = "processes", .min = 0, .max = 64,
	  .def = "0", .help = "Processes that hash passwords; 0 is one per processor core." },
	{ .section = "compute", .name = "queue_max", .type = CONF_INT, .unit = "requests", .min = 1, .max = 10000,
	  .def = "128", .reloadable = true,
	  .help = "Most requests that wait in one of them; those that would wait beyond their deadline are refused anyway." },

	{ .section = "files", .name = "instances", .type = CONF_INT, .unit = "processes", .min = 0, .max = 64,
	  .def = "0", .help = "Processes that write, unpack and name uploaded files; 0 is one per processor core." },
	{ .section = "files", .name = "queue_max", .type = CONF_INT, .unit = "requests", .min = 1, .max = 10000,
	  .def = "128", .reloadable = true,
	  .help = "Most requests that wait in one of them." },

	{ .section = "media", .name = "instances", .type = CONF_INT, .unit = "processes", .min = 0, .max = 64,
	  .def = "1", .help = "Processes that have pictures made smaller, each one picture at a time; 0 is one per processor core." },
	{ .section = "media", .name = "queue_max", .type = CONF_INT, .unit = "requests", .min = 1, .max = 10000,
	  .def = "16", .reloadable = true,
	  .help = "Most pictures that wait in one of them; the others wait in the database." },

	{ .section = "symbols", .name = "listen", .type = CONF_ADDRESS, .def = "127.0.0.1:8002",
	  .help = "Address of the symbol server." },
	{ .section = "symbols", .name = "tls_listen", .type = CONF_ADDRESS,
	  .help = "Another address of it, with TLS by the certificates of [tls]; empty: none." },

	{ .section = "store", .name = "slow_statement", .type = CONF_DURATION, .unit = "ms", .min = 0, .max = 3600000,
	  .def = "100ms", .reloadable = true,
	  .help = "Statements that take at least so long are logged with their name and the trace of the request; 0 logs none." },

	{ .section = "admin", .name = "listen", .type = CONF_ADDRESS, .def = "127.0.0.1:8001",
	  .help = "Address of the live page, /metrics, /status and the development outbox; keep it on loopback." },

	{ .section = "health", .name = "listen", .type = CONF_ADDRESS, .def = "127.0.0.1:8004",
	  .help = "Address where balancers and monitors ask /live and /ready; answered by a thread of its own at any load." },
	{ .section = "health", .name = "notice", .type = CONF_DURATION, .unit = "s", .min = 0, .max = 600000,
	  .def = "0s", .reloadable = true,
	  .help = "How long a stop goes on serving while /ready says \"draining\", so that balancers send nothing more; 0 where nobody is in front." },

	{ .section = "capacity", .name = "window", .type = CONF_DURATION, .unit = "s", .min = 1000, .max = 600000, .def = "60s",
	  .help = "Over how long the use of the load line is taken for warnings and peaks." },
	{ .section = "capacity", .name = "warn_at", .type = CONF_INT, .unit = "percent", .min = 1, .max = 100, .def = "70",
	  .reloadable = true,
	  .help = "Share of the load line from which on it is warned of: in the log, on the live page, and by plimsoll_line_near." },
	{ .section = "capacity", .name = "growth", .type = CONF_INT, .unit = "percent a month", .min = 0, .max = 1000, .def = "20",
	  .reloadable = true,
	  .help = "How much more users are expected each month, for the months until the line is reached; 0 tells none." },

	{ .section = "statsd", .name = "address", .type = CONF_STRING, .max = 300, .def = "",
	  .help = "Where the headline figures are sent by UDP, as in 127.0.0.1:8125; empty: nowhere. The name is looked up at the start." },
	{ .section = "statsd", .name = "prefix", .type = CONF_STRING, .max = 64, .def = "plimsoll",
	  .help = "What their names begin with; letters, digits, '-', '_' and '.', others become '_'." },
	{ .section = "statsd", .name = "interval", .type = CONF_DURATION, .unit = "s", .min = 1000, .max = 3600000, .def = "10s",
	  .help = "How often they are sent." },

	{ .section = "store", .name = "read_only", .type = CONF_BOOL, .def = "no", .reloadable = true,
	  .help = "For maintenance: whatever would change data is answered with 503, all else goes on." },

	{ .section = "store", .name = "engine", .type = CONF_ENUM, .choices = "sqlite|postgres", .def = "sqlite",
	  .help = "Database: a file in the data folder, or a PostgreSQL server." },
	{ .section = "store", .name = "url", .type = CONF_STRING, .max = 2000, .secret = true,
	  .roles = ROLE_BIT(ROLE_STORE),
	  .help = "PostgreSQL: connection string of the role that owns the tables, as in postgresql://plimsoll:secret@host/plimsoll." },
	{ .section = "store", .name = "read_url", .type = CONF_STRING, .max = 2000, .secret = true,
	  .roles = ROLE_BIT(ROLE_WEB),
	  .help = "PostgreSQL: connection string of the role that may only read; web processes use it, `plimsoll migrate` gives it its rights." },
	{ .section = "store", .name = "pool", .type = CONF_INT, .unit = "connections", .min = 1, .max = PG_POOL_MAX,
	  .def = "4", .help = "PostgreSQL: most connections of each web process, and of the store." },
	{ .section = "store", .name = "pool_queue", .type = CONF_INT, .unit = "requests", .min = 1, .max = 4000,
	  .def = "256", .help = "PostgreSQL: most requests of a process that wait for a connection; more are refused with 503." },
	{ .section = "store", .name = "pool_wait", .type = CONF_DURATION, .unit = "ms", .min = 1, .max = 60000,
	  .def = "1s", .help = "PostgreSQL: the longest that a request waits for a connection, also while the server is away." },

	{ .section = "log", .name = "level", .type = CONF_STRING, .def = "info", .reloadable = true,
	  .help = "debug, info, warn, error or off; and per module, as in \"info,http=debug\"." },
};
/* clang-format on */

const struct conf_table runtime_conf = { keys, sizeof(keys) / sizeof(keys[0]) };
