#include "program/control/control.h"

/* In the order of the help. */
static const struct command *const commands[] = {
    &command_help,    &command_init,   &command_status, &command_watch,   &command_explain,
    &command_what_if, &command_forget, &command_backup, &command_restore, &command_migrate,
};

const struct command_set commands_of_control = {
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
