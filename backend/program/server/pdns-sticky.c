/*
 * pdns-sticky: sticky global load balancing for PowerDNS Authoritative.
 *
 * It is a coprocess of PowerDNS's pipe or remote backend or, with a socket, the service to which
 * the remote backend connects.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "program/server/connections.h"
#include "program/server/listener.h"
#include "program/server/serve.h"
#include "store/store.h"
#include "system/log.h"

#define DATABASE_VARIABLE "PDNS_STICKY_DATABASE"

/* Options that have no letter. */
enum { OPTION_SOCKET = 1, OPTION_GROUP };

struct options {
    const char *database;
    const char *socket, *group; /* NULL: not given */
};

static void print_help(void)
{
    printf(
        "usage: pdns-sticky --database FILE [--socket PATH [--group NAME]]\n\n"
        "pdns-sticky answers PowerDNS on standard input and output: its pipe backend\n"
        "(pipe-abi-version 1 to 5) or its remote backend. With a socket, from --socket or from\n"
        "systemd, it serves every connection of the remote backend. Commands for people are those\n"
        "of pdns-stickyctl(8).\n\n"
        "  -d, --database FILE  the SQLite database, or set %s\n"
        "      --socket PATH    make this Unix socket and serve there\n"
        "      --group NAME     the group whose members may connect to the socket\n"
        "  -h, --help           print this text\n"
        "  -V, --version        print the version\n",
        DATABASE_VARIABLE);
}

static void fail_usage(const char *problem, const char *word)
{
    fprintf(stderr, "pdns-sticky: %s%s\nTry 'pdns-sticky --help'.\n", problem, word);
    exit(EX_USAGE);
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"database", required_argument, NULL, 'd'},
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"group", required_argument, NULL, OPTION_GROUP},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options = (struct options){.database = getenv(DATABASE_VARIABLE)};
    while ((option = getopt_long(argc, argv, "+d:hV", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            ret_options->database = optarg;
            break;
        case OPTION_SOCKET:
            ret_options->socket = optarg;
            break;
        case OPTION_GROUP:
            ret_options->group = optarg;
            break;
        case 'h':
            print_help();
            exit(EXIT_SUCCESS);
        case 'V':
            printf("pdns-sticky %s\n", PACKAGE_VERSION);
            exit(EXIT_SUCCESS);
        default: /* getopt_long() has printed what is wrong */
            fail_usage("bad option", "");
        }
    }
    if (optind < argc)
        fail_usage("this program has no commands, pdns-stickyctl has: ", argv[optind]);
    if (ret_options->group && !ret_options->socket)
        fail_usage("--group needs --socket", "");
    if (!ret_options->database || !*ret_options->database)
        fail_usage("no database; give --database FILE or set " DATABASE_VARIABLE, "");
}

/* Everything that a coprocess does, and the process of a connection. */
static int converse(void *context)
{
    const struct options *options = context;
    struct responder *responder;
    if (responder_new(options->database, &responder) != 0) {
        fputs("pdns-sticky: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    int code = serve(responder, options->database, STDIN_FILENO, STDOUT_FILENO);
    responder_free(responder);
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * A coprocess keeps only the three standard descriptors of its parent: an inherited listening
 * socket would keep PowerDNS from starting again (pdns issue 194). When systemd stops PowerDNS it
 * sends SIGTERM to the whole unit, and PowerDNS may still ask; so only the end of the input ends a
 * coprocess.
 */
static int run_coprocess(struct options *options)
{
    close_range(STDERR_FILENO + 1, ~0U, 0);
    signal(SIGTERM, SIG_IGN);
    return converse(options);
}

static int run_service(struct options *options, struct listener *listener)
{
    log_line(SD_INFO, "version " PACKAGE_VERSION ", database %s", options->database);
    int code = connections_serve(listener, converse, options);
    if (code != 0)
        log_line(SD_ERR, "the service cannot start: %s", error_text(code));
    return code == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A socket passed by systemd takes precedence over creating one. */
static int serve_powerdns(struct options *options)
{
    struct listener listener;
    struct error error = {0};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* exceeding a file size limit is a write error, not fatal */
    int code = listener_inherit(options->socket, &listener, &error);
    if (code == ERR_NOTFOUND && !options->socket)
        return run_coprocess(options);
    if (code == ERR_NOTFOUND)
        code = listener_make(options->socket, options->group, &listener, &error);
    if (code == 0)
        return run_service(options, &listener);
    log_line(SD_ERR, "%s", error.text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options;
    parse(argc, argv, &options);
    store_prepare_process();
    return serve_powerdns(&options);
}
