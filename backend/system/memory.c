#include "system/memory.h"

#include <malloc.h>

/* More than the cache of a connection and a large configuration, twice. */
#define KEPT_BYTES (8 * 1024 * 1024)

/* In steps of this much the process grows. */
#define GROWTH_BYTES (256 * 1024)

void memory_keep_freed(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, GROWTH_BYTES);
    /* Setting any of these ends glibc's own raising of the size from which blocks are mapped. */
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
#endif
}

void memory_return_freed(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
