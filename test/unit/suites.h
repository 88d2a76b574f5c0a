/*
 * The suites of the program `unit`, in the order they run.
 *
 * A suite `x` lives in test_x.c, which defines `const struct suite suite_x`: a title and a list of
 * tests that ends with CU_TEST_INFO_NULL. Its row here is all that the runner has to know.
 */
#ifndef TEST_UNIT_SUITES_H
#define TEST_UNIT_SUITES_H

#include <CUnit/CUnit.h>

struct suite {
    const char *name;         /* as on the command line */
    const CU_TestInfo *tests; /* titles are sentences */
};

#define SUITES(X)                                                                                  \
    X(error)                                                                                       \
    X(number)                                                                                      \
    X(decimal)                                                                                     \
    X(hash)                                                                                        \
    X(address)                                                                                     \
    X(addresses)                                                                                   \
    X(name)                                                                                        \
    X(arena)                                                                                       \
    X(vector)                                                                                      \
    X(buffer)                                                                                      \
    X(problems)                                                                                    \
    X(trace)                                                                                       \
    X(warnings)                                                                                    \
    X(settings)                                                                                    \
    X(pool)                                                                                        \
    X(availability)                                                                                \
    X(prefix_table)                                                                                \
    X(prefix_map)                                                                                  \
    X(rendezvous)                                                                                  \
    X(method)                                                                                      \
    X(method_topology)                                                                             \
    X(turns)                                                                                       \
    X(fresh_metric)                                                                                \
    X(lowest_metric)                                                                               \
    X(choose)                                                                                      \
    X(client)                                                                                      \
    X(pin)                                                                                         \
    X(topology)                                                                                    \
    X(rdata)                                                                                       \
    X(snapshot)                                                                                    \
    X(snapshot_builder)                                                                            \
    X(snapshot_pins)                                                                               \
    X(mapping)                                                                                     \
    X(question)                                                                                    \
    X(assign)                                                                                      \
    X(entry)                                                                                       \
    X(assign_methods)                                                                              \
    X(assign_pools)                                                                                \
    X(assign_pins)                                                                                 \
    X(failback)                                                                                    \
    X(resolve)                                                                                     \
    X(resolver)                                                                                    \
    X(path)                                                                                        \
    X(row_problem)                                                                                 \
    X(step_text)                                                                                   \
    X(line_reader)                                                                                 \
    X(pipe)                                                                                        \
    X(json)                                                                                        \
    X(conversation)                                                                                \
    X(wire)                                                                                        \
    X(wire_copy)                                                                                   \
    X(verdict)                                                                                     \
    X(quorum)                                                                                      \
    X(brake)                                                                                       \
    X(schedule)                                                                                    \
    X(svcb)                                                                                        \
    X(targets)                                                                                     \
    X(watch)                                                                                       \
    X(without_client)                                                                              \
    X(thread)                                                                                      \
    X(memory)                                                                                      \
    X(ticker)                                                                                      \
    X(listener)                                                                                    \
    X(log_queue)                                                                                   \
    X(page_guard)                                                                                  \
    X(kept_map)                                                                                    \
    X(wal_index)                                                                                   \
    X(lock_file)                                                                                   \
    X(file_check)                                                                                  \
    X(database)                                                                                    \
    X(migrate)                                                                                     \
    X(maintenance)                                                                                 \
    X(writer)                                                                                      \
    X(locator)                                                                                     \
    X(claims)                                                                                      \
    X(claim_rows)                                                                                  \
    X(store)                                                                                       \
    X(walk)                                                                                        \
    X(sharing)                                                                                     \
    X(sharing_copy)                                                                                \
    X(columns)                                                                                     \
    X(snapshot_patch)                                                                              \
    X(measurements)                                                                                \
    X(limits)                                                                                      \
    X(topology_loader)                                                                             \
    X(holds)                                                                                       \
    X(status)                                                                                      \
    X(pdns_conf)                                                                                   \
    X(review)                                                                                      \
    X(check)                                                                                       \
    X(dns_question)                                                                                \
    X(dns_text)                                                                                    \
    X(escapes)                                                                                     \
    X(proxy_header)                                                                                \
    X(steps)                                                                                       \
    X(tls)                                                                                         \
    X(content)                                                                                     \
    X(f5_text_index)                                                                               \
    X(f5_document)                                                                                 \
    X(f5_import)                                                                                   \
    X(prober)                                                                                      \
    X(monitoring)                                                                                  \
    X(monitor_database)                                                                            \
    X(message_queue)                                                                               \
    X(jetstream)                                                                                   \
    X(transport_state)                                                                             \
    X(certificate)                                                                                 \
    X(transport)                                                                                   \
    X(daemonize)                                                                                   \
    X(responder)                                                                                   \
    X(allocation_failure)                                                                          \
    X(property)

#define X(name) extern const struct suite suite_##name;
SUITES(X)
#undef X

#endif
