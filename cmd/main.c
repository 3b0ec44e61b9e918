/*
 * plimsoll: one command in front of everything. Also the program that the supervisor executes for
 * the core roles ("--role NAME INSTANCE").
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/cmd_lab.h"
#include "core/role/roles.h"
#include "services/table.h"

struct command {
	const char *name, *arguments, *help;
	cmd_fn *run; /* NULL: plimsoll-lab does it, with words of its own */
};

/* clang-format off */
static const struct command commands[] = {
	{ "serve",   "[SERVICE]",     "runs the services (all, or SERVICE and what it needs)", cmd_serve },
	{ "helper",  "",              "computes for servers on other machines ([nats] url), and holds nothing", cmd_helper },
	{ "check",   "[--data [DIR] | sync [URL] | symbols [contents]]", "says whether the configuration (and the data, or the backup DIR) is good, and what to mend; sync: asks the running server as a browser does, and explains a 401; symbols: whether all stored files are there (and, by reading them, intact)", cmd_check },
	{ "config",  "[--reference|--man]", "prints every key in effect and where its value came from", cmd_config },
	{ "mail",    "WHAT ...",      "mail: test ADDRESS, bounce [RETURN-PATH] < MESSAGE, forget ADDRESS", cmd_mail },
	{ "metrics", "[--reference]", "prints what each figure and counter means (doc/METRICS.md)", cmd_metrics },
	{ "migrate", "[--from E --to E]", "brings the database to this version; copies it from engine to engine", cmd_migrate },
	{ "backup",  "DIR",           "copies database, keys and files of symbols, also of a running server, to the new folder DIR", cmd_backup },
	{ "restore", "DIR",           "puts the backup DIR into the data folder", cmd_restore },
	{ "status",  "[--json]",      "asks the running server how it is", cmd_status },
	{ "top",     "",              "shows roles, queues, load line and refusals live; q ends it", cmd_top },
	{ "upgrade", "",              "makes the running server give its place to the program as it is now", cmd_upgrade },
	{ "user",    "WHAT ...",      "accounts: list, show, verify, lock, unlock, delete, create, invite, admin, import, export, create-many", cmd_user },
	{ "identity", "WHAT ...",     "keys of sign-in: key list, key new, key retire ID; verify [FILE|-]: checks an assertion without a server; cost: what passwords cost here", cmd_identity },
	{ "symbols", "WHAT ...",      "the symbol store: token list|add|extend|revoke|block|unblock, upload FILE|FOLDER..., symbolicate, gc", cmd_symbols },
	{ "sync",    "WHAT ...",      "stores of Firefox Sync: usage, user UID, purge, export UID, import UID, import-from FILE", cmd_sync },
	{ "model",   "WHAT MODEL ...", "models of users: check, rates (derived step by step), log (without a server), fit and compare (with a log or metrics)", NULL },
	{ "replay",  "LOG URL",       "plays an access log against a server; `plimsoll replay --help`", NULL },
	{ "load",    "MODEL URL",     "behaves like so many active users of a model; `plimsoll load --help`", NULL },
	{ "plan",    "INPUT ...",     "machines, dates and cost for so many users, from a line result or a file; `plimsoll plan --help`", NULL },
	{ "report",  "WHAT ...",      "report: diff A B, trend FILE, record FILE RESULT: load runs compared; `plimsoll report --help`", NULL },
	{ "line",    "MODEL URL",     "finds how many active users a target holds, what is full first, what each activity costs", NULL },
	{ "version", "",              "prints the version", cmd_version },
};
/* clang-format on */

