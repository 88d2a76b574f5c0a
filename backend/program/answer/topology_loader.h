/*
 * Loads the topology and the GeoIP databases in the background.
 *
 * Half a million rows take a quarter of a second, and a file may come from a slow disk. So both are
 * loaded in a thread with its own connection, and what was loaded before is used until they are
 * ready.
 *
 * The question that finds a change waits TOPOLOGY_LOADER_WAIT_MS, which is enough for about ten
 * thousand rows: in smaller tables a change counts from the next question on, as in all other
 * tables. In larger ones it counts some tenths of a second later. Because loading takes a
 * processor, it is then done at most once a second. The question that first needs a topology waits
 * longer; if that is not enough either, the method is undecided, and what is answered instead is
 * not kept as a mapping, since the client would stay at the wrong site for as long as that lasts.
 *
 * What cannot be loaded is a problem, and what was loaded before stays in use. A loader belongs to
 * one thread.
 */
#ifndef STICKY_PROGRAM_ANSWER_TOPOLOGY_LOADER_H
#define STICKY_PROGRAM_ANSWER_TOPOLOGY_LOADER_H

#include "core/balance/location.h"
#include "core/balance/topology.h"
#include "core/base/log_queue.h"
#include "store/store.h"

#define TOPOLOGY_LOADER_WAIT_MS 20

/* PowerDNS kills a coprocess that is silent for 2000 ms. */
#define TOPOLOGY_LOADER_FIRST_WAIT_MS 1200

/* A command in the shell has the time of a person. */
#define TOPOLOGY_LOADER_SHELL_WAIT_MS 60000

/* Pause after a load that failed, or took longer than TOPOLOGY_LOADER_WAIT_MS. */
#define TOPOLOGY_LOADER_PAUSE_MS 1000

struct topology_loader;

/* 0 or ERR_NOMEM. Opens no file. `path` of the database is copied. */
int topology_loader_new(const char *path, struct topology_loader **ret_loader);

/* The first load is waited for as long as a person would wait, and not as PowerDNS would. */
void topology_loader_be_patient(struct topology_loader *loader);

/* Takes NULL. Waits for a running load to end. */
void topology_loader_free(struct topology_loader *loader);

/*
 * Takes over what has been loaded, and begins to load what has changed. To be called before a
 * question that may need it; `revision` is that of the question's transaction, `now_ms` is
 * monotonic. New problems are added to the queue.
 */
void topology_loader_refresh(struct topology_loader *loader, const struct revision *revision,
                             int64_t now_ms, struct log_queue *queue);

/*
 * What is loaded; NULL until it has been loaded once. Valid until the next
 * topology_loader_refresh().
 */
const struct topology *topology_loader_topology(const struct topology_loader *loader);
const struct locator *topology_loader_locator(const struct topology_loader *loader);

/* Says whether a load is running, whose result will replace what is loaded. */
bool topology_loader_is_loading(const struct topology_loader *loader);

/* A problem by index, from 0 on; NULL after the last one. */
const char *topology_loader_problem(const struct topology_loader *loader, size_t index);

#endif
