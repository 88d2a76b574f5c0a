#include "f5/write_sql.h"

#include <string.h>

#include "f5/model_parts.h"
#include "f5/sql.h"

/* What is printed, and what of it is counted. */
struct writing {
    const struct f5_model *model;
    const struct f5_plan *plan;
    struct buffer *out;
    struct buffer line;                                     /* a comment that is put together */
    struct sql_columns columns;                             /* a statement that is */
    size_t checks, controllers, pools, rows, names, places; /* statements */
    size_t notes;                                           /* comments */
    size_t unchecked;                                       /* rows without a check */
    size_t names_left_out;
};

__attribute__((format(printf, 2, 3))) static void comment(struct writing *writing,
                                                          const char *format, ...)
{
    va_list arguments;
    buffer_clear(&writing->line);
    va_start(arguments, format);
    buffer_vprintf(&writing->line, format, arguments);
    va_end(arguments);
    writing->out->failed |= writing->line.failed;
    sql_comment(writing->out, buffer_text(&writing->line));
}

static void notes(struct writing *writing, const struct list *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct f5_note *note = notes->items[i];
        comment(writing, "* %s%s%s", note->subject ? note->subject : "", note->subject ? ": " : "",
                note->reason);
        writing->notes++;
    }
}

static void heading(struct writing *writing, const char *text)
{
    static const char rule[] =
        "-------------------------------------------------------------------------------";
    buffer_printf(writing->out, "\n%s\n", rule);
    sql_comment(writing->out, text);
    buffer_printf(writing->out, "%s\n", rule);
}

static const char beginning[] =
    "-- The configuration of a BIG-IP DNS, for pdns-sticky. Read it before you use it: a comment "
    "with\n"
    "-- a star says what has no counterpart here, or another meaning. Then, for a database of\n"
    "-- schema.sql that has none of these names yet:\n"
    "--\n"
    "--   sqlite3 -bail /var/lib/pdns-sticky/sticky.sqlite <FILE\n"
    "--\n"
    "-- It is one transaction. If a statement fails, nothing is imported.\n"
    "\n"
    "BEGIN IMMEDIATE;\n"
    "CREATE TEMP TABLE import (\n"
    "  found INTEGER NOT NULL,\n"
    "  complete INTEGER NOT NULL DEFAULT 1\n"
    "    CONSTRAINT \"a statement failed, see above: nothing was imported\" CHECK (complete)\n"
    ");\n";

/* How many rows there are in the tables that the import fills. */
static const char row_count[] =
    "(SELECT count(*) FROM monitor) + (SELECT count(*) FROM controller)\n"
    "         + (SELECT count(*) FROM pool) + (SELECT count(*) FROM virtual_server)\n"
    "         + (SELECT count(*) FROM balanced_name) + (SELECT count(*) FROM topology)";

static void begin(struct writing *writing)
{
    buffer_add_text(writing->out, beginning);
    buffer_printf(writing->out, "INSERT INTO temp.import (found)\n  SELECT %s;\n", row_count);
    if (writing->model->notes.count > 0)
        heading(writing, "Settings");
    notes(writing, &writing->model->notes);
}

static void write_check(struct writing *writing, const struct f5_check *check)
{
    struct sql_columns *columns = &writing->columns;
    comment(writing, "%s", check->from);
    notes(writing, &check->notes);
    sql_add_text(columns, "name", check->name);
    sql_add_text(columns, "type", check->type);
    if (check->port > 0)
        sql_add_number(columns, "port", check->port);
    if (check->path)
        sql_add_text(columns, "path", check->path);
    if (check->host)
        sql_add_text(columns, "host", check->host);
    if (strncmp(check->type, "http", 4) == 0) {
        sql_add_number(columns, "status_min", check->status_min);
        sql_add_number(columns, "status_max", check->status_max);
        if (strcmp(check->http_method, "GET") != 0)
            sql_add_text(columns, "http_method", check->http_method);
    }
    if (check->body)
        sql_add_text(columns, "body", check->body);
    if (check->headers)
        sql_add_text(columns, "headers", check->headers);
    if (check->send)
        sql_add_text(columns, "send", check->send);
    if (check->expect)
        sql_add_text(columns, "expect", check->expect);
    if (check->arguments)
        sql_add_text(columns, "arguments", check->arguments);
    if (check->tls)
        sql_add_number(columns, "tls", 1);
    if (check->tls || strcmp(check->type, "https") == 0)
        sql_add_number(columns, "verify", 0);
    sql_add_number(columns, "interval", check->interval_s);
    sql_add_number(columns, "timeout", check->timeout_s);
    sql_add_number(columns, "rise", 1);
    sql_add_number(columns, "fall", check->fall);
    sql_add_number(columns, "each_family", 1);
    sql_insert(writing->out, "monitor", columns);
    writing->checks++;
}

