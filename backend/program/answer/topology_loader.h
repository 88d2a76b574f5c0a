/*
 * Where clients are: the topology, and the files that tell countries and autonomous systems, loaded
 * beside the questions.
 *
 * Half a million rows take a quarter of a second, and a file may have to come from a slow disk. So
 * both are loaded in a thread with a connection of its own, and what was loaded before serves on
 * until they are ready. A question that finds a change waits TOPOLOGY_LOADER_WAIT_MS for them,
 * which is enough for some ten thousand rows: with no more than that a change counts from the next
 * question on, like all other tables. With more it counts some tenths of a second later; and since
 * loading costs a processor, changes that come faster than that count together, at most once a
 * second. The question that needs a topology for the first time waits for it longer, since its
 * client would be bound to the wrong site for as long as a mapping lasts; if even that is not
 * enough, the method cannot decide.
 *
 * What cannot be loaded is a problem that is told, and what was loaded before stays in use. One
 * loader belongs to one thread.
 */
#ifndef STICKY_PROGRAM_ANSWER_TOPOLOGY_LOADER_H
#define STICKY_PROGRAM_ANSWER_TOPOLOGY_LOADER_H

#include "core/balance/location.h"
#include "core/balance/topology.h"
#include "program/answer/log_queue.h"
#include "store/store.h"

#define TOPOLOGY_LOADER_WAIT_MS 20

/* PowerDNS kills a coprocess that is silent for 2000 ms. */
#define TOPOLOGY_LOADER_FIRST_WAIT_MS 1200

/* From the end of a load that took longer than TOPOLOGY_LOADER_WAIT_MS, or failed, to the start of
 * the next.
 */
#define TOPOLOGY_LOADER_PAUSE_MS 1000

struct topology_loader;

/* 0 or ERR_NOMEM. Touches no file. `path`, of the database, is copied. */
int topology_loader_new(const char *path, struct topology_loader **ret_loader);

/* Takes NULL. Waits for a load that runs. */
void topology_loader_free(struct topology_loader *loader);

/*
 * Takes over what was loaded, and begins to load what moved. To be called before a question that
 * may need it; `revision` is that of the transaction it is answered in, `now_ms` is monotonic. New
 * problems go to the journal.
 */
void topology_loader_refresh(struct topology_loader *loader, const struct revision *revision,
                             int64_t now_ms, struct log_queue *queue);

/* What is loaded; NULL as long as it never was. Valid until the next topology_loader_refresh(). */
const struct topology *topology_loader_topology(const struct topology_loader *loader);
const struct locator *topology_loader_locator(const struct topology_loader *loader);

/* Says whether a load runs, so that something else is about to count. */
bool topology_loader_is_loading(const struct topology_loader *loader);

/* A sentence about what cannot be used, from 0 on; NULL behind the last one. */
const char *topology_loader_problem(const struct topology_loader *loader, size_t index);

#endif
