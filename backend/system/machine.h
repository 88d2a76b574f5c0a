/*
 * Which machine this is, and which of its starts, for those who have to notice that a file was
 * brought to another one, or outlived a restart.
 */
#ifndef STICKY_SYSTEM_MACHINE_H
#define STICKY_SYSTEM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* A hash of machine-id(5), the same from one start to the next; 0 when the machine has none. */
uint64_t machine_number(void);

#define MACHINE_START_BYTES 16

/* Where the kernel says which start of the machine this is, by a random number (random(4)). */
#define MACHINE_START_PATH "/proc/sys/kernel/random/boot_id"

/* That number. False, with errno, when it cannot be read, as where a sandbox hides it. */
bool machine_start(uint8_t ret_start[MACHINE_START_BYTES]);

#endif
