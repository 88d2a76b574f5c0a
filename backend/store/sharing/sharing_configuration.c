/*
 * A number of the configuration: the sum of a hash of each row, so that neither ids nor the order
 * of rows count. It is of what answers depend on. How servers are checked, where files are, and the
 * table `setting` may be different on each name server.
 */
#include "core/base/hash.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"

static const enum query tables[] = {
    QUERY_SHARE_ZONES,      QUERY_SHARE_RECORDS,  QUERY_SHARE_CONTROLLER_TEXTS,
    QUERY_SHARE_POOL_TEXTS, QUERY_SHARE_SERVERS,  QUERY_SHARE_BALANCED_NAMES,
    QUERY_SHARE_GROUPS,     QUERY_SHARE_TOPOLOGY, QUERY_SHARE_PINS,
};

uint64_t sharing_row_hash(sqlite3_stmt *row, uint64_t table)
{
    uint64_t hash = hash_mix(0, table);
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *text = (const char *)sqlite3_column_text(row, i);
        hash = hash_mix(hash, text ? text_hash(text) : 0);
    }
    return hash;
}

static int add_table(struct sharing *sharing, size_t table, uint64_t *digest, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, tables[table]);
    int code;
    while ((code = sharing_step(sharing, statement, error)) == 0)
        *digest += sharing_row_hash(statement, table);
    return code == ERR_NOTFOUND ? 0 : code;
}

static bool is_current(const struct sharing *sharing)
{
    const struct digested *digested = &sharing->digested;
    return digested->known && digested->opening == sharing->database.openings &&
           digested->configuration == sharing->revision.configuration &&
           digested->topology == sharing->revision.topology;
}

static int digest_tables(struct sharing *sharing, struct error *error)
{
    struct digested digested = {.known = true,
                                .opening = sharing->database.openings,
                                .configuration = sharing->revision.configuration,
                                .topology = sharing->revision.topology};
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof tables / sizeof *tables; i++)
        code = add_table(sharing, i, &digested.digest, error);
    if (code == 0)
        sharing->digested = digested;
    return code;
}

int sharing_configuration_digest(struct sharing *sharing, uint64_t *ret_digest, struct error *error)
{
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    if (!is_current(sharing))
        code = digest_tables(sharing, error);
    sharing_end(sharing);
    if (code == 0)
        *ret_digest = sharing->digested.digest;
    return code;
}
