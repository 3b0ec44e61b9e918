/*
 * See backup_file.h. Short reads and writes are the rule of the system call, not an error; a write
 * that takes nothing is one.
 */
#include "core/store/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/enc.h"

enum {
	CHUNK_BYTES = 256 * 1024
};

static enum err failed(struct err_note *note, const char *what, const char *path)
{
	return err_note_set(
	    note, err_from_errno(errno), "cannot %s %s: %s", what, path, strerror(errno));
}

static enum err read_chunk(
    int fd, const char *path, char *chunk, size_t size, size_t *ret, struct err_note *note)
{
	ssize_t n;

	do {
		n = read(fd, chunk, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return failed(note, "read", path);
	}
	*ret = (size_t)n;
	return ERR_OK;
}

static enum err write_whole(int fd, const char *path, struct slice bytes, struct err_note *note)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n == 0) {
			errno = EIO;
		}
		if (n == 0 || (n < 0 && errno != EINTR)) {
			return failed(note, "write", path);
		}
		bytes = slice_sub(bytes, n < 0 ? 0 : (size_t)n, bytes.len);
	}
	return ERR_OK;
}

static enum err finish_sum(EVP_MD_CTX *hash, struct backup_sum *sum)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex(hash, digest, &len) != 1 || len * 2 != BACKUP_HASH_HEX) {
		return ERR_CRYPTO;
	}
	enc_hex_text(SLICE_OF(digest, len), sum->sha256);
	return ERR_OK;
}

/* Reads in through, into out if that is not -1. */
static enum err pour(int in, const char *in_path, int out, const char *out_path,
    struct backup_sum *ret, struct err_note *note)
{
	struct backup_sum sum = { 0 };
	char *chunk = malloc(CHUNK_BYTES);
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	enum err e = ERR_OK;

	if (chunk == NULL || hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1) {
		e = err_note_set(note, ERR_MEMORY, "no memory");
	}
	for (size_t n = 1; e == ERR_OK && n > 0;) {
		e = read_chunk(in, in_path, chunk, CHUNK_BYTES, &n, note);
		if (e == ERR_OK && EVP_DigestUpdate(hash, chunk, n) != 1) {
			e = err_note_set(note, ERR_CRYPTO, "SHA-256 of %s failed", in_path);
		}
		if (e == ERR_OK && out >= 0) {
			e = write_whole(out, out_path, SLICE_OF(chunk, n), note);
		}
		sum.size += (int64_t)n;
	}
	if (e == ERR_OK) {
		e = finish_sum(hash, &sum);
	}
	if (e == ERR_OK) {
		*ret = sum;
	}
	EVP_MD_CTX_free(hash);
	free(chunk);
	return e;
}

/* Syncs and closes a file that was written; removes it if anything went wrong. */
static enum err finish_file(int fd, const char *path, enum err e, struct err_note *note)
{
	if (e == ERR_OK && fsync(fd) != 0) {
		e = failed(note, "sync", path);
	}
	if (close(fd) != 0 && e == ERR_OK) {
		e = failed(note, "close", path);
	}
	if (e != ERR_OK) {
		(void)unlink(path);
	}
	return e;
}

static enum err open_new(const char *path, int *ret, struct err_note *note)
{
	*ret = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return *ret >= 0 ? ERR_OK : failed(note, "make", path);
}

static enum err open_old(const char *path, int *ret, struct err_note *note)
{
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return *ret >= 0 ? ERR_OK : failed(note, "open", path);
}

enum err backup_sum_of(const char *path, struct backup_sum *ret, struct err_note *note)
{
	int in = -1;
	enum err e = open_old(path, &in, note);

	if (e == ERR_OK) {
		e = pour(in, path, -1, "", ret, note);
		(void)close(in);
	}
	return e;
}

enum err backup_copy(
    const char *from, const char *to, struct backup_sum *ret, struct err_note *note)
{
	int in = -1, out = -1;
	enum err e = open_old(from, &in, note);

	if (e != ERR_OK) {
		return e;
	}
	e = open_new(to, &out, note);
	if (e == ERR_OK) {
		e = finish_file(out, to, pour(in, from, out, to, ret, note), note);
	}
	(void)close(in);
	return e;
}

enum err backup_write(const char *path, struct slice content, struct err_note *note)
{
	int out = -1;
	enum err e = open_new(path, &out, note);

	return e == ERR_OK ? finish_file(out, path, write_whole(out, path, content, note), note)
			   : e;
}

enum err backup_read(const char *path, struct buf *out, struct err_note *note)
{
	int in = -1;
	size_t n = 1;
	enum err e = open_old(path, &in, note);

	if (e != ERR_OK) {
		return e;
	}
	while (e == ERR_OK && n > 0) {
		char *room = buf_room(out, 4096);
		if (room == NULL) {
			e = err_note_set(note, ERR_LIMIT, "%s is too large", path);
			break;
		}
		e = read_chunk(in, path, room, 4096, &n, note);
		if (e == ERR_OK) {
			buf_grew(out, n);
		}
	}
	(void)close(in);
	return e;
}

static enum err sync_opened(const char *path, int flags, struct err_note *note)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	enum err e = ERR_OK;

	if (fd < 0) {
		return failed(note, "open", path);
	}
	if (fsync(fd) != 0) {
		e = failed(note, "sync", path);
	}
	(void)close(fd);
	return e;
}

enum err backup_sync(const char *path, struct err_note *note)
{
	return sync_opened(path, O_RDONLY, note);
}

enum err backup_sync_folder(const char *path, struct err_note *note)
{
	return sync_opened(path, O_RDONLY | O_DIRECTORY, note);
}

enum err backup_rename(const char *from, const char *to, struct err_note *note)
{
	return rename(from, to) == 0 ? ERR_OK : failed(note, "rename", from);
}

enum err backup_remove(const char *path, struct err_note *note)
{
	return unlink(path) == 0 || errno == ENOENT ? ERR_OK : failed(note, "remove", path);
}
