#include "system/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

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

bool machine_start(uint8_t ret_start[MACHINE_START_BYTES])
{
    sd_id128_t id;
    int result = sd_id128_get_boot(&id);
    if (result < 0) {
        errno = -result;
        return false;
    }
    memcpy(ret_start, id.bytes, MACHINE_START_BYTES);
    return true;
}
