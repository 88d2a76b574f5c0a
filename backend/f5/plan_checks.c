/*
 * Monitors as health checks. BIG-IP searches the whole reply of an HTTP server, status line and
 * headers too; here the status and the body are two columns.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buffer.h"
#include "f5/model_parts.h"
#include "f5/plan_parts.h"

/* The limits of table monitor. */
#define TEXT_LIMIT 1024
#define HOST_LIMIT 255
#define HEADERS_LIMIT 4096

/* Parents of parents; BIG-IP allows no loop, but a text may have one. */
#define PARENTS_MAX 16

enum check_kind { CHECK_NONE, CHECK_HTTP, CHECK_HTTPS, CHECK_TCP, CHECK_ICMP, CHECK_EXEC };

static const char iquery[] =
    "iQuery tells BIG-IP DNS the state of virtual servers; here they are not checked until they get"
    " a monitor of table monitor";
static const char no_such_check[] =
    "there is no such check here: use one of type exec, which runs a program of yours";
static const char connects[] = "this check only connects";

static const struct {
    const char *type;
    enum check_kind kind;
    const char *note;
} types[] = {
    {"http", CHECK_HTTP, NULL},
    {"https", CHECK_HTTPS, NULL},
    {"tcp", CHECK_TCP, NULL},
    {"tcp-half-open", CHECK_TCP, "the connection is opened and closed, not half opened"},
    {"gateway-icmp", CHECK_ICMP, NULL},
    {"icmp", CHECK_ICMP, NULL},
    {"external", CHECK_EXEC,
     "copy the program to the directory that pdns-stickyd is given for programs; it gets address"
     " and port, and its exit status 0 means up, whatever it prints"},
    {"ftp", CHECK_TCP, connects},
    {"imap", CHECK_TCP, connects},
    {"ldap", CHECK_TCP, connects},
    {"mssql", CHECK_TCP, connects},
    {"mysql", CHECK_TCP, connects},
    {"nntp", CHECK_TCP, connects},
    {"oracle", CHECK_TCP, connects},
    {"pop3", CHECK_TCP, connects},
    {"postgresql", CHECK_TCP, connects},
    {"smtp", CHECK_TCP, connects},
    {"soap", CHECK_TCP, connects},
    {"bigip", CHECK_NONE, iquery},
    {"bigip-link", CHECK_NONE, iquery},
    {"udp", CHECK_NONE, no_such_check},
    {"firepass", CHECK_NONE, no_such_check},
    {"gtp", CHECK_NONE, no_such_check},
    {"radius", CHECK_NONE, no_such_check},
    {"radius-accounting", CHECK_NONE, no_such_check},
    {"real-server", CHECK_NONE, no_such_check},
    {"scripted", CHECK_NONE, no_such_check},
    {"sip", CHECK_NONE, no_such_check},
    {"snmp", CHECK_NONE, no_such_check},
    {"snmp-link", CHECK_NONE, no_such_check},
    {"wap", CHECK_NONE, no_such_check},
    {"wmi", CHECK_NONE, no_such_check},
};

#define TYPES (sizeof types / sizeof *types)

static size_t find_type(const char *word)
{
    size_t i = 0;
    while (i < TYPES && strcmp(types[i].type, word) != 0)
        i++;
    return i;
}

/* A monitor that every BIG-IP has; false for any other. */
static bool is_built_in(struct f5_work *work, const char *path, struct f5_monitor *monitor)
{
    char *type = work_copy(work, model_leaf(path));
    for (char *at = type; at && *at; at++)
        if (*at == '_')
            *at = '-';
    if (!type)
        return false;
    *monitor = (struct f5_monitor){.object = {.path = path}, .type = type};
    if (strcmp(type, "http-head-f5") == 0 || strcmp(type, "https-head-f5") == 0) {
        monitor->send = "HEAD / HTTP/1.0\\r\\n\\r\\n";
        type[strlen(type) - strlen("-head-f5")] = '\0';
    }
    if (strcmp(type, "https-443") == 0)
        monitor->type = "https";
    return find_type(monitor->type) < TYPES;
}

