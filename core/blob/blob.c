/*
 * Names, folders and finished blobs; blob_draft.c has what becomes one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/blob/blob_priv.h"

enum err blob_failed(struct err_note *note, const char *what, const char *path)
{
	return err_note_set(
	    note, err_from_errno(errno), "cannot %s blobs/%s: %s", what, path, strerror(errno));
}

/* ---- names ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool blob_name_is_good(struct slice name)
{
	if (name.len < BLOB_HASH_HEX || name.len > BLOB_HASH_HEX + 1 + BLOB_FORM_MAX) {
		return false;
	}
	for (size_t i = 0; i < BLOB_HASH_HEX; i++) {
		if (!is_hex(name.ptr[i])) {
			return false;
		}
	}
	if (name.len == BLOB_HASH_HEX) {
		return true;
	}
	for (size_t i = BLOB_HASH_HEX + 1; i < name.len; i++) {
		if (!is_plain(name.ptr[i])) {
			return false;
		}
	}
	return name.ptr[BLOB_HASH_HEX] == '.' && name.len > BLOB_HASH_HEX + 1;
}

void blob_name_of(const unsigned char hash[32], const char *form, char out[BLOB_NAME_SIZE])
{
	CHECK(strlen(form) <= BLOB_FORM_MAX);
	enc_hex_text(SLICE_OF(hash, BLOB_HASH_HEX / 2), out);
	snprintf(out + BLOB_HASH_HEX, BLOB_NAME_SIZE - BLOB_HASH_HEX, "%s%s",
	    form[0] == '\0' ? "" : ".", form);
}

enum err blob_path(struct slice name, char out[BLOB_PATH_SIZE])
{
	if (!blob_name_is_good(name)) {
		return ERR_NOT_FOUND;
	}
	snprintf(out, BLOB_PATH_SIZE, "%.2s/%.*s", name.ptr, SLICE_ARG(name));
	return ERR_OK;
}

/* ---- folders ---- */

static enum err make_folder(int root, const char *name, struct err_note *note)
{
	return mkdirat(root, name, 0700) == 0 || errno == EEXIST ? ERR_OK
								 : blob_failed(note, "make", name);
}

static enum err sync_root(int root, struct err_note *note)
{
	return fsync(root) == 0 ? ERR_OK : blob_failed(note, "sync", "");
}

/*
 * Their names must last before anything is kept in them. The folder of drafts is made when the
 * others last, so with that and the last of them all are there, and a start has nothing to make.
 */
static enum err make_folders(int root, struct err_note *note)
{
	enum err e = ERR_OK;
	char name[3];

	if (faccessat(root, BLOB_NEW, F_OK, 0) == 0 && faccessat(root, "ff", F_OK, 0) == 0) {
		return ERR_OK;
	}
	for (unsigned i = 0; e == ERR_OK && i < BLOB_SHARDS; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		e = make_folder(root, name, note);
	}
	e = e == ERR_OK ? sync_root(root, note) : e;
	e = e == ERR_OK ? make_folder(root, BLOB_NEW, note) : e;
	return e == ERR_OK ? sync_root(root, note) : e;
}

/* The folder itself, in the data folder. */
static enum err make_root(const char *data_dir, const char *path, struct err_note *note)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return blob_failed(note, "make", "");
	}
	int fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err e = fd >= 0 && fsync(fd) == 0 ? ERR_OK : blob_failed(note, "sync", "..");
	if (fd >= 0) {
		(void)close(fd);
	}
	return e;
}

enum err blob_open(
    const char *data_dir, enum blob_mode mode, struct blob_store **ret, struct err_note *note)
{
	char path[4200];
	int n = snprintf(path, sizeof(path), "%s/blobs", data_dir);
	enum err e = ERR_OK;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_note_set(note, ERR_LIMIT, "the path of the data folder is too long");
	}
	struct blob_store *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory");
	}
	s->root = -1;
	if (mode == BLOB_WRITE) {
		e = make_root(data_dir, path, note);
	}
	if (e == ERR_OK) {
		s->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		e = s->root >= 0 ? ERR_OK : blob_failed(note, "open", "");
	}
	if (e == ERR_OK && mode == BLOB_WRITE) {
		e = make_folders(s->root, note);
	}
	if (e != ERR_OK) {
		blob_close(&s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

void blob_close(struct blob_store **sp)
{
	struct blob_store *s = *sp;

	if (s == NULL) {
		return;
	}
	if (s->root >= 0) {
		(void)close(s->root);
	}
	free(s);
	*sp = NULL;
}

/* ---- blobs ---- */

enum err blob_get(const struct blob_store *s, struct slice name, int *ret_fd, uint64_t *ret_size,
    struct err_note *note)
{
	char path[BLOB_PATH_SIZE];
	struct stat st;

	if (blob_path(name, path) != ERR_OK) {
		return ERR_NOT_FOUND;
	}
	int fd = openat(s->root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return errno == ENOENT ? ERR_NOT_FOUND : blob_failed(note, "open", path);
	}
	if (fstat(fd, &st) != 0) {
		enum err e = blob_failed(note, "look at", path);
		(void)close(fd);
		return e;
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return ERR_OK;
}

enum err blob_remove(const struct blob_store *s, struct slice name, struct err_note *note)
{
	char path[BLOB_PATH_SIZE];

	if (blob_path(name, path) != ERR_OK) {
		return ERR_NOT_FOUND;
	}
	return unlinkat(s->root, path, 0) == 0 || errno == ENOENT
		   ? ERR_OK
		   : blob_failed(note, "remove", path);
}

enum err blob_each_in(
    const struct blob_store *s, unsigned shard, blob_fn *fn, void *arg, struct err_note *note)
{
	char folder[3];
	enum err e = ERR_OK;

	CHECK(shard < BLOB_SHARDS);
	snprintf(folder, sizeof(folder), "%02x", shard);
	int fd = openat(s->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (fd < 0 && errno == ENOENT) {
		return ERR_OK; /* nobody has opened the store to write yet */
	}
	if (dir == NULL) {
		e = blob_failed(note, "list", folder);
		if (fd >= 0) {
			(void)close(fd);
		}
		return e;
	}
	for (const struct dirent *entry; e == ERR_OK && (entry = readdir(dir)) != NULL;) {
		struct blob_info info = { .name = slice_str(entry->d_name) };
		struct stat st;
		if (blob_name_is_good(info.name) && fstatat(fd, entry->d_name, &st, 0) == 0) {
			info.size = (uint64_t)st.st_size;
			info.kept_ms =
			    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
			e = fn(arg, &info);
		}
	}
	(void)closedir(dir);
	return e;
}

enum err blob_each(const struct blob_store *s, blob_fn *fn, void *arg, struct err_note *note)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < BLOB_SHARDS; i++) {
		e = blob_each_in(s, i, fn, arg, note);
	}
	return e;
}
