#include "program/control/control.h"

static const struct command *const commands[] = {
    &command_help,   &command_status,  &command_explain,
    &command_forget, &command_migrate, &command_check,
};

const struct command_set commands_of_control = {
    .commands = commands,
    .count = sizeof commands / sizeof *commands,
};
