#include "f5/mode.h"

#include <stddef.h>
#include <string.h>

static const struct f5_mode modes[] = {
    {"round-robin", MODE_METHOD, "round-robin", NULL, false, NULL},
    {"ratio", MODE_METHOD, "ratio", NULL, false, NULL},
    {"global-availability", MODE_METHOD, "failover", NULL, false, NULL},
    {"topology", MODE_METHOD, "topology", NULL, true, NULL},
    {"static-persistence", MODE_METHOD, "rendezvous", NULL, false,
     "a hash of the resolver's address as before, but another one: most resolvers get another"
     " server than from the BIG-IP"},
    {"static-persist", MODE_METHOD, "rendezvous", NULL, false,
     "a hash of the resolver's address as before, but another one: most resolvers get another"
     " server than from the BIG-IP"},
    {"lowest-round-trip-time", MODE_METHOD, "rtt", NULL, true,
     "nothing here probes resolvers; 'rtt' goes by table path_metric, which a program of yours"
     " fills, and else by the round trip times of the health checks"},
    {"quality-of-service", MODE_METHOD, "rtt", NULL, true,
     "'rtt' goes by the round trip time alone, not by a sum of measured values"},
    {"least-connections", MODE_METHOD, "least", "connections", true,
     "'least' compares the metric 'connections', which a program of yours has to write"},
    {"packet-rate", MODE_METHOD, "least", "packet-rate", true,
     "'least' compares the metric 'packet-rate', which a program of yours has to write"},
    {"kilobytes-per-second", MODE_METHOD, "least", "kilobytes", true,
     "'least' compares the metric 'kilobytes', which a program of yours has to write"},
    {"cpu", MODE_METHOD, "least", "cpu", true,
     "'least' compares the metric 'cpu', which a program of yours has to write"},
    {"fewest-hops", MODE_METHOD, "rtt", NULL, true,
     "hops are not counted here; 'rtt' goes by round trip times, see table path_metric"},
    {"completion-rate", MODE_METHOD, "round-robin", NULL, false,
     "completed transfers are not measured here: each server in turn"},
    {"virtual-server-capacity", MODE_METHOD, "ratio", NULL, false,
     "capacities are not measured here: 'ratio' goes by the column weight, which you set"},
    {"virtual-server-score", MODE_METHOD, "ratio", NULL, false,
     "scores are not read here: 'ratio' goes by the column weight, which you set"},
    {"fallback-ip", MODE_FALLBACK_IP, NULL, NULL, false, NULL},
    {"return-to-dns", MODE_DNS, NULL, NULL, false, NULL},
    {"none", MODE_DNS, NULL, NULL, false, NULL},
    {"drop-packet", MODE_DROP, NULL, NULL, false, NULL},
};

const struct f5_mode *f5_mode_find(const char *word)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].word, word) == 0)
            return &modes[i];
    return NULL;
}