static void inherit_text(const char **text, const char *parent)
{
    if (!*text)
        *text = parent;
}

static void inherit_number(int64_t *number, int64_t parent)
{
    if (*number == 0)
        *number = parent;
}

/* Fills in what a monitor has from its parents, and BIG-IP's defaults. */
static void inherit(struct f5_work *work, const struct f5_model *model, struct f5_monitor *monitor)
{
    const char *path = monitor->parent;
    struct f5_monitor built_in;
    for (int i = 0; path && i < PARENTS_MAX; i++) {
        const struct f5_monitor *parent = f5_model_find(work, model, "monitor", path);
        if (!parent && is_built_in(work, path, &built_in))
            parent = &built_in;
        if (!parent)
            break;
        inherit_text(&monitor->send, parent->send);
        inherit_text(&monitor->receive, parent->receive);
        inherit_text(&monitor->destination, parent->destination);
        inherit_text(&monitor->program, parent->program);
        inherit_text(&monitor->arguments, parent->arguments);
        inherit_number(&monitor->interval_s, parent->interval_s);
        inherit_number(&monitor->timeout_s, parent->timeout_s);
        inherit_number(&monitor->probe_timeout_s, parent->probe_timeout_s);
        path = parent->parent;
    }
    inherit_number(&monitor->interval_s, 30);
    inherit_number(&monitor->timeout_s, 120);
    inherit_number(&monitor->probe_timeout_s, 5);
}

static int64_t between(int64_t number, int64_t least, int64_t most)
{
    return number < least ? least : number > most ? most : number;
}

/* BIG-IP says when a target is down at the latest; here it is how many checks must fail. */
static void set_times(const struct f5_monitor *monitor, struct f5_check *check)
{
    check->interval_s = between(monitor->interval_s, 1, 3600);
    check->timeout_s = between(monitor->probe_timeout_s, 1, between(check->interval_s, 1, 60));
    check->fall = between((monitor->timeout_s + check->interval_s - 1) / check->interval_s, 1, 100);
}

static int set_target(struct f5_work *work, const struct f5_monitor *monitor,
                      struct f5_check *check)
{
    if (!monitor->destination || !*monitor->destination)
        return 0;
    if (model_destination(monitor->destination, &check->target, &check->port) != 0)
        return note_add(work, &check->notes, "destination %s is not an address and a port",
                        monitor->destination);
    if (check->target.family == FAMILY_NONE)
        return 0;
    return note_add(work, &check->notes,
                    "destination %s: the address is the check_address of the servers",
                    monitor->destination);
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < '!' || text[i] > '~')
            return false;
    return true;
}

/* The length of a line that ends in \r\n or \n, as a monitor writes them; `*next` is behind it. */
static size_t line_length(const char *line, const char **next)
{
    const char *end = line;
    while (*end && strncmp(end, "\\r", 2) != 0 && strncmp(end, "\\n", 2) != 0 && *end != '\n' &&
           *end != '\r')
        end++;
    const char *after = end;
    if (strncmp(after, "\\r", 2) == 0)
        after += 2;
    else if (*after == '\r')
        after++;
    if (strncmp(after, "\\n", 2) == 0)
        after += 2;
    else if (*after == '\n')
        after++;
    *next = after;
    return (size_t)(end - line);
}

static bool is_header(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    return length > name_length && strncasecmp(line, name, name_length) == 0 &&
           line[name_length] == ':';
}

/* Host as a column: one word. An IPv6 address needs brackets. */
static bool is_host(const char *host, size_t length)
{
    const char *colon = memchr(host, ':', length);
    bool two = colon && memchr(colon + 1, ':', length - (size_t)(colon + 1 - host));
    return length >= 1 && length <= HOST_LIMIT && is_printable(host, length) &&
           (!two || *host == '[');
}

