/*
 * The command `import-f5 FILE`: prints the SQL that a BIG-IP DNS configuration becomes.
 */
#ifndef STICKY_PROGRAM_CONTROL_COMMAND_IMPORT_F5_H
#define STICKY_PROGRAM_CONTROL_COMMAND_IMPORT_F5_H

#include "program/command/command.h"

/* The second word is the file; "-" is standard input. Needs no database and no responder. */
enum command_result command_import_f5(const struct command_call *call);

#endif
