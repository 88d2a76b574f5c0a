#include "program/control/control.h"

static const struct command *const commands[] = {
    &command_help,          &command_status,  &command_explain, &command_forget_many,
    &command_list_mappings, &command_export,  &command_import,  &command_move,
    &command_drain,         &command_disable, &command_enable,  &command_migrate,
};

const struct command_set commands_of_control = {
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