static void write_unused(struct writing *writing, const struct f5_monitor *monitor)
{
    const struct f5_check *check =
        text_index_find(&writing->plan->checks_by_path, monitor->object.path);
    if (check && check->used)
        return;
    comment(writing, "* left out: gtm monitor %s %s, line %d: %s", monitor->type,
            monitor->object.path, monitor->object.line,
            check && check->why ? check->why : "nothing that is imported is checked by it");
    writing->notes++;
}

static void write_checks(struct writing *writing)
{
    heading(writing,
            "Monitors. BIG-IP does not verify certificates (verify 0), takes one success for"
            " up (rise 1), and checks the A and the AAAA member of a site each"
            " (each_family).");
    for (size_t i = 0; i < writing->plan->checks.count; i++) {
        const struct f5_check *check = writing->plan->checks.items[i];
        if (check->used)
            write_check(writing, check);
    }
    for (size_t i = 0; i < writing->model->monitors.count; i++)
        write_unused(writing, writing->model->monitors.items[i]);
}

static void write_controller(struct writing *writing, const struct f5_controller *controller)
{
    struct sql_columns *columns = &writing->columns;
    comment(writing, "%s", controller->from);
    notes(writing, &controller->notes);
    sql_add_text(columns, "name", controller->name);
    if (controller->address.family != FAMILY_NONE)
        sql_add_address(columns, "address", &controller->address);
    if (controller->disabled)
        sql_add_text(columns, "state", "disabled");
    sql_insert(writing->out, "controller", columns);
    writing->controllers++;
}

static void write_controllers(struct writing *writing)
{
    heading(writing, "Controllers: the servers that pools need");
    for (size_t i = 0; i < writing->plan->controllers.count; i++)
        write_controller(writing, writing->plan->controllers.items[i]);
    for (size_t i = 0; i < writing->model->servers.count; i++) {
        const struct f5_server *server = writing->model->servers.items[i];
        if (server->controller)
            continue;
        comment(writing,
                "* left out: gtm server %s, line %d: no pool that is imported has a member"
                " of it",
                server->object.path, server->object.line);
        writing->notes++;
    }
}

static void write_row(struct writing *writing, const struct f5_planned_pool *pool,
                      const struct f5_row *row, size_t position)
{
    struct sql_columns *columns = &writing->columns;
    comment(writing, "%s", row->from);
    notes(writing, &row->notes);
    sql_add_raw(columns, "pool_id", "p.id");
    sql_add_raw(columns, "controller_id", "c.id");
    sql_add_number(columns, "position", (int64_t)position);
    if (row->ipv4.family != FAMILY_NONE)
        sql_add_address(columns, "ipv4", &row->ipv4);
    if (row->ipv6.family != FAMILY_NONE)
        sql_add_address(columns, "ipv6", &row->ipv6);
    if (row->name)
        sql_add_text(columns, "name", row->name);
    if (row->port > 0)
        sql_add_number(columns, "port", row->port);
    if (row->weight != 1)
        sql_add_number(columns, "weight", row->weight);
    if (row->disabled)
        sql_add_text(columns, "state", "disabled");
    if (row->check)
        sql_add_id(columns, "monitor_id", "monitor", row->check->name);
    if (row->check_address.family != FAMILY_NONE)
        sql_add_address(columns, "check_address", &row->check_address);
    if (row->unchecked)
        sql_add_number(columns, "checked", 0);
    sql_insert_from(writing->out, "virtual_server", columns,
                    "pool AS p, controller AS c\n   WHERE p.name = ");
    sql_text(writing->out, pool->name);
    buffer_add_text(writing->out, " AND c.name = ");
    sql_text(writing->out, row->controller->name);
    buffer_add_text(writing->out, ";\n");
    writing->rows++;
    writing->unchecked += row->unchecked || (!row->check && !pool->check);
}

