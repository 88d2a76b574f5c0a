/*
 * The commands of pdns-stickyctl that PowerDNS cannot reach, and the set with all of them.
 */
#ifndef STICKY_PROGRAM_CONTROL_CONTROL_H
#define STICKY_PROGRAM_CONTROL_CONTROL_H

#include "program/command/command.h"

/* Where the database is, unless somebody says otherwise. */
#define DATABASE_DEFAULT "/var/lib/pdns-sticky/sticky.sqlite"

extern const struct command command_backup, command_check, command_disable, command_drain,
    command_enable, command_export, command_forget_many, command_import, command_import_f5,
    command_import_zone, command_init, command_list_mappings, command_migrate, command_move,
    command_restore, command_watch, command_what_if;
extern const struct command_set commands_of_control;

#endif
