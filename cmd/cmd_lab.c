/*
 * plimsoll model, plimsoll load: executes plimsoll-lab, which lies beside this program or in the
 * folder for helpers, with the same words.
 */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd_lab.h"
#include "core/role/role.h"
#include "core/role/spawn.h"

int cmd_lab(char **argv)
{
	char own[4096];
	struct err_note note = { 0 };
	int fd = -1;
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	if (n <= 0) {
		fprintf(stderr, "plimsoll: where this program lies cannot be told\n");
		return EXIT_FAILED;
	}
	own[n] = '\0';
	if (spawn_open(dirname(own), "plimsoll-lab", &fd, &note) != ERR_OK) {
		fprintf(stderr, "plimsoll: %s\n", note.text);
		return EXIT_FAILED;
	}
	fexecve(fd, argv, environ);
	fprintf(stderr, "plimsoll: cannot execute plimsoll-lab: %s\n", strerror(errno));
	return EXIT_FAILED;
}
