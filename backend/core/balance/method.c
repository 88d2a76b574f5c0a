#include "core/balance/method.h"

#include <string.h>

static const struct method *const methods[] = {
    &method_modulus,  &method_rendezvous, &method_round_robin, &method_ratio,
    &method_failover, &method_rtt,        &method_least,       &method_topology,
};

#define METHODS (sizeof methods / sizeof *methods)

const struct method *method_find(const char *name)
{
    for (size_t i = 0; i < METHODS; i++)
        if (strcmp(methods[i]->name, name) == 0)
            return methods[i];
    return NULL;
}

const struct method *const *method_all(size_t *ret_count)
{
    *ret_count = METHODS;
    return methods;
}

const char *method_metric(const struct method *method, const struct pool *pool)
{
    return method->reads_pool_metric ? pool->metric : method->metric;
}
