/*
 * The logger: levels, and the batch of lines that waits for its write (log_line.c makes their
 * text). A busy web process writes one line per request and may spend only some hundred nanoseconds
 * on it, so there is one static buffer and no lock: one thread per process logs.
 *
 * Standard error may be a pipe that nobody empties. If it is non-blocking, what does not fit stays
 * in the buffer, then new lines are dropped and counted, and the count is logged when there is
 * room.
 */
#include "core/obs/log.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/obs/log_flood.h"
#include "core/obs/log_line.h"

enum {
	BATCH_BYTES = 32 * 1024,
	LINE_MAX_BYTES = 4096, /* longer lines lose their last fields */
	MODULES_MAX = 16,
	MODULE_NAME_SIZE = 24,
};

struct levels {
	enum log_level common;
	enum log_level lowest; /* of common and all modules */
	struct {
		char name[MODULE_NAME_SIZE];
		enum log_level level;
	} modules[MODULES_MAX];
	unsigned n_modules;
};

static const char *const level_names[] = { "debug", "info", "warn", "error", "off" };

static struct levels levels = { .common = LOG_INFO, .lowest = LOG_INFO };
static char role_text[40] = "-";

/* Two lines may follow each other after the check for room: what was left out, and the warning. */
static char batch[BATCH_BYTES + 2 * LINE_MAX_BYTES];
static size_t batch_len;
static uint64_t lost; /* lines dropped since the last report */
static bool is_pipe;
static struct log_flood flood;

static struct {
	void (*fn)(void *arg, struct slice line);
	void *arg;
} on_warning;

/* The text between time and fields of the last line: the next one is mostly of the same kind. */
static struct {
	enum log_level level;
	const char *module, *event; /* literals; told apart by address */
	size_t len;
	char text[160];
} kind;

static void make_kind(enum log_level level, const char *module, const char *event)
{
	struct log_line w = { .at = kind.text, .end = kind.text + sizeof(kind.text) };

	log_line_put_str(&w, " level=");
	log_line_put_str(&w, level_names[level]);
	log_line_put_str(&w, " role=");
	log_line_put_str(&w, role_text);
	log_line_put_str(&w, " mod=");
	log_line_put_str(&w, module);
	log_line_put_str(&w, " event=");
	log_line_put_str(&w, event);
	kind.level = level;
	kind.module = module;
	kind.event = event;
	kind.len = (size_t)(w.at - kind.text);
}

static void put_head(
    struct log_line *w, enum log_level level, const char *module, const char *event)
{
	if (kind.module != module || kind.event != event || kind.level != level) {
		make_kind(level, module, event);
	}
	log_line_put_str(w, "ts=");
	log_line_put_time(w);
	log_line_put(w, kind.text, kind.len);
}

/* The request that this line is about, if there is one. */
static void put_trace(struct log_line *w)
{
	char text[TRACE_DIGITS];
	uint64_t trace = trace_current();

	if (trace != 0) {
		const struct log_field field = LOG_S("trace", trace_text(trace, text));
		log_line_put_field(w, &field);
	}
}

/* Appends one line to the batch; fields that do not fit are left out and the line says so. */
static void append_line(enum log_level level, const char *module, const char *event,
    const struct log_field *fields, size_t n)
{
	static const char cut_text[] = " cut=1\n";
	char *start = batch + batch_len;
	struct log_line w = { .at = start, .end = start + LINE_MAX_BYTES - sizeof(cut_text) };

	put_head(&w, level, module, event);
	for (size_t i = 0; i < n && !w.full; i++) {
		log_line_put_field(&w, &fields[i]);
	}
	put_trace(&w);
	w.end = start + LINE_MAX_BYTES;
	log_line_put_str(&w, w.full ? cut_text : "\n");
	batch_len += (size_t)(w.at - start);
}

/* How much of the batch to write at once: pipes take PIPE_BUF atomically, so end at a line there.
 */
static size_t next_piece(const char *p, size_t len)
{
	if (!is_pipe || len <= PIPE_BUF) {
		return len;
	}
	const char *last = memrchr(p, '\n', PIPE_BUF);
	return last == NULL ? PIPE_BUF : (size_t)(last - p) + 1;
}

static void write_batch(void)
{
	size_t done = 0;

	while (done < batch_len) {
		size_t piece = next_piece(batch + done, batch_len - done);
		ssize_t n = write(STDERR_FILENO, batch + done, piece);
		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else {
			done = batch_len; /* nowhere to write to, and nobody to tell */
		}
	}
	memmove(batch, batch + done, batch_len - done);
	batch_len -= done;
}

void log_flush(void)
{
	int saved = errno;

	write_batch();
	if (lost > 0 && batch_len < BATCH_BYTES) {
		const struct log_field fields[] = { LOG_I("lines", lost) };
		lost = 0;
		append_line(LOG_WARN, "log", "lines_lost", fields, 1);
		write_batch();
	}
	errno = saved;
}

