/*
 * Preloaded into the processes of a whole server: each fsync and fdatasync takes so many
 * milliseconds longer as the file $PLIMSOLL_FAULT says, as on a slow disk. It waits in a futex,
 * which the sandbox of every role allows.
 */
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long delay_ms;

__attribute__((constructor)) static void read_delay(void)
{
	const char *path = getenv("PLIMSOLL_FAULT");
	FILE *in = path == NULL ? NULL : fopen(path, "r");

	if (in != NULL) {
		if (fscanf(in, "%ld", &delay_ms) != 1) {
			delay_ms = 0;
		}
		fclose(in);
	}
}

static int slowly(long call, int fd)
{
	const struct timespec delay = { delay_ms / 1000, delay_ms % 1000 * 1000000 };
	unsigned nobody_wakes = 0;

	syscall(SYS_futex, &nobody_wakes, FUTEX_WAIT_PRIVATE, 0, &delay, NULL, 0);
	return (int)syscall(call, fd);
}

int fsync(int fd)
{
	return slowly(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return slowly(SYS_fdatasync, fd);
}
