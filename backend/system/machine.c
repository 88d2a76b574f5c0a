#include "system/machine.h"

#include <stdio.h>

#include "core/base/hash.h"

/* 32 hexadecimal digits, and NUL. */
#define MACHINE_ID_SIZE 33

uint64_t machine_number(void)
{
    char id[MACHINE_ID_SIZE] = "";
    FILE *file = fopen("/etc/machine-id", "re");
    if (!file)
        return 0;
    const char *read = fgets(id, sizeof id, file);
    fclose(file);
    return read ? text_hash(id) : 0;
}
