/*
 * Imports the configuration of a BIG-IP DNS (GTM): from its text to SQL for a database of
 * schema.sql, with a comment next to everything that has no counterpart or another meaning.
 *
 * The text is all of bigip_gtm.conf, or what `tmsh list gtm` prints, with the files of all
 * partitions. Other objects than those of `gtm` are skipped. Nothing is written before all of it
 * was read and understood. The SQL is one transaction: it takes effect as a whole or not at all.
 *
 * The room reads no file and knows no database: document.h is the syntax, model.h what it means to
 * a BIG-IP, plan.h what it becomes here, and write_sql.c prints that.
 */
#ifndef STICKY_F5_IMPORT_H
#define STICKY_F5_IMPORT_H

#include "core/base/buffer.h"
#include "core/base/error.h"

/* The longest text: some two million lines, of which the import needs up to a gigabyte. */
#define F5_INPUT_MAX (64 << 20)

/*
 * Adds the SQL to `sql`. 0; ERR_NOMEM; or ERR_INVAL, with "line N: " and what is wrong there. On
 * failure nothing was added.
 */
int f5_import(const char *text, size_t length, struct buffer *sql, struct error *error);

#endif
