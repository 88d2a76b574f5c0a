/*
 * The commands of pdns-stickyctl that PowerDNS cannot reach, and the set with all of them.
 */
#ifndef STICKY_PROGRAM_CONTROL_CONTROL_H
#define STICKY_PROGRAM_CONTROL_CONTROL_H

#include "program/command/command.h"

/* Where the database is, unless somebody says otherwise. */
#define DATABASE_DEFAULT "/var/lib/pdns-sticky/sticky.sqlite"

extern const struct command command_migrate;
extern const struct command command_check;
extern const struct command_set commands_of_control;

#endif
