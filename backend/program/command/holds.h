/*
 * The sites that are held in pools with failback 'manual', as sentences for people, with the
 * statement that resumes them.
 */
#ifndef STICKY_PROGRAM_COMMAND_HOLDS_H
#define STICKY_PROGRAM_COMMAND_HOLDS_H

#include "core/balance/availability.h"
#include "core/base/problems.h"
#include "core/configuration/snapshot.h"

/*
 * Adds a sentence for each site that would be up, but is held, in any pool, or (`first` not NULL)
 * in this pool and its fallback pools. 0 or ERR_NOMEM.
 */
int holds_add(const struct snapshot *snapshot, const struct availability *availability,
              const struct pool *first, struct problems *problems);

#endif
