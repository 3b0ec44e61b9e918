/*
 * See shared_words.h.
 */
#include "core/base/shared_words.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static enum err open_file(const char *path, size_t bytes, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		return ERR_IO;
	}
	if (ftruncate(fd, (off_t)bytes) != 0) {
		(void)close(fd);
		return ERR_IO;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err shared_words_open(
    const char *path, size_t n, struct shared_words *ret, struct err_note *note)
{
	const size_t bytes = n * sizeof(uint64_t);
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;

	if (path != NULL) {
		flags = MAP_SHARED;
		if (open_file(path, bytes, &fd) != ERR_OK) {
			return err_note_set(note, ERR_IO, "cannot open %s", path);
		}
	}
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (fd >= 0) {
		(void)close(fd);
	}
	if (map == MAP_FAILED) {
		return ERR_MEMORY;
	}
	*ret = (struct shared_words){ map, map, n };
	return ERR_OK;
}

void shared_words_close(struct shared_words *w)
{
	if (w->words != NULL) {
		(void)munmap(w->map, w->n * sizeof(uint64_t));
		*w = (struct shared_words){ .n = 0 };
	}
}
