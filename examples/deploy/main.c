/* Prints the class of each sample on standard input, a row of NET_FEATURES bytes. */
#include <stdio.h>

#include "net.h"

#define ROWS 4096

static uint8_t x[ROWS * NET_FEATURES];
static int64_t classes[ROWS];
static unsigned char room[NET_WORKSPACE_BYTES + 63];

int main(void) {
  size_t n, i;
  while ((n = fread(x, NET_FEATURES * sizeof *x, ROWS, stdin)) > 0) {
    if (net_run(x, GATEWRIGHT_UINT8, (int64_t)n, NET_FEATURES * sizeof *x, GATEWRIGHT_CLASSES,
                classes, GATEWRIGHT_ALIGN(room)) != GATEWRIGHT_OK)
      return 1;
    for (i = 0; i < n; ++i) printf("%d\n", (int)classes[i]);
  }
  return 0;
}