static bool is_plain_header(const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (!colon || colon == line || (size_t)(colon - line) + 2 >= length || colon[1] != ' ' ||
        colon[2] == ' ' || !isalnum((unsigned char)*line))
        return false;
    for (const char *at = line; at < colon; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
            return false;
    for (size_t i = 0; i < length; i++)
        if (line[i] < ' ' || line[i] > '~')
            return false;
    return true;
}

/* Takes a header of a request. 0 or ERR_NOMEM. */
static int take_header(struct f5_work *work, const char *line, size_t length,
                       struct f5_check *check, struct buffer *headers)
{
    const char *value = memchr(line, ':', length);
    if (is_header(line, length, "Connection") || is_header(line, length, "Content-Length") ||
        is_header(line, length, "Transfer-Encoding"))
        return 0;
    if (value && is_header(line, length, "Host")) {
        for (value++; value < line + length && *value == ' ';)
            value++;
        size_t host_length = (size_t)(line + length - value);
        if (is_host(value, host_length)) {
            check->host = work_printf(work, "%.*s", (int)host_length, value);
            return check->host ? 0 : ERR_NOMEM;
        }
    } else if (is_plain_header(line, length) && headers->length + length < HEADERS_LIMIT) {
        buffer_printf(headers, "%s%.*s", headers->length ? "\n" : "", (int)length, line);
        return 0;
    }
    return note_add(work, &check->notes, "the header '%.*s' is left out", (int)length, line);
}

static int take_headers(struct f5_work *work, const char *at, struct f5_check *check)
{
    struct buffer headers = {0};
    const char *next;
    int code = 0;
    for (size_t length; code == 0 && (length = line_length(at, &next)) > 0; at = next)
        code = take_header(work, at, length, check, &headers);
    if (code == 0 &&
        (headers.failed ||
         (headers.length > 0 && !(check->headers = work_copy(work, buffer_text(&headers))))))
        code = error_set(work->error, ERR_NOMEM, "%s", error_text(ERR_NOMEM));
    buffer_release(&headers);
    return code;
}

/* Reads what the monitor sends. False if it is not a GET or HEAD with a path. */
static bool read_request(struct f5_work *work, const char *send, struct f5_check *check,
                         const char **ret_headers)
{
    const char *line = *send ? send : "GET /";
    size_t length = line_length(line, ret_headers);
    bool is_head = strncmp(line, "HEAD ", 5) == 0;
    if (!is_head && strncmp(line, "GET ", 4) != 0)
        return false;
    const char *path = strchr(line, ' ') + 1;
    size_t path_length = strcspn(path, " ");
    if (path_length > length - (size_t)(path - line))
        path_length = length - (size_t)(path - line);
    if (*path != '/' || path_length > TEXT_LIMIT || !is_printable(path, path_length))
        return false;
    check->http_method = is_head ? "HEAD" : "GET";
    check->path = work_printf(work, "%.*s", (int)path_length, path);
    return check->path;
}

/* The status that "HTTP/1.1 200" or "200 OK" stands for; 0: none, or several. */
static int64_t wanted_status(const char *receive)
{
    const char *http = strstr(receive, "HTTP/");
    const char *at = http ? strchr(http, ' ') : receive;
    if (!at)
        return 0;
    at += strspn(at, " ");
    if (strspn(at, "0123456789") != 3 || (at[3] != '\0' && at[3] != ' '))
        return 0;
    return strtol(at, NULL, 10) >= 100 && strtol(at, NULL, 10) <= 599 ? strtol(at, NULL, 10) : 0;
}

/* Says whether pdns-stickyd, with the options of monitor/content.c, could search for it. */
static int check_regex(const char *text, bool *ret_valid)
{
    int problem;
    PCRE2_SIZE at;
    pcre2_code *regex = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                      PCRE2_DOTALL | PCRE2_NEVER_UTF, &problem, &at, NULL);
    *ret_valid = regex != NULL;
    pcre2_code_free(regex);
    return !*ret_valid && problem == PCRE2_ERROR_HEAP_FAILED ? ERR_NOMEM : 0;
}

