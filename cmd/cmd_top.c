/*
 * plimsoll top: asks the admin listener every two seconds and draws what it says, with plain ANSI
 * codes on the alternate screen. q, Ctrl-C or the end of the input ends it. Where the output is no
 * terminal it prints one picture and ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/fetch.h"
#include "cmd/top_screen.h"

enum {
	ANSWER_BYTES = 4 * 1024 * 1024,
	SCREEN_BYTES = 256 * 1024,
	EVERY_MS = 2000,
	FIRST_MS = 1000, /* to the second answer, which rates need */
	COLUMNS = 80,	 /* where the terminal does not say */
	ROWS = 24,
	SIDE_MAX = 1000,
};

/* An answer and the document over it. */
struct answer {
	struct buf bytes;
	struct arena arena;
	const struct json *json; /* NULL: none yet */
};

struct top {
	const char *address;
	struct answer answers[2];
	unsigned newest;
	struct buf screen;
	struct termios before; /* what the terminal was like */
	bool terminal;
};

static volatile sig_atomic_t stop;

static void on_signal(int signum)
{
	(void)signum;
	stop = 1;
}

/* Asks; on success the newest answer is the new one and the other the one before. */
static enum err ask(struct top *t, struct err_note *note)
{
	struct answer *a = &t->answers[1 - t->newest];
	struct slice body = SLICE_EMPTY;

	arena_reset(&a->arena);
	buf_clear(&a->bytes);
	a->json = NULL;
	enum err e = fetch_admin(t->address, "/live?history=no", &a->bytes, &body, note);
	if (e == ERR_OK) {
		e = json_parse(&a->arena, body, &a->json, note);
	}
	if (e == ERR_OK) {
		t->newest = 1 - t->newest;
	}
	return e;
}

static void measure(struct top_screen *s)
{
	struct winsize size = { 0 };

	s->columns = COLUMNS;
	s->rows = ROWS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		s->columns = size.ws_col < SIDE_MAX ? size.ws_col : SIDE_MAX;
		s->rows = size.ws_row < SIDE_MAX ? size.ws_row : SIDE_MAX;
	}
}

static void show(struct top *t, const struct err_note *trouble)
{
	struct top_screen s = { .colours = t->terminal,
		.address = t->address,
		.before = t->answers[1 - t->newest].json };

	measure(&s);
	buf_clear(&t->screen);
	buf_append_str(&t->screen, t->terminal ? "\033[H" : "");
	if (trouble != NULL) {
		buf_printf(&t->screen, "%.*s", (int)s.columns, trouble->text);
	} else {
		top_draw(&s, t->answers[t->newest].json, &t->screen);
	}
	buf_append_str(&t->screen, t->terminal ? "\033[K\033[J" : "\n");
	fwrite(t->screen.data, 1, t->screen.len, stdout);
	fflush(stdout);
}

/* False: a key, a signal or the end of the input says that it is over. */
static bool wait_for_key(int ms)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char keys[64];

	if (poll(&in, 1, ms) <= 0) {
		return !stop;
	}
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));
	return !stop && n > 0 && memchr(keys, 'q', (size_t)n) == NULL &&
	       memchr(keys, 'Q', (size_t)n) == NULL && memchr(keys, 4, (size_t)n) == NULL;
}

static void enter_terminal(struct top *t)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct termios raw = t->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	fputs("\033[?1049h\033[?25l", stdout); /* alternate screen, no cursor */
}

static void leave_terminal(const struct top *t)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
}

/* A server that went away meanwhile is waited for: it may be restarted. */
static void follow(struct top *t)
{
	bool first = true;

	enter_terminal(t);
	do {
		struct err_note note = { 0 };
		show(t, first || ask(t, &note) == ERR_OK ? NULL : &note);
		first = false;
	} while (wait_for_key(t->answers[1 - t->newest].json == NULL ? FIRST_MS : EVERY_MS));
	leave_terminal(t);
}

/* One picture with rates: two answers. */
static enum err print_once(struct top *t, struct err_note *note)
{
	poll(NULL, 0, FIRST_MS);
	enum err e = ask(t, note);

	if (e == ERR_OK) {
		show(t, NULL);
	}
	return e;
}

int cmd_top(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	struct top t = { .address = conf_str(conf, "admin", "listen"),
		.screen = buf_new(SCREEN_BYTES) };
	struct err_note note = { 0 };

	(void)app;
	(void)o;
	for (unsigned i = 0; i < 2; i++) {
		t.answers[i].bytes = buf_new(ANSWER_BYTES);
		t.answers[i].arena = arena_new(2 * ANSWER_BYTES);
	}
	t.terminal = isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &t.before) == 0;
	enum err e = ask(&t, &note);
	if (e == ERR_OK && t.terminal) {
		follow(&t);
	} else if (e == ERR_OK) {
		e = print_once(&t, &note);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll top: %s\n", note.text);
	}
	for (unsigned i = 0; i < 2; i++) {
		buf_free(&t.answers[i].bytes);
		arena_reset(&t.answers[i].arena);
	}
	buf_free(&t.screen);
	return e == ERR_OK ? EXIT_OK : EXIT_FAILED;
}
