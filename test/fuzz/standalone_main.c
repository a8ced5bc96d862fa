/* SPDX-License-Identifier: MIT */

/*
 * Replay: run a fuzz target once for each file given as an argument.
 *
 * Each input lies in a block of exactly its size, so that a sanitizer or
 * valgrind sees a read beyond its end. Exits 1 when there is no file or one
 * cannot be read; a broken property aborts (see fuzz.h).
 */

#include "test/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

static int
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size = -1;
	int rc = -1;

	if (file == NULL)
		goto out;
	if (fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
	    fseek(file, 0, SEEK_SET) != 0)
		goto out;
	data = malloc((size_t)size + (size == 0));
	if (data == NULL)
		goto out;
	if (fread(data, 1, (size_t)size, file) != (size_t)size)
		goto out;
	LLVMFuzzerTestOneInput(data, (size_t)size);
	rc = 0;
out:
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	free(data);
	if (file != NULL)
		fclose(file);
	return rc;
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (replay(argv[i]) != 0)
			return 1;
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return argc > 1 ? 0 : 1;
}
