/*
 * Files of the MaxMind DB format, made by test/mmdb.
 */
#ifndef STICKY_TEST_MMDB_H
#define STICKY_TEST_MMDB_H

/*
 * Writes a file, which appears at once. The options and lines are those of test/mmdb. That takes
 * half a second, but what was made before is written again.
 */
void mmdb_write(const char *path, const char *options, const char *lines);

#endif
