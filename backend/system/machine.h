/*
 * Which machine this is, for those who have to notice that a file was brought to another one.
 */
#ifndef STICKY_SYSTEM_MACHINE_H
#define STICKY_SYSTEM_MACHINE_H

#include <stdint.h>

/* A hash of machine-id(5), the same from one start to the next; 0 when the machine has none. */
uint64_t machine_number(void);

#endif
