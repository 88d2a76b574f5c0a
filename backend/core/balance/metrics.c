#include "core/balance/metrics.h"

#include <stdlib.h>

#include "core/base/error.h"

int metrics_new(size_t server_count, size_t controller_count, struct metrics **ret_metrics)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (!metrics)
        return ERR_NOMEM;
    metrics->server_down = calloc(server_count + 1, sizeof(bool));
    metrics->controller_down = calloc(controller_count + 1, sizeof(bool));
    if (!metrics->server_down || !metrics->controller_down) {
        metrics_free(metrics);
        return ERR_NOMEM;
    }
    metrics->server_count = server_count;
    metrics->controller_count = controller_count;
    *ret_metrics = metrics;
    return 0;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    free(metrics->server_down);
    free(metrics->controller_down);
    free(metrics);
}

bool metrics_controller_up(const struct metrics *metrics, const struct controller *controller)
{
    return !metrics || !metrics->controller_down[controller->index];
}

bool metrics_server_up(const struct metrics *metrics, const struct virtual_server *server)
{
    return metrics_controller_up(metrics, server->controller) &&
           (!metrics || !metrics->server_down[server->index]);
}
