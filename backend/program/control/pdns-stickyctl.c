/*
 * pdns-stickyctl: the operator's tool. It shows, explains and changes what is in the database of
 * pdns-sticky; control.c has the table of its commands.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/control/control.h"
#include "store/store.h"

#define DATABASE_VARIABLE "PDNS_STICKY_DATABASE"

static void print_help(void)
{
    struct buffer commands = {0};
    command_list(&commands_of_control, &commands);
    printf("usage: pdns-stickyctl [--database FILE] COMMAND ...\n\n"
           "  -d, --database FILE  the SQLite database. By default it is $%s, or\n"
           "                       %s\n"
           "  -h, --help           print this text\n"
           "  -V, --version        print the version\n\n"
           "commands, which pdns-stickyctl(8) describes:\n%s",
           DATABASE_VARIABLE, DATABASE_DEFAULT, buffer_text(&commands));
    buffer_release(&commands);
}

static void fail_usage(const char *problem)
{
    fprintf(stderr, "pdns-stickyctl: %s\nTry 'pdns-stickyctl --help'.\n", problem);
    exit(COMMAND_USAGE);
}

/* Reads the options before the command, and gives the path of the database. */
static const char *read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"database", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *database = getenv(DATABASE_VARIABLE);
    int option;
    while ((option = getopt_long(argc, argv, "+d:hV", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            database = optarg;
            if (!*database) /* a variable of a script that was not set */
                fail_usage("--database names no file");
            break;
        case 'h':
            print_help();
            exit(EXIT_SUCCESS);
        case 'V':
            printf("pdns-stickyctl %s\n", PACKAGE_VERSION);
            exit(EXIT_SUCCESS);
        default: /* getopt_long() has printed what is wrong */
            fail_usage("bad option");
        }
    }
    return database && *database ? database : DATABASE_DEFAULT;
}

/* Prints a text, and keeps none of it. False if it could not be written, or not be put together. */
static bool print(struct buffer *text, FILE *stream)
{
    bool complete = !text->failed;
    complete &= fputs(buffer_text(text), stream) >= 0 && fflush(stream) == 0;
    buffer_clear(text);
    return complete;
}

/* Why the output is not complete; 0: it is, or nobody reads it any more. */
static int output_problem;

static bool print_output(struct buffer *out)
{
    errno = 0;
    bool complete = print(out, stdout);
    if (!complete && errno != EPIPE)
        output_problem = errno != 0 ? errno : ENOMEM;
    return complete;
}

static void report_loss(struct responder *responder)
{
    struct error loss = {0};
    if (store_claims_loss(responder_store(responder), &loss) != 0)
        fprintf(stderr, "pdns-stickyctl: %s\n", loss.text);
}

static enum command_result run(struct responder *responder, const char *database, int count,
                               char **words)
{
    struct buffer out = {0}, errors = {0};
    struct command_call call = {.set = &commands_of_control,
                                .responder = responder,
                                .database = database,
                                .out = &out,
                                .errors = &errors,
                                .from_shell = true,
                                .flush = print_output};
    responder_be_patient(responder);
    enum command_result result = command_run(&call, count, (const char *const *)words);
    print_output(&out);
    print(&errors, stderr);
    report_loss(responder);
    if (output_problem != 0)
        fprintf(stderr, "pdns-stickyctl: the output is not complete: %s\n",
                strerror(output_problem));
    buffer_release(&out);
    buffer_release(&errors);
    return result == COMMAND_OK && output_problem != 0 ? COMMAND_FAILED : result;
}

int main(int argc, char **argv)
{
    struct responder *responder;
    const char *database = read_options(argc, argv);
    if (optind == argc) {
        print_help();
        return COMMAND_USAGE;
    }
    signal(SIGXFSZ, SIG_IGN); /* exceeding a file size limit is a write error */
    signal(SIGPIPE, SIG_IGN); /* `pdns-stickyctl list | head` ends at the next line */
    store_prepare_process();
    if (responder_new(database, &responder) != 0) {
        fputs("pdns-stickyctl: out of memory\n", stderr);
        return COMMAND_FAILED;
    }
    enum command_result result = run(responder, database, argc - optind, argv + optind);
    responder_free(responder);
    return (int)result;
}