/* Faults come in floods; says first what was left out of the last one. */
static bool admit_warning(const char *module, const char *event)
{
	uint64_t left_out = 0;

	if (!log_flood_admits(&flood, module, event, clock_wall_ms() / 1000, &left_out)) {
		return false;
	}
	if (left_out > 0) {
		const struct log_field fields[] = { LOG_C("of", event), LOG_I("lines", left_out) };
		append_line(LOG_WARN, module, "warnings_left_out", fields, 2);
	}
	return true;
}

void log_on_warning(void (*fn)(void *arg, struct slice line), void *arg)
{
	on_warning.fn = fn;
	on_warning.arg = arg;
}

/* The line that was appended last, which begins there. */
static void show_warning(size_t begin)
{
	struct slice line = SLICE_OF(batch + begin, batch_len - begin - 1);
	size_t space = slice_find(line, ' ', 0);

	if (on_warning.fn != NULL) {
		on_warning.fn(on_warning.arg, slice_sub(line, space + 1, line.len));
	}
}

void log_write(enum log_level level, const char *module, const char *event,
    const struct log_field *fields, size_t n)
{
	if (batch_len >= BATCH_BYTES) {
		lost++;
		return;
	}
	if (level == LOG_WARN && !admit_warning(module, event)) {
		return;
	}
	size_t begin = batch_len;
	append_line(level, module, event, fields, n);
	if (level >= LOG_WARN) {
		show_warning(begin);
	}
	if (level >= LOG_ERROR || batch_len >= BATCH_BYTES) {
		log_flush();
	}
}

static enum log_level level_of(const char *module)
{
	for (unsigned i = 0; i < levels.n_modules; i++) {
		if (strcmp(levels.modules[i].name, module) == 0) {
			return levels.modules[i].level;
		}
	}
	return levels.common;
}

bool log_is_on(enum log_level level, const char *module)
{
	return level >= levels.lowest && level != LOG_OFF &&
	       (levels.n_modules == 0 || level >= level_of(module));
}

void log_open(enum role_id role, int instance)
{
	struct log_line w = { .at = role_text, .end = role_text + sizeof(role_text) - 1 };
	struct stat st;

	log_line_put_str(&w, role_name(role));
	if (instance >= 0) {
		log_line_put_char(&w, '/');
		log_line_put_number(&w, instance);
	}
	*w.at = '\0';
	kind.module = NULL; /* it holds the old role */
	is_pipe = fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
	check_before_abort(log_flush);
}

static bool parse_level(struct slice word, enum log_level *ret)
{
	for (enum log_level i = LOG_DEBUG; i <= LOG_OFF; i++) {
		if (slice_eq(word, slice_str(level_names[i]))) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static enum err set_module(
    struct levels *l, struct slice name, enum log_level level, struct err_note *note)
{
	unsigned i = 0;

	while (i < l->n_modules && !slice_eq(name, slice_str(l->modules[i].name))) {
		i++;
	}
	if (i == MODULES_MAX) {
		return err_note_set(
		    note, ERR_INVALID, "more than %d modules with levels", MODULES_MAX);
	}
	if (name.len == 0 || slice_to_cstr(name, l->modules[i].name, MODULE_NAME_SIZE) != ERR_OK) {
		return err_note_set(
		    note, ERR_INVALID, "\"%.*s\" is not the name of a module", SLICE_ARG(name));
	}
	l->modules[i].level = level;
	l->n_modules = i == l->n_modules ? i + 1 : l->n_modules;
	return ERR_OK;
}

/* One of "info" and "http=debug". */
static enum err set_one(struct levels *l, struct slice word, struct err_note *note)
{
	size_t equals = slice_find(word, '=', 0);
	bool is_common = equals == word.len;
	struct slice level_word = is_common ? word : slice_sub(word, equals + 1, word.len);
	enum log_level level;

	if (!parse_level(slice_trim(level_word), &level)) {
		return err_note_set(note, ERR_INVALID,
		    "\"%.*s\" is not a level (debug, info, warn, error, off)",
		    SLICE_ARG(slice_trim(level_word)));
	}
	if (is_common) {
		l->common = level;
		return ERR_OK;
	}
	return set_module(l, slice_trim(slice_sub(word, 0, equals)), level, note);
}

enum err log_set_levels(struct slice text, struct err_note *note)
{
	struct levels next = { .common = LOG_INFO };
	struct slice word, rest = text;

	while (slice_split(&rest, ',', &word)) {
		enum err e = set_one(&next, slice_trim(word), note);
		if (e != ERR_OK) {
			return e;
		}
	}
	next.lowest = next.common;
	for (unsigned i = 0; i < next.n_modules; i++) {
		next.lowest =
		    next.modules[i].level < next.lowest ? next.modules[i].level : next.lowest;
	}
	levels = next;
	return ERR_OK;
}
