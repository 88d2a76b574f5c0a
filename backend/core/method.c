#include "core/method.h"

#include <string.h>

static const struct method *const methods[] = {
    &method_modulus,
};

const struct method *method_find(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i]->name, name) == 0)
            return methods[i];
    return NULL;
}
