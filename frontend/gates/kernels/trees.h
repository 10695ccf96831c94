/* Trees of two-input gates that are moved over many places. Activations are feature-major,
 * [features][batch]. Nodes are numbered from the leaves to the root, so that node t reads values
 * 2t and 2t + 1, where the leaves are the first values and node t answers value leaves + t. A node
 * is c0 + c1*a + c2*b + c3*a*b, with coefficients c[4][nodes * kernels], the same at every place. */
#ifndef TREES_H
#define TREES_H
#include "lanes.h"

enum { DEEPEST = 6, MOST = 1 << DEEPEST }; /* levels and leaves */

struct trees {
  const float *x, *c;
  const int64_t *index; /* [2][leaves / 2 * kernels * places], the rows that are a and b */
  int64_t kernels, places, batch;
};

static inline int64_t row_of(const struct trees *t, int leaf, int half, int64_t kernel,
                             int64_t place) {
  const int64_t column = (leaf / 2 * t->kernels + kernel) * t->places + place;
  return t->index[leaf % 2 * half * t->kernels * t->places + column];
}

/* The coefficients of one kernel's nodes, [nodes][4]. */
static inline void gather(const struct trees *t, int nodes, int64_t kernel, float c[][4]) {
  for (int n = 0; n < nodes; ++n)
    for (int q = 0; q < 4; ++q) c[n][q] = t->c[(q * nodes + n) * t->kernels + kernel];
}

/* What nodes answer to the leaves. */
static inline void ascend(int leaves, int nodes, float c[][4], lanes *value) {
#pragma GCC unroll 16
  for (int n = 0; n < nodes; ++n) {
    const lanes a = value[2 * n], b = value[2 * n + 1];
    value[leaves + n] = (c[n][0] + c[n][2] * b) + (c[n][1] + c[n][3] * b) * a;
  }
}

/* The leaves at rows, from sample i on, and what nodes answer. */
static inline void answer(const struct trees *t, int leaves, int nodes, const int64_t *rows,
                          float c[][4], int64_t i, lanes *value) {
#pragma GCC unroll 16
  for (int l = 0; l < leaves; ++l)
    value[l] = load(t->x + rows[l] * t->batch + i, t->batch - i);
  ascend(leaves, nodes, c, value);
}

/* From up, the gradient of the root, those of all values; adds those of coefficients to s. */
static inline void descend(int leaves, float c[][4], const lanes *value, lanes *up, lanes s[][4]) {
#pragma GCC unroll 16
  for (int n = leaves - 2; n >= 0; --n) {
    const lanes a = value[2 * n], b = value[2 * n + 1], g = up[leaves + n], ga = g * a;
    s[n][0] += g;
    s[n][1] += ga;
    s[n][2] += g * b;
    s[n][3] += ga * b;
    up[2 * n] = g * (c[n][1] + c[n][3] * b);
    up[2 * n + 1] = g * (c[n][2] + c[n][3] * a);
  }
}

/* A function for each depth, so that the loops over a tree are straight-line code. */
#define EACH_DEPTH(CALL) \
  switch (depth) {       \
    case 1: CALL(2); break;  \
    case 2: CALL(4); break;  \
    case 3: CALL(8); break;  \
    case 4: CALL(16); break; \
    default: CALL(1 << depth); \
  }
#endif