static void write_pool(struct writing *writing, const struct f5_planned_pool *pool)
{
    struct sql_columns *columns = &writing->columns;
    buffer_add_char(writing->out, '\n');
    comment(writing, "%s", pool->from);
    notes(writing, &pool->notes);
    sql_add_text(columns, "name", pool->name);
    sql_add_text(columns, "method", pool->method);
    if (pool->alternate)
        sql_add_text(columns, "alternate_method", pool->alternate);
    if (pool->metric)
        sql_add_text(columns, "metric", pool->metric);
    sql_add_number(columns, "ttl", pool->ttl_s);
    sql_add_number(columns, "persistence_ttl", pool->persistence_ttl_s);
    if (pool->ipv4_bits != 32)
        sql_add_number(columns, "ipv4_prefix", pool->ipv4_bits);
    if (pool->ipv6_bits != 128)
        sql_add_number(columns, "ipv6_prefix", pool->ipv6_bits);
    if (pool->client_subnet)
        sql_add_text(columns, "client", "ecs");
    if (pool->shares)
        sql_add_id(columns, "persistence_pool_id", "pool", pool->shares->name);
    sql_add_text(columns, "fallback", pool->fallback);
    if (pool->next)
        sql_add_id(columns, "fallback_pool_id", "pool", pool->next->name);
    if (pool->check)
        sql_add_id(columns, "monitor_id", "monitor", pool->check->name);
    sql_insert(writing->out, "pool", columns);
    writing->pools++;
    for (size_t i = 0; i < pool->rows.count; i++)
        write_row(writing, pool, pool->rows.items[i], i + 1);
}

static void write_pools(struct writing *writing)
{
    heading(writing,
            "Pools and their virtual servers. A mapping is one of a pool, not of a name:"
            " names with one pool share it. Where a fallback-mode is return-to-dns or none,"
            " the BIND of the BIG-IP answered when all servers were down. There is none"
            " here: fallback 'any' gives one of the servers as if all were up, and 'none'"
            " no address.");
    for (size_t i = 0; i < writing->plan->pools.count; i++)
        write_pool(writing, writing->plan->pools.items[i]);
    for (size_t i = 0; i < writing->model->pools.count; i++) {
        const struct f5_pool *pool = writing->model->pools.items[i];
        if (pool->used)
            continue;
        comment(writing, "* left out: gtm pool %s %s, line %d: no wide IP uses it",
                model_record_word(pool->record), pool->object.path, pool->object.line);
        writing->notes++;
    }
}

/* A name that is disabled is there as a comment, since a balanced name has no state. */
static void write_name(struct writing *writing, const struct f5_planned_name *name)
{
    if (!name->pool || name->disabled || name->notes.count > 0)
        comment(writing, "%s: %s%s", name->name, name->from, name->disabled ? ", is disabled" : "");
    notes(writing, &name->notes);
    if (!name->pool || name->disabled)
        writing->names_left_out++;
    if (!name->pool)
        return;
    const char *start = name->disabled ? "-- " : "";
    buffer_printf(writing->out, "%sINSERT INTO balanced_name (name, pool_id)\n%s  SELECT ", start,
                  start);
    sql_text(writing->out, name->name);
    buffer_add_text(writing->out, ", id FROM pool WHERE name = ");
    sql_text(writing->out, name->pool->name);
    buffer_add_text(writing->out, ";\n");
    writing->names += !name->disabled;
}

static void write_names(struct writing *writing)
{
    heading(writing, "Balanced names: wide IPs and their aliases. Their zones are not part of the"
                     " import: see the manual of table balanced_name.");
    for (size_t i = 0; i < writing->plan->names.count; i++)
        write_name(writing, writing->plan->names.items[i]);
}

static void write_place(struct writing *writing, const struct f5_place *place)
{
    struct sql_columns *columns = &writing->columns;
    if (place->column)
        sql_add_text(columns, place->column, place->value);
    sql_add_raw(columns, "controller_id", "id");
    sql_add_number(columns, "preference", place->preference);
    sql_insert_from(writing->out, "topology", columns, "controller WHERE name = ");
    sql_text(writing->out, place->controller->name);
    buffer_add_text(writing->out, ";\n");
    writing->places++;
}

static void write_record(struct writing *writing, const struct f5_planned_record *record)
{
    comment(writing, "%s", record->from);
    notes(writing, &record->notes);
    for (size_t i = 0; i < record->places.count; i++)
        write_place(writing, record->places.items[i]);
}

