/*
 * Stands in the place of a program of the server: executes PROGRAM.real beside it with fault.so
 * preloaded. The supervisor gives its roles no environment, and should not, so each program passes
 * through here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PATH_SIZE = 1024
};

int main(int argc, char **argv)
{
	char own[PATH_SIZE], program[PATH_SIZE + 16], library[PATH_SIZE + 16],
	    control[PATH_SIZE + 16];
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);

	(void)argc;
	if (n <= 0) {
		return 1;
	}
	own[n] = '\0';
	snprintf(program, sizeof(program), "%s.real", own);
	*strrchr(own, '/') = '\0';
	snprintf(library, sizeof(library), "%s/fault.so", own);
	snprintf(control, sizeof(control), "%s/fault.control", own);
	setenv("LD_PRELOAD", library, 1);
	setenv("PLIMSOLL_FAULT", control, 1);
	execv(program, argv);
	perror(program);
	return 1;
}
