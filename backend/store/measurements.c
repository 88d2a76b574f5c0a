/*
 * The tables of measured values, read value by value when a choice needs one, so that each counts
 * as soon as it is committed.
 */
#include <stdio.h>

#include "store/store_parts.h"

/* The text of a network in path_metric, with NUL. */
#define NETWORK_TEXT_MAX (ADDRESS_TEXT_MAX + 4)

/* Steps a statement that gives one value with its time, and resets it. */
static int read_metric(struct database *database, sqlite3_stmt *statement,
                       struct metric *ret_metric)
{
    struct error error = {0};
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        *ret_metric = (struct metric){sqlite3_column_double(statement, 0),
                                      sqlite3_column_int64(statement, 1)};
    else if (result == SQLITE_DONE)
        code = ERR_NOTFOUND;
    else
        code = database_error(database, result, "a metric cannot be read", &error);
    sqlite3_reset(statement);
    return code;
}

static int find_named(struct store *store, enum query query, int64_t id, const char *name,
                      struct metric *ret_metric)
{
    struct database *database = &store->database;
    if (!database->connection)
        return ERR_IO;
    sqlite3_stmt *statement = database_statement(database, query);
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    return read_metric(database, statement, ret_metric);
}

static int find_server(void *context, int64_t server_id, const char *name,
                       struct metric *ret_metric)
{
    return find_named(context, QUERY_SERVER_METRIC, server_id, name, ret_metric);
}

static int find_controller(void *context, int64_t controller_id, const char *name,
                           struct metric *ret_metric)
{
    return find_named(context, QUERY_CONTROLLER_METRIC, controller_id, name, ret_metric);
}

/* The longest length of a network that is at most `bits`; ERR_NOTFOUND when there is none. */
static int find_length(struct database *database, enum address_family family, int bits,
                       int *ret_bits)
{
    struct error error = {0};
    sqlite3_stmt *statement = database_statement(database, QUERY_PATH_LENGTH);
    sqlite3_bind_int(statement, 1, family == FAMILY_IPV6);
    sqlite3_bind_int(statement, 2, bits);
    int result = sqlite3_step(statement), code = 0;
    if (result != SQLITE_ROW)
        code = database_error(database, result, "path metrics cannot be read", &error);
    else if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
        code = ERR_NOTFOUND;
    else
        *ret_bits = sqlite3_column_int(statement, 0);
    sqlite3_reset(statement);
    return code;
}

static int find_network(struct database *database, const struct address *client, int bits,
                        int64_t controller_id, struct metric *ret_metric)
{
    struct prefix prefix = prefix_of(client, (unsigned)bits);
    char address[ADDRESS_TEXT_MAX], network[NETWORK_TEXT_MAX];
    snprintf(network, sizeof network, "%s/%d", address_format(&prefix.address, address), bits);
    sqlite3_stmt *statement = database_statement(database, QUERY_PATH_METRIC);
    sqlite3_bind_text(statement, 1, network, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 2, controller_id);
    return read_metric(database, statement, ret_metric);
}

/* From the longest networks that there are to shorter ones; few lengths are in use at a time. */
static int find_path(void *context, const struct prefix *client, int64_t controller_id,
                     struct metric *ret_metric)
{
    struct store *store = context;
    struct database *database = &store->database;
    enum address_family family = client->address.family;
    int bits = (int)client->bits, code = ERR_NOTFOUND;
    if (!database->connection)
        return ERR_IO;
    while (code == ERR_NOTFOUND && bits >= 0 &&
           (code = find_length(database, family, bits, &bits)) == 0)
        code = find_network(database, &client->address, bits--, controller_id, ret_metric);
    return code;
}

bool store_has_path_metrics(struct store *store)
{
    struct database *database = &store->database;
    int bits;
    return database->connection &&
           (find_length(database, FAMILY_IPV4, (int)family_bits(FAMILY_IPV4), &bits) == 0 ||
            find_length(database, FAMILY_IPV6, (int)family_bits(FAMILY_IPV6), &bits) == 0);
}

struct metric_table store_measurements(struct store *store)
{
    return (struct metric_table){
        .server = find_server, .controller = find_controller, .path = find_path, .context = store};
}