static void write_topology(struct writing *writing)
{
    if (writing->plan->records.count == 0)
        return;
    heading(writing,
            "Topology. The highest score is the lowest preference. BIG-IP compares the scores"
            " of all records that match; here the longest network that has a row decides,"
            " then the country, the continent and the default. The rows count for all pools"
            " with method topology, whichever of them a record named.");
    if (writing->plan->needs_geo)
        comment(writing, "* countries and continents need a file that knows them: INSERT INTO"
                         " geo_database VALUES ('/var/lib/GeoIP/GeoLite2-Country.mmdb');");
    writing->notes += writing->plan->needs_geo;
    for (size_t i = 0; i < writing->plan->records.count; i++)
        write_record(writing, writing->plan->records.items[i]);
}

static const struct {
    const char *kind, *why;
} reasons[] = {
    {"pool", "its records belong in the zone, or into table record"},
    {"wideip", "its records belong in the zone, or into table record"},
    {"rule", "iRules have no counterpart"},
    {"listener", "the addresses that PowerDNS listens on are its setting local-address"},
    {"prober-pool", "each name server runs the checks itself, through pdns-stickyd"},
    {"link", "there are no links here"},
    {"distributed-app", "names with one pool share their mappings; nothing else ties them"},
    {"ldns", "resolvers are not listed, but found in table persistence"},
};

static void write_others(struct writing *writing)
{
    if (writing->model->others.count == 0)
        return;
    heading(writing, "Not imported");
    for (size_t i = 0; i < writing->model->others.count; i++) {
        const struct f5_item *item = writing->model->others.items[i];
        const char *why = "has no counterpart";
        for (size_t j = 0; j < sizeof reasons / sizeof *reasons; j++)
            if (strcmp(reasons[j].kind, item->words[1]) == 0)
                why = reasons[j].why;
        buffer_clear(&writing->line);
        buffer_add_text(&writing->line, "* ");
        for (size_t j = 0; j < item->word_count; j++)
            buffer_printf(&writing->line, "%s ", item->words[j]);
        buffer_truncate(&writing->line, writing->line.length - 1);
        buffer_printf(&writing->line, ", line %d: %s", item->line, why);
        writing->out->failed |= writing->line.failed;
        sql_comment(writing->out, buffer_text(&writing->line));
        writing->notes++;
    }
}

static void end(struct writing *writing)
{
    size_t rows = writing->checks + writing->controllers + writing->pools + writing->rows +
                  writing->names + writing->places;
    buffer_printf(writing->out,
                  "\nUPDATE OR ROLLBACK temp.import SET complete = (found + %zu =\n"
                  "         %s);\n"
                  "DROP TABLE temp.import;\n"
                  "COMMIT;\n",
                  rows, row_count);
}

static void summarize(struct writing *writing)
{
    const struct f5_model *model = writing->model;
    heading(writing, "Summary");
    comment(writing,
            "Read: data centers %zu, servers %zu, pools %zu, wide IPs %zu, monitors %zu,"
            " topology records %zu, regions %zu, other gtm objects %zu.",
            model->datacenters.count, model->servers.count, model->pools.count,
            model->wideips.count, model->monitors.count, model->records.count, model->regions.count,
            model->others.count);
    comment(writing,
            "Written: controllers %zu, pools %zu, virtual servers %zu, balanced names %zu,"
            " monitors %zu, rows of topology %zu.",
            writing->controllers, writing->pools, writing->rows, writing->names, writing->checks,
            writing->places);
    comment(writing, "Names left out or disabled: %zu. Comments with a star: %zu.",
            writing->names_left_out, writing->notes);
    if (writing->unchecked == 0)
        return;
    comment(writing,
            "Virtual servers without a check: %zu. They count as up until they get one, such"
            " as:",
            writing->unchecked);
    buffer_add_text(
        writing->out,
        "--   INSERT INTO monitor (name, type) VALUES ('connect', 'tcp');\n"
        "--   UPDATE pool SET monitor_id = (SELECT id FROM monitor WHERE name = 'connect')\n"
        "--     WHERE monitor_id IS NULL;\n");
}

void write_sql(const struct f5_model *model, const struct f5_plan *plan, struct buffer *out)
{
    struct writing writing = {.model = model, .plan = plan, .out = out};
    begin(&writing);
    write_checks(&writing);
    write_controllers(&writing);
    write_pools(&writing);
    write_names(&writing);
    write_topology(&writing);
    write_others(&writing);
    end(&writing);
    summarize(&writing);
    sql_columns_release(&writing.columns);
    buffer_release(&writing.line);
}
