/*
 * plimsoll backup DIR: copies what lasts, also while the server runs. It reads the files as their
 * owner and asks nobody, so it works on a server that hangs, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/blob_backup.h"
#include "cmd/cmd.h"
#include "core/base/clock.h"
#include "core/store/backup.h"
#include "core/store/store_conf.h"

enum {
	SHOW_EVERY_US = 1000000,
	NICE = 10,
	IOPRIO_WHO_PROCESS = 1,
	IOPRIO_CLASS_IDLE = 3,
	IOPRIO_CLASS_SHIFT = 13,
	MIB = 1024 * 1024,
	PAGE_BYTES = 4096
};

struct progress {
	int64_t shown_us;
};

/* A backup may take its time; people's requests may not. Where the system refuses, it is as usual.
 */
static void step_back(void)
{
	if (nice(NICE) == -1) {
		errno = 0;
	}
	(void)syscall(
	    SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT);
}

static void show(void *arg, int64_t done_pages, int64_t all_pages)
{
	struct progress *p = arg;
	int64_t now_us = clock_mono_us();

	if (now_us - p->shown_us >= SHOW_EVERY_US && all_pages > 0) {
		p->shown_us = now_us;
		fprintf(stderr, "plimsoll backup: %" PRId64 " of %" PRId64 " MiB\n",
		    done_pages * PAGE_BYTES / MIB, all_pages * PAGE_BYTES / MIB);
	}
}

static void tell_blobs(const struct blob_backup *blobs, enum blob_kind kind)
{
	const struct blob_copied *d = &blobs->done[kind];
	const char *name = blob_kind_name(kind);

	if (d->blobs > 0) {
		printf("%" PRId64 " %s, %" PRId64 " bytes: %" PRId64 " copied, %" PRId64
		       " shared with the earlier backup\n",
		    d->blobs - d->lost, name, d->bytes, d->copied, d->linked);
	}
	if (d->lost > 0) {
		fprintf(stderr,
		    "plimsoll backup: %" PRId64
		    " %s were lost before: see above; all the others are in the backup\n",
		    d->lost, name);
	}
}

static void tell(const struct manifest *m, const char *target, int64_t took_us)
{
	int64_t bytes = 0;

	for (unsigned i = 0; i < m->n_files; i++) {
		bytes += m->files[i].sum.size;
	}
	printf("%s: %u files, %" PRId64 " bytes, %.1f s%s\n", target, m->n_files, bytes,
	    (double)took_us / 1e6,
	    manifest_has_keys(m) ? "; with the private keys: keep it as safe as the server"
				 : "; without keys");
}

int cmd_backup(const struct app *app, struct conf *conf, const struct cmd_options *o)
{
	int64_t begun_us = clock_mono_us();
	struct progress progress = { begun_us };
	struct blob_backup blobs = { .command = "backup" };
	struct backup b = { .data_dir = conf_str(conf, "plimsoll", "data_dir"),
		.target = o->word,
		.version = app->version,
		.with_keys = !o->without_keys,
		.watch = show,
		.watch_arg = &progress,
		.add_blobs = o->without_blobs ? NULL : blob_backup_add,
		.remove_blobs = blob_backup_remove,
		.blobs_arg = &blobs };
	struct manifest m;
	struct err_note note = { 0 };

	if (o->word == NULL) {
		fprintf(stderr,
		    "plimsoll backup: say where to: plimsoll backup DIR [--previous DIR] "
		    "[--without-keys] [--without-blobs] [-c FILE]\n");
		return EXIT_USAGE;
	}
	if (store_is_postgres(conf)) {
		fprintf(stderr,
		    "plimsoll backup: with [store] engine = postgres the data is the server's: use "
		    "pg_dump and pg_restore, and copy the folders keys and blobs\n");
		return EXIT_FAILED;
	}
	step_back();
	enum err e =
	    o->without_blobs ? ERR_OK : blob_backup_begin(&blobs, b.data_dir, o->previous, &note);
	if (e == ERR_OK) {
		e = backup_make(&b, &m, &note);
	}
	blob_backup_end(&blobs);
	if (e != ERR_OK) {
		fprintf(stderr, "plimsoll backup: %s; no backup was made\n",
		    note.text[0] != '\0' ? note.text : err_text(e));
		return EXIT_FAILED;
	}
	tell(&m, o->word, clock_mono_us() - begun_us);
	for (enum blob_kind kind = 0; kind < BLOB_KINDS; kind++) {
		tell_blobs(&blobs, kind);
	}
	return EXIT_OK;
}
