/*
 * Lines are read one by one; what stays of each is forty bytes and its number among clients and
 * paths.
 */
#include "lab/access_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLIENTS_MOST = 4 << 20,
	PATHS_MOST = 16 << 20,
	METHODS_MOST = 32,
	BODIES_MOST = 1 << 20,
	HAR_BYTES = 64 << 20,
};

static const size_t names_bytes = (size_t)2 << 30;

void access_log_break(struct access_log *l, struct slice text, const char *why)
{
	if (l->n_broken < ACCESS_NAMED_MOST) {
		struct access_broken *b = &l->broken[l->n_broken];
		b->line = l->n_lines;
		b->why = why;
		text = slice_sub(text, 0, sizeof(b->text) - 1);
		for (size_t i = 0; i < text.len; i++) {
			bool plain = text.ptr[i] >= ' ' && text.ptr[i] != 127;
			b->text[i] = plain ? text.ptr[i] : '?';
		}
		b->text[text.len] = '\0';
	}
	l->n_broken++;
}

static enum err take_record(struct access_log *l, const struct access_record *r)
{
	if (l->n == l->room) {
		size_t room = l->room == 0 ? 4096 : 2 * l->room;
		struct access_record *records = realloc(l->records, room * sizeof(*records));
		if (records == NULL) {
			return ERR_MEMORY;
		}
		l->records = records;
		l->room = room;
	}
	if (l->n == ACCESS_RECORDS_MOST) {
		return ERR_LIMIT;
	}
	l->records[l->n] = *r;
	l->records[l->n].place = (uint32_t)l->n;
	l->n++;
	return ERR_OK;
}

enum err access_log_add(
    struct access_log *l, const struct access_line *line, struct slice body, struct slice type)
{
	struct access_record r = { .time_us = line->has_time ? line->time.us : 0,
		.body = ACCESS_NO_BODY,
		.type = ACCESS_NO_BODY,
		.status = (int16_t)line->status,
		.whole_second = line->time.whole_seconds };

	enum err e = names_take(&l->clients, line->client, &r.client);
	if (e == ERR_OK) {
		e = names_take(&l->paths, line->path, &r.path);
	}
	if (e == ERR_OK) {
		e = names_take(&l->methods, line->method, &r.method);
	}
	if (e == ERR_OK && body.len > 0) {
		e = names_take(&l->bodies, body, &r.body);
		e = e == ERR_OK ? names_take(&l->bodies, type, &r.type) : e;
	}
	for (int64_t i = 0; e == ERR_OK && i < line->count; i++) {
		e = take_record(l, &r);
	}
	l->is_timed = l->is_timed && line->has_time;
	l->has_clients = l->has_clients || line->client.len > 0;
	return e;
}

static enum err read_lines(struct access_log *l, FILE *in)
{
	struct access_reader reader = access_reader_new(l->format);
	char *text = NULL;
	size_t room = 0;
	ssize_t n = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && (n = getline(&text, &room, in)) >= 0) {
		struct access_line line;
		const char *why = NULL;
		struct slice s = SLICE_OF(text, (size_t)n);
		if (s.len > 0 && s.ptr[s.len - 1] == '\n') {
			s.len--;
		}
		l->n_lines++;
		if (s.len > ACCESS_LINE_MOST) {
			access_log_break(l, s, "longer than 64 KiB");
			continue;
		}
		switch (access_read(&reader, s, &line, &why)) {
		case ACCESS_TAKEN:
			e = access_log_add(l, &line, SLICE_EMPTY, SLICE_EMPTY);
			break;
		case ACCESS_NOTHING:
			l->n_nothing++;
			break;
		case ACCESS_BROKEN:
			access_log_break(l, s, why);
			break;
		}
	}
	l->format = reader.format;
	access_reader_free(&reader);
	free(text);
	return e;
}

static enum err read_har(struct access_log *l, FILE *in, struct err_note *note)
{
	struct buf text = buf_new(HAR_BYTES);
	enum err e = buf_read_all(&text, fileno(in));

	if (e == ERR_OK) {
		e = access_har_read(l, buf_slice(&text), note);
	}
	buf_free(&text);
	return e;
}

static int by_time(const void *a, const void *b)
{
	const struct access_record *x = a, *y = b;

	if (x->time_us != y->time_us) {
		return x->time_us < y->time_us ? -1 : 1;
	}
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Most logs are sorted: servers write when they are done, so a few lines are not. */
static void sort(struct access_log *l)
{
	for (size_t i = 1; i < l->n; i++) {
		if (l->records[i].time_us < l->records[i - 1].time_us) {
			qsort(l->records, l->n, sizeof(*l->records), by_time);
			return;
		}
	}
}

enum err access_log_read(
    const char *path, enum access_format format, struct access_log *ret, struct err_note *note)
{
	struct access_log l = { .format = format,
		.clients = names_new(CLIENTS_MOST, names_bytes),
		.paths = names_new(PATHS_MOST, names_bytes),
		.methods = names_new(METHODS_MOST, 4096),
		.bodies = names_new(BODIES_MOST, names_bytes),
		.is_timed = true };
	bool standard = strcmp(path, "-") == 0;
	FILE *in = standard ? stdin : fopen(path, "re");

	if (in == NULL) {
		return err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
	}
	if (format == ACCESS_AUTO && slice_ends(slice_str(path), SLICE(".har"))) {
		l.format = ACCESS_HAR;
	}
	enum err e = l.format == ACCESS_HAR ? read_har(&l, in, note) : read_lines(&l, in);
	if (e == ERR_OK && ferror(in)) {
		e = err_note_set(
		    note, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
	}
	if (!standard) {
		(void)fclose(in);
	}
	if (e == ERR_OK && l.n == 0) {
		access_log_complain(&l, path);
		e = err_note_set(note, ERR_INVALID, "%s: no request in %llu lines", path,
		    (unsigned long long)l.n_lines);
	}
	if (e != ERR_OK) {
		access_log_free(&l);
		return err_note_set(note, e, "%s: %s", path, err_text(e));
	}
	if (l.is_timed) {
		sort(&l);
	}
	*ret = l;
	return ERR_OK;
}

void access_log_free(struct access_log *l)
{
	free(l->records);
	l->records = NULL;
	l->n = l->room = 0;
	names_free(&l->clients);
	names_free(&l->paths);
	names_free(&l->methods);
	names_free(&l->bodies);
}

void access_log_complain(const struct access_log *l, const char *path)
{
	if (l->n_broken == 0) {
		return;
	}
	fprintf(stderr, "plimsoll: %s: %llu of %llu lines were not understood, first:\n", path,
	    (unsigned long long)l->n_broken, (unsigned long long)l->n_lines);
	for (unsigned i = 0; i < ACCESS_NAMED_MOST && i < l->n_broken; i++) {
		fprintf(stderr, "  line %llu: %s: %s\n", (unsigned long long)l->broken[i].line,
		    l->broken[i].why, l->broken[i].text);
	}
}
