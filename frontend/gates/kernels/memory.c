/* A step frees and allocates the same activations. By default glibc hands large ones back to the
 * system each time, and clearing fresh pages takes as long as the arithmetic. */
#include <stdlib.h>

#include "lanes.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

/* Keeps up to 512 MiB that are free, unless the environment says otherwise. */
EXPORT void keep_memory(void) {
#if defined(__GLIBC__)
  if (getenv("MALLOC_TRIM_THRESHOLD_") || getenv("MALLOC_MMAP_THRESHOLD_")) return;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}
