/*
 * Prints a plan: comments and statements, and at the end a summary. One pass over the plan, which
 * decides nothing. If there is no memory, `out->failed` is set.
 */
#ifndef STICKY_F5_WRITE_SQL_H
#define STICKY_F5_WRITE_SQL_H

#include "core/base/buffer.h"
#include "f5/plan.h"

void write_sql(const struct f5_model *model, const struct f5_plan *plan, struct buffer *out);

#endif
