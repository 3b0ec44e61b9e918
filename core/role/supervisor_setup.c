/*
 * Everything the supervisor does before its first process: checks, the data directory, addresses,
 * programs, the metrics block. A step that fails leaves the line for people in note.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/http/server.h"
#include "core/obs/log.h"
#include "core/role/app.h"
#include "core/role/sandbox.h"
#include "core/role/spawn.h"
#include "core/role/data_dir.h"
#include "core/role/supervisor.h"

/* The steps; each finds what the ones before have left in s. */
typedef enum err setup_fn(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note);

static enum err check_conf(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	(void)o;
	return app_conf_check(s->app, s->conf, note);
}

static enum err choose_services(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	if (s->is_helper) {
		/* Any service's jobs may come. */
		s->services = (1u << s->app->n_services) - 1;
		s->roles = ROLE_BIT(ROLE_HELPER) | ROLE_BIT(ROLE_COMPUTE);
		return ERR_OK;
	}
	enum err e = app_services(s->app, s->conf, o->only_service, &s->services, note);

	s->roles = app_roles(s->app, s->services);
	const bool computes = (s->roles & ROLE_BIT(ROLE_COMPUTE)) != 0;
	if (computes && conf_str(s->conf, "nats", "url")[0] != '\0') {
		s->roles |= ROLE_BIT(ROLE_OFFLOAD);
	}
	if (tls_is_on(s->conf)) {
		s->roles |= ROLE_BIT(ROLE_SIGNER); /* which has the keys of certificates */
	}
	return e;
}

static enum err require_sandbox(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	struct err_note why = { 0 };
	enum err e = s->sandbox ? sandbox_available(&why) : ERR_OK;

	(void)o;
	return e == ERR_OK ? e
			   : err_note_set(note, e,
				 "%s; --no-sandbox starts without that protection", why.text);
}

static enum err take_data_dir(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	const char *path = conf_str(s->conf, "plimsoll", "data_dir");

	if (o->is_helper) {
		return ERR_OK;
	}
	if (!predecessor_waits(&s->predecessor)) {
		return data_dir_open(path, s->data_dir, &s->lock_fd, note);
	}
	s->lock_fd = s->predecessor.lock_fd;
	s->predecessor.lock_fd = -1;
	return data_dir_adopt(path, s->lock_fd, s->data_dir, note);
}

static enum err compare_schema(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	(void)o;
	return predecessor_compare_schema(s, note);
}

static enum err bind_listener(struct supervisor *s, unsigned i, struct err_note *note)
{
	const char *address = conf_str(s->conf, listeners[i].section, listeners[i].key);
	struct err_note why = { 0 };
	enum err e = ERR_OK;

	snprintf(s->listen_address[i], sizeof(s->listen_address[i]), "%s", address);
	s->listen_fd[i] = given_take(&s->given, listeners[i].socket, address);
	if (s->listen_fd[i] < 0) {
		e = http_listen_socket(address, &s->listen_fd[i], &why);
	}
	return e == ERR_OK
		   ? e
		   : err_note_set(note, e, "[%s] %s = %s: %s", listeners[i].section,
			 listeners[i].key, address, why.text[0] == '\0' ? err_text(e) : why.text);
}

static enum err bind_listeners(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	char rest[sizeof(note->text)];
	enum err e = ERR_OK;

	(void)o;
	for (unsigned i = 0; e == ERR_OK && i < n_listeners; i++) {
		bool is_off = s->is_helper ||
			      conf_str(s->conf, listeners[i].section, listeners[i].key)[0] == '\0';
		if (!is_off && listener_is_used(s->app, s->services, i)) {
			e = bind_listener(s, i, note);
		}
	}
	if (e == ERR_OK && s->given.by_manager && given_rest(&s->given, rest, sizeof(rest))) {
		e = err_note_set(note, ERR_CONFIG, "%s", rest);
	}
	given_close(&s->given);
	return e;
}

static enum err open_tls_files(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	(void)o;
	return tls_files_open(s->conf, &s->tls_files, note);
}

static enum err open_programs(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		if ((s->roles & ROLE_BIT(role)) != 0) {
			enum err e = spawn_open(o->program_folder, role_table[role].program,
			    &s->program_fd[role], note);
			if (e != ERR_OK) {
				return e;
			}
		}
	}
	return ERR_OK;
}

static enum err list_children(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	(void)o;
	for (enum role_id role = ROLE_WEB; role < ROLE_COUNT; role++) {
		const char *section = role_table[role].instances_key;
		unsigned n =
		    section == NULL ? 1 : (unsigned)conf_int(s->conf, section, "instances");
		if ((s->roles & ROLE_BIT(role)) != 0 &&
		    child_add(s, role, n == 0 ? app_cores() : n) != ERR_OK) {
			return err_note_set(note, ERR_CONFIG, "too many processes; at most %d",
			    SUPERVISOR_MAX_CHILDREN);
		}
	}
	return ERR_OK;
}

static void keep_warning(void *arg, struct slice line)
{
	metrics_warn(arg, clock_wall_ms(), line);
}

static enum err make_block(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	enum err e = app_metric_schema(s->app, &s->schema);

	(void)o;
	if (e != ERR_OK) {
		return e;
	}
	s->block_bytes = metrics_block_bytes(s->schema, s->n_children);
	s->block_fd = memfd_create("plimsoll-metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* Nobody may pull the memory from under the others. */
	if (s->block_fd < 0 || ftruncate(s->block_fd, (off_t)s->block_bytes) != 0 ||
	    fcntl(s->block_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		return err_note_set(note, err_from_errno(errno),
		    "cannot make the metrics block: %s", strerror(errno));
	}
	void *block =
	    mmap(NULL, s->block_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->block_fd, 0);
	if (block == MAP_FAILED) {
		return err_note_set(note, err_from_errno(errno), "cannot map the metrics block: %s",
		    strerror(errno));
	}
	s->block = block;
	metrics_format(s->schema, block, s->n_children);
	e = metrics_open(s->schema, block, s->block_bytes, s->n_children, -1, &s->metrics);
	for (unsigned i = 0; e == ERR_OK && i < s->n_children; i++) {
		metrics_slot(s->metrics, i)->role = (int32_t)s->children[i].role;
		metrics_slot(s->metrics, i)->instance = (int32_t)s->children[i].instance;
	}
	if (e == ERR_OK) {
		log_on_warning(keep_warning, s->metrics);
	}
	return e;
}

static const struct {
	setup_fn *run;
	int exit_code; /* when it fails */
} steps[] = {
	{ check_conf, EXIT_CONFIG },
	{ choose_services, EXIT_CONFIG },
	{ list_children, EXIT_CONFIG },
	{ require_sandbox, EXIT_SANDBOX },
	{ open_tls_files, EXIT_CONFIG },
	{ take_data_dir, EXIT_FAILED },
	{ compare_schema, EXIT_FAILED },
	{ bind_listeners, EXIT_FAILED },
	{ open_programs, EXIT_FAILED },
	{ make_block, EXIT_FAILED },
};

enum err supervisor_set_up(
    struct supervisor *s, const struct supervisor_options *o, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(steps) / sizeof(steps[0]); i++) {
		e = steps[i].run(s, o, note);
		s->exit_code = e == ERR_EXISTS ? EXIT_IN_USE : steps[i].exit_code;
	}
	return e;
}
