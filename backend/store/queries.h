/*
 * Every SQL statement of the program, prepared once for each connection.
 *
 * Columns are named one by one, so that a newer schema may add some. The order of result columns
 * and parameters is a contract with the functions that use them.
 */
#ifndef STICKY_STORE_QUERIES_H
#define STICKY_STORE_QUERIES_H

enum query {
    QUERY_REVISION,
    QUERY_ZONES,
    QUERY_RECORDS,
    QUERY_CONTROLLERS,
    QUERY_POOLS,
    QUERY_VIRTUAL_SERVERS,
    QUERY_BALANCED_NAMES,
    QUERY_GROUPS,
    QUERY_SETTINGS,
    QUERY_TOPOLOGY,
    QUERY_GEO_DATABASES,
    QUERY_CONTROLLER_AVAILABILITY,
    QUERY_SERVER_AVAILABILITY,
    QUERY_SERVER_METRIC,
    QUERY_CONTROLLER_METRIC,
    QUERY_PATH_LENGTH,
    QUERY_PATH_METRIC,
    QUERY_MAPPING_FIND,
    QUERY_MAPPING_INSERT,
    QUERY_MAPPING_REPLACE,
    QUERY_MAPPING_FORGET,
    QUERY_MAPPING_EACH,
    QUERY_PAGE_COUNT,
    QUERY_FREE_PAGES,
    QUERY_PAGE_SIZE,
    QUERY_TOUCH,
    QUERY_SWEEP_LOOK,
    QUERY_SWEEP_DELETE,
    QUERY_COUNT
};

extern const char *const query_texts[QUERY_COUNT];

#endif