/* Takes recv as a regular expression of PCRE2; NULL, with a note, if it is none. */
static int take_regex(struct f5_work *work, const char *receive, const char *text,
                      struct f5_check *check, const char **ret_regex)
{
    bool valid;
    *ret_regex = NULL;
    int code = text ? check_regex(text, &valid) : ERR_NOMEM;
    if (code != 0)
        return code;
    if (!valid)
        return note_add(work, &check->notes,
                        "recv '%s' is not a regular expression of PCRE2: not searched for",
                        receive);
    if (strlen(text) > TEXT_LIMIT)
        return note_add(work, &check->notes, "recv is too long: not searched for");
    *ret_regex = text;
    return 0;
}

static int set_body(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check)
{
    if (strcmp(check->http_method, "HEAD") == 0)
        return note_add(work, &check->notes, "recv '%s': a reply to HEAD has no body to search",
                        monitor->receive);
    const char *body =
        work_printf(work, monitor->reverse ? "(?is)^(?!.*(?:%s))" : "(?i)%s", monitor->receive);
    int code = take_regex(work, monitor->receive, body, check, &check->body);
    if (code != 0 || !check->body)
        return code;
    return note_add(work, &check->notes, "recv is searched for in the body, not in the headers");
}

/* Without recv, BIG-IP takes any reply. */
static int set_reply(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check)
{
    const char *receive = monitor->receive ? monitor->receive : "";
    int64_t status = wanted_status(receive);
    bool is_status = status != 0 || strstr(receive, "HTTP");
    check->status_min = status ? status : 100;
    check->status_max = status ? status : 599;
    if (!is_status && *receive)
        return set_body(work, monitor, check);
    if (monitor->reverse)
        return note_add(work, &check->notes, "reverse: a status that means down cannot be given");
    if (is_status && status == 0 && strpbrk(receive, " |[("))
        return note_add(work, &check->notes,
                        "recv '%s': any status counts as up; see columns status_min and status_max",
                        receive);
    return 0;
}

/* A request that is none of ours is sent as it is. */
static int set_tcp(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check,
                   bool tls)
{
    const char *send = monitor->send ? monitor->send : "";
    const char *receive = monitor->receive ? monitor->receive : "";
    check->type = "tcp";
    check->tls = tls;
    if (strlen(send) > TEXT_LIMIT || strlen(receive) > TEXT_LIMIT)
        return note_add(work, &check->notes, "send or recv is too long: this check only connects");
    if (monitor->reverse && *receive)
        return note_add(work, &check->notes,
                        "reverse: a reply that means down cannot be given: this check only"
                        " connects");
    check->send = *send ? send : NULL;
    if (!*receive)
        return 0;
    return take_regex(work, receive, work_printf(work, "(?i)%s", receive), check, &check->expect);
}

static int set_http(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check,
                    bool tls)
{
    const char *headers;
    if (!read_request(work, monitor->send ? monitor->send : "", check, &headers)) {
        int code = set_tcp(work, monitor, check, tls);
        return code == 0 ? note_add(work, &check->notes,
                                    "what it sends is not a GET or HEAD of a path: sent as it is")
                         : code;
    }
    check->type = tls ? "https" : "http";
    int code = take_headers(work, headers, check);
    return code == 0 ? set_reply(work, monitor, check) : code;
}

