/*
 * See tls_files.h.
 */
#include "core/role/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/base/wire.h"

static enum err open_file(
    struct tls_files *f, const char *key, const char *path, struct err_note *note)
{
	/* Not to hang on a pipe that somebody has put there. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		return err_note_set(
		    note, ERR_CONFIG, "[tls] %s: cannot open %s: %s", key, path, strerror(errno));
	}
	f->fd[f->n++] = fd;
	wire_put_bytes(&f->names, slice_str(path));
	return ERR_OK;
}

enum err tls_files_open(const struct conf *conf, struct tls_files *ret, struct err_note *note)
{
	struct tls_files f = { .names = buf_new(2 * TLS_LIST_MAX + 4 * TLS_FDS_MAX) };
	struct tls_paths paths;
	enum err e = tls_paths_read(conf, &paths, note);

	for (unsigned i = 0; e == ERR_OK && tls_is_on(conf) && i < paths.n; i++) {
		e = open_file(&f, "certificate", paths.certificate[i], note);
		if (e == ERR_OK) {
			e = open_file(&f, "key", paths.key[i], note);
		}
	}
	if (e != ERR_OK) {
		tls_files_close(&f);
		return e;
	}
	*ret = f;
	return ERR_OK;
}

void tls_files_close(struct tls_files *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		close(f->fd[i]);
	}
	buf_free(&f->names);
	f->n = 0;
}

bool tls_files_take(struct slice body, const int *fds, unsigned n_fds,
    struct tls_pair_files ret[TLS_PAIRS_MAX], char text[2 * (TLS_LIST_MAX + 1)])
{
	struct wire_reader r = wire_reader_new(body);
	const char *names[TLS_FDS_MAX];

	if (n_fds < 2 || n_fds > TLS_FDS_MAX || n_fds % 2 != 0 ||
	    body.len > 2 * TLS_LIST_MAX + 4 * TLS_FDS_MAX) {
		return false;
	}
	for (unsigned i = 0; i < n_fds; i++) {
		struct slice name = wire_take_bytes(&r);
		memcpy(text, name.ptr, name.len);
		text[name.len] = '\0';
		names[i] = text;
		text += name.len + 1;
	}
	for (unsigned i = 0; i < n_fds / 2; i++) {
		ret[i] = (struct tls_pair_files){ .certificate_fd = fds[2 * i],
			.key_fd = fds[2 * i + 1],
			.certificate = names[2 * i],
			.key = names[2 * i + 1] };
	}
	return wire_done(&r);
}