static void print_help(FILE *out)
{
	fprintf(out, "usage: plimsoll COMMAND [-c FILE] [--set section.key=value]...\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char left[48];
		snprintf(left, sizeof(left), "%s %s", commands[i].name, commands[i].arguments);
		fprintf(out, "  %-22s %s\n", left, commands[i].help);
	}
	fprintf(out,
	    "  %-22s %s\n\n"
	    "  -c FILE                reads the configuration file FILE over the defaults\n"
	    "  --set section.key=v    sets one key, over file and defaults\n"
	    "  --without-keys         (backup) leaves the keys out: for a copy that others may see\n"
	    "  --without-blobs        (backup, restore) leaves the files of symbols out\n"
	    "  --previous DIR         (backup) shares with that earlier backup what both have\n"
	    "  --force                (restore) replaces what is in the data folder\n"
	    "  --anonymise            (restore) without people's data: a copy for staging\n"
	    "  --password TEXT        (restore) with --anonymise: everybody's password, else nobody has one\n"
	    "  --audience SITE        (identity verify) the site it must be for\n"
	    "  --key FILE             (identity verify) public key or support document; else this server's keys\n"
	    "  --issuer HOST          (identity verify) with --key: whose key that is; else the certificate's issuer\n"
	    "  --at TIME              (identity verify) the time to check at: 2026-05-31T12:00:00Z or ms since 1970\n"
	    "  --older-than DAYS      (symbols gc) files that were uploaded before that\n"
	    "  --unused-for DAYS      (symbols gc) files that nobody has asked for since\n"
	    "  --keep BUILDS          (symbols gc) all but the newest builds of each module\n"
	    "  --try-older-than DAYS  (symbols gc) files of try builds; 30 days if it is not given\n"
	    "  --cached-unused-for DAYS  (symbols gc) files of upstream servers; 30 days likewise\n"
	    "  --missing-older-than DAYS  (symbols gc) counts of what was missing; 90 days likewise\n"
	    "  --url URL              (symbols upload) the server; else that of the configuration\n"
	    "  --token-file FILE      (symbols upload) has the token; else PLIMSOLL_SYMBOLS_TOKEN\n"
	    "  --try                  (symbols upload) to the storage of try builds\n"
	    "  --dry-run              (symbols gc, sync import-from) changes nothing, says what would be done\n"
	    "  --no-sandbox           (serve) runs where the kernel has no Landlock or seccomp\n\n"
	    "exit codes: 0 ok, 1 failed, 2 wrong command line, 3 wrong configuration,\n"
	    "            4 address or data folder in use, 5 no sandbox\n",
	    "help", "prints this");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static bool takes_word(const struct command *c)
{
	return c->run == cmd_serve || c->run == cmd_check || c->run == cmd_backup ||
	       c->run == cmd_restore;
}

static int run_command(
    const struct app *app, const struct command *command, int argc, char **argv, char **all)
{
	struct cmd_options o;
	struct conf *conf = NULL;

	if (!cmd_options_parse(argc, argv, &o)) {
		return EXIT_USAGE;
	}
	o.argv = all;
	if (o.help) {
		print_help(stdout);
		return EXIT_OK;
	}
	bool takes_all =
	    command->run == cmd_user || command->run == cmd_mail || command->run == cmd_identity ||
	    command->run == cmd_sync || command->run == cmd_symbols ||
	    (command->run == cmd_check && o.word != NULL &&
		(strcmp(o.word, "sync") == 0 || strcmp(o.word, "symbols") == 0) && o.n_more <= 1);
	const char *extra = takes_all		   ? NULL
			    : o.n_more > 0	   ? o.more[0]
			    : !takes_word(command) ? o.word
						   : NULL;
	if (extra != NULL) {
		fprintf(stderr, "plimsoll %s: \"%s\" is not understood; see `plimsoll help`\n",
		    command->name, extra);
		return EXIT_USAGE;
	}
	int code = cmd_load_conf(app, &o, &conf);
	if (code == EXIT_OK) {
		code = command->run(app, conf, &o);
	}
	conf_free(&conf);
	return code;
}

int main(int argc, char **argv)
{
	const struct app app = { service_table, service_table_count, PLIMSOLL_VERSION };

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--role") == 0) {
		return role_main(&app, core_role_ops, argc, argv);
	}
	if (strcmp(argv[1], "--sandbox-probe") == 0) {
		return role_probe(argc, argv);
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	const struct command *command = find_command(argv[1]);
	if (command == NULL) {
		fprintf(
		    stderr, "plimsoll: there is no command \"%s\"; see `plimsoll help`\n", argv[1]);
		return EXIT_USAGE;
	}
	if (command->run == NULL) {
		return cmd_lab(argv);
	}
	return run_command(&app, command, argc - 2, argv + 2, argv);
}
