/*
 * The raw bcrypt rate of the cores: bcrypt_raw COST SECONDS PROCESSES prints hashes per second of
 * that many processes that do nothing else. What logins.mjs compares with.
 */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"

static long hash_until(const char *setting, int64_t end_us)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	long n = 0;

	CHECK(data != NULL);
	while (clock_mono_us() < end_us) {
		CHECK(crypt_r("correct horse", setting, data) != NULL);
		n++;
	}
	free(data);
	return n;
}

int main(int argc, char **argv)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	CHECK(argc == 4);
	unsigned long cost = strtoul(argv[1], NULL, 10);
	long seconds = strtol(argv[2], NULL, 10), processes = strtol(argv[3], NULL, 10);
	CHECK(processes > 0 && processes <= 256 && seconds > 0);
	CHECK(crypt_gensalt_rn("$2b$", cost, NULL, 0, setting, sizeof(setting)) != NULL);
	size_t bytes = (size_t)processes * sizeof(long);
	long *counts = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(counts != MAP_FAILED);
	int64_t end_us = clock_mono_us() + seconds * 1000000;
	for (long i = 0; i < processes; i++) {
		if (fork() == 0) {
			counts[i] = hash_until(setting, end_us);
			_exit(0);
		}
	}
	long total = 0;
	while (wait(NULL) > 0) {
	}
	for (long i = 0; i < processes; i++) {
		total += counts[i];
	}
	printf("%.2f\n", (double)total / (double)seconds);
	return 0;
}
