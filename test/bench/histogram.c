#include "histogram.h"

/* Below 2 * STEPS the time itself; above, the highest bits of it. */
static unsigned slot_of(uint64_t time_ns)
{
    unsigned doublings = 0;
    while (time_ns >> doublings >= 2 * HISTOGRAM_STEPS)
        doublings++;
    unsigned slot = doublings * HISTOGRAM_STEPS + (unsigned)(time_ns >> doublings);
    return slot < HISTOGRAM_SLOTS ? slot : HISTOGRAM_SLOTS - 1;
}

/* The longest time that belongs there. */
static uint64_t end_of(unsigned slot)
{
    if (slot < 2 * HISTOGRAM_STEPS)
        return slot;
    unsigned doublings = slot / HISTOGRAM_STEPS - 1;
    uint64_t bits = slot - doublings * HISTOGRAM_STEPS;
    return ((bits + 1) << doublings) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t time_ns)
{
    histogram->count++;
    histogram->slots[slot_of(time_ns)]++;
    if (time_ns > histogram->longest_ns)
        histogram->longest_ns = time_ns;
}

void histogram_merge(struct histogram *histogram, const struct histogram *more)
{
    histogram->count += more->count;
    for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++)
        histogram->slots[slot] += more->slots[slot];
    if (more->longest_ns > histogram->longest_ns)
        histogram->longest_ns = more->longest_ns;
}

uint64_t histogram_quantile_ns(const struct histogram *histogram, double share)
{
    uint64_t seen = 0;
    for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
        seen += histogram->slots[slot];
        if (seen > 0 && (double)seen >= share * (double)histogram->count)
            return end_of(slot) < histogram->longest_ns ? end_of(slot) : histogram->longest_ns;
    }
    return histogram->longest_ns;
}
