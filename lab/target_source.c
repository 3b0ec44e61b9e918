/*
 * Where a target can be looked at, as its user writes it.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/host_port.h"
#include "lab/target_priv.h"

static bool is_loopback(const char *address)
{
	char host[HOST_BYTES], port[PORT_BYTES];

	return host_port_split(slice_str(address), host, port) == ERR_OK &&
	       (host[0] == '\0' || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
		   strcmp(host, "localhost") == 0 || strcmp(host, "0.0.0.0") == 0);
}

/* NAME=PID, NAME=http://HOST:PORT/PATH or without a name. */
static bool read_source(struct target_source *s, struct slice text)
{
	size_t equals = slice_find(text, '=', 0);
	uint64_t pid = 0;
	struct slice name = slice_sub(text, 0, equals), rest = text;

	if (equals < text.len && !slice_starts(text, SLICE("http://"))) {
		rest = slice_sub(text, equals + 1, text.len);
		if (slice_to_cstr(name, s->name, sizeof(s->name)) != ERR_OK || name.len == 0) {
			return false;
		}
	}
	switch (s->kind) {
	case TARGET_PROCESS:
	case TARGET_NAME:
		s->is_local = true;
		s->kind = equals < text.len ? TARGET_PROCESS : TARGET_NAME;
		if (s->kind == TARGET_NAME) {
			return text.len > 0 &&
			       slice_to_cstr(text, s->name, sizeof(s->name)) == ERR_OK;
		}
		s->pid = slice_to_u64(rest, 1 << 30, &pid) == ERR_OK ? (int)pid : 0;
		return s->pid > 0;
	case TARGET_ADMIN:
		return slice_to_cstr(text, s->address, sizeof(s->address)) == ERR_OK;
	case TARGET_METRICS:
		break;
	}
	if (s->name[0] == '\0') {
		(void)snprintf(s->name, sizeof(s->name), "target");
	}
	if (!slice_starts(rest, SLICE("http://"))) {
		return false;
	}
	rest = slice_sub(rest, 7, rest.len);
	size_t slash = slice_find(rest, '/', 0);
	return slice_to_cstr(slice_sub(rest, 0, slash), s->address, sizeof(s->address)) == ERR_OK &&
	       slice_to_cstr(
		   slash < rest.len ? slice_sub(rest, slash, rest.len) : SLICE("/metrics"), s->path,
		   sizeof(s->path)) == ERR_OK;
}

enum err target_add(
    struct target *t, enum target_kind kind, const char *text, struct err_note *note)
{
	struct target_source s = { .kind = kind };

	if (t->n_sources == TARGET_SOURCES_MAX) {
		return err_note_set(
		    note, ERR_LIMIT, "more than %d things to watch", TARGET_SOURCES_MAX);
	}
	if (!read_source(&s, slice_str(text))) {
		return err_note_set(note, ERR_INVALID, "\"%s\" is nothing to watch", text);
	}
	s.is_local = s.is_local || (kind == TARGET_ADMIN && is_loopback(s.address));
	t->sources[t->n_sources++] = s;
	return ERR_OK;
}

bool target_is_local(struct target *t)
{
	for (unsigned i = 0; i < t->n_sources; i++) {
		if (t->sources[i].is_local) {
			return true;
		}
	}
	return false;
}
