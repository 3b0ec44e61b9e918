/*
 * The end of an archive, from which its directory is found.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/symbols/little.h"
#include "services/symbols/zip_priv.h"

enum {
	END_BYTES = 22,
	END_SEARCH = END_BYTES + 65535, /* the comment behind it may be so long */
	LOCATOR64_BYTES = 20,
	END64_BYTES = 56,
};

#define SIGNATURE_END	  0x06054b50u
#define SIGNATURE_END64	  0x06064b50u
#define SIGNATURE_LOCATOR 0x07064b50u

enum err zip_refuse(struct err_note *note, const char *why)
{
	return err_note_set(note, ERR_SYNTAX, "%s", why);
}

enum err zip_read_at(int fd, uint64_t offset, void *out, size_t len, struct err_note *note)
{
	char *to = out;

	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)offset);
		if (n <= 0) {
			return err_note_set(note, ERR_IO, "the archive cannot be read");
		}
		to += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* The last record whose comment ends with the file; ERR_SYNTAX: there is none. */
static enum err find_end(
    int fd, uint64_t size, unsigned char end[END_BYTES], uint64_t *ret_at, struct err_note *note)
{
	size_t len = size < END_SEARCH ? (size_t)size : END_SEARCH;
	unsigned char *tail = malloc(len == 0 ? 1 : len);

	if (tail == NULL) {
		return ERR_MEMORY;
	}
	enum err e = zip_read_at(fd, size - len, tail, len, note);
	bool found = false;
	for (size_t at = len - (len < END_BYTES ? len : END_BYTES);
	     e == ERR_OK && len >= END_BYTES && !found; at--) {
		found = little_number(tail + at, 4) == SIGNATURE_END &&
			little_number(tail + at + 20, 2) == len - at - END_BYTES;
		if (found) {
			memcpy(end, tail + at, END_BYTES);
			*ret_at = size - len + at;
		}
		if (at == 0) {
			break;
		}
	}
	free(tail);
	return e != ERR_OK ? e : found ? ERR_OK : zip_refuse(note, "it has no end of a directory");
}

/* The record of ZIP64, if the archive has one. */
static enum err read_end64(int fd, uint64_t end_at, struct zip_directory *d, struct err_note *note)
{
	unsigned char locator[LOCATOR64_BYTES], end[END64_BYTES];

	if (end_at < LOCATOR64_BYTES) {
		return zip_refuse(note, "its directory cannot be so large");
	}
	enum err e = zip_read_at(fd, end_at - LOCATOR64_BYTES, locator, sizeof(locator), note);
	if (e != ERR_OK) {
		return e;
	}
	uint64_t at = little_number(locator + 8, 8), limit = end_at - LOCATOR64_BYTES;
	if (little_number(locator, 4) != SIGNATURE_LOCATOR || limit < END64_BYTES ||
	    at > limit - END64_BYTES) {
		return zip_refuse(note, "its 64-bit directory is not found");
	}
	e = zip_read_at(fd, at, end, sizeof(end), note);
	if (e == ERR_OK &&
	    (little_number(end, 4) != SIGNATURE_END64 || little_number(end + 16, 4) != 0)) {
		e = zip_refuse(note, "its 64-bit directory is damaged");
	}
	if (e == ERR_OK) {
		*d = (struct zip_directory){ little_number(end + 32, 8), little_number(end + 40, 8),
			little_number(end + 48, 8), at };
	}
	return e;
}

enum err zip_find_directory(int fd, uint64_t size, struct zip_directory *ret, struct err_note *note)
{
	unsigned char end[END_BYTES];
	uint64_t at = 0;
	enum err e = find_end(fd, size, end, &at, note);

	if (e != ERR_OK) {
		return e;
	}
	struct zip_directory d = { little_number(end + 10, 2), little_number(end + 12, 4),
		little_number(end + 16, 4), at };
	if (d.entries == 0xffff || d.size == 0xffffffff || d.offset == 0xffffffff) {
		e = read_end64(fd, at, &d, note);
	} else if (little_number(end + 4, 2) != 0 || little_number(end + 8, 2) != d.entries) {
		e = err_note_set(note, ERR_UNSUPPORTED, "it is one of several disks");
	}
	if (e == ERR_OK && (d.offset > d.end || d.size > d.end - d.offset)) {
		e = zip_refuse(note, "its directory is cut off");
	}
	if (e == ERR_OK && d.size > ZIP_DIRECTORY_MAX) {
		e = err_note_set(note, ERR_LIMIT, "its directory is too large");
	}
	if (e == ERR_OK) {
		*ret = d;
	}
	return e;
}
