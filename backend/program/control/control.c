#include "program/control/control.h"

/* In the order of the help. */
static const struct command *const commands[] = {
    &command_help,        &command_init,    &command_check,   &command_status,
    &command_watch,       &command_explain, &command_what_if, &command_list_mappings,
    &command_forget_many, &command_move,    &command_drain,   &command_disable,
    &command_enable,      &command_export,  &command_import,  &command_import_f5,
    &command_import_zone, &command_backup,  &command_restore, &command_migrate,
};

const struct command_set commands_of_control = {
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
