/*
 * What a database of an older version lacks, so that it is served until somebody migrates it.
 *
 * Stand-ins are temporary views and tables of one connection. They hide the tables of the file that
 * have the same names, and hold nothing but the defaults of what is new: queries are the same for
 * both versions, and the file is not touched. Nothing that is written to a stand-in is kept.
 */
#ifndef STICKY_STORE_OLDER_H
#define STICKY_STORE_OLDER_H

#include <stdint.h>

/*
 * The statements that make the stand-ins for what came after `version`, or NULL when that version
 * is not served.
 */
const char *older_stand_ins(int64_t version);

#endif