static int set_exec(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check)
{
    const char *program = monitor->program ? model_leaf(monitor->program) : "";
    size_t length = strlen(program);
    if (length == 0 || length > TEXT_LIMIT || !is_printable(program, length) ||
        strcmp(program, "..") == 0)
        return note_add(work, &check->notes, "it has no program");
    check->type = "exec";
    check->path = program;
    if (monitor->arguments && *monitor->arguments && strlen(monitor->arguments) <= TEXT_LIMIT &&
        !strpbrk(monitor->arguments, "\n\r\t"))
        check->arguments = monitor->arguments;
    return 0;
}

static int set_type(struct f5_work *work, const struct f5_monitor *monitor, struct f5_check *check)
{
    size_t type = find_type(monitor->type);
    enum check_kind kind = type < TYPES ? types[type].kind : CHECK_NONE;
    const char *note = type < TYPES ? types[type].note : no_such_check;
    int code = note && kind != CHECK_NONE ? note_add(work, &check->notes, "%s", note) : 0;
    if (code != 0)
        return code;
    switch (kind) {
    case CHECK_HTTP:
    case CHECK_HTTPS:
        return set_http(work, monitor, check, kind == CHECK_HTTPS);
    case CHECK_TCP:
        return strcmp(monitor->type, "tcp") == 0 ? set_tcp(work, monitor, check, false)
                                                 : (check->type = "tcp", 0);
    case CHECK_ICMP:
        check->type = "icmp";
        check->port = 0;
        return 0;
    case CHECK_EXEC:
        return set_exec(work, monitor, check);
    default:
        check->why = note;
        return 0;
    }
}

static int make_check(struct f5_work *work, struct f5_model *model, const char *path,
                      struct f5_check *check)
{
    const struct f5_monitor *found = f5_model_find(work, model, "monitor", path);
    struct f5_monitor monitor;
    int code = 0;
    if (!found && !is_built_in(work, path, &monitor)) {
        check->why = "it is not in the input";
        return 0;
    }
    if (found) {
        monitor = *found;
        check->from =
            plan_from(work, work_printf(work, "monitor %s", monitor.type), &found->object);
        code = plan_copy_notes(work, &found->object, &check->notes);
    } else {
        check->from = work_printf(work, "the monitor %s of every BIG-IP", path);
    }
    inherit(work, model, &monitor);
    set_times(&monitor, check);
    check->http_method = "GET";
    if (code == 0 && check->from)
        code = set_target(work, &monitor, check);
    return code == 0 ? set_type(work, &monitor, check) : code;
}

static int check_of(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
                    const char *path, struct f5_check **ret_check)
{
    struct f5_check *check = text_index_find(&plan->checks_by_path, path);
    int code = 0;
    if (!check) {
        if (!(check = work_alloc(work, sizeof *check)))
            return ERR_NOMEM;
        code = make_check(work, model, path, check);
        if (code == 0)
            code = text_index_add(work, &plan->checks_by_path, path, check);
        if (code == 0 && check->type) {
            const char *wanted = plan_path_name(work, path);
            check->name = wanted ? plan_name(work, &plan->check_names, wanted, false) : NULL;
            code = check->name ? list_add(work, &plan->checks, check) : ERR_NOMEM;
        }
    }
    if (code == 0)
        *ret_check = check;
    return code;
}

int plan_check(struct f5_work *work, struct f5_plan *plan, struct f5_model *model,
               const struct f5_monitors *monitors, struct list *notes, struct f5_check **ret_check)
{
    struct f5_check *found = NULL;
    int code = 0;
    for (size_t i = 0; code == 0 && i < monitors->paths.count; i++) {
        const char *path = monitors->paths.items[i];
        struct f5_check *check;
        code = check_of(work, plan, model, path, &check);
        if (code == 0 && !check->type)
            code = note_add(work, notes, "monitor %s: %s", path, check->why ? check->why : "");
        else if (code == 0 && !found)
            found = check;
        else if (code == 0)
            code = note_add(work, notes, "monitor %s, too: a server has one check here", path);
    }
    if (code == 0)
        *ret_check = found;
    return code;
}
