/* Sixteen samples at a time: loads and stores that may stop short at the end of the batch. */
#ifndef LANES_H
#define LANES_H
#include <stdint.h>
#include <string.h>

#include "api.h"

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

enum { LANES = 16, GROUP = 64 }; /* of a vector; of what one thread takes at a time */
typedef float lanes __attribute__((vector_size(4 * LANES)));
typedef float quarter __attribute__((vector_size(LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));
typedef float loose __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* The first n of 16 lanes; the others are 0. */
static inline lanes load(const float *from, int64_t n) {
  lanes v = {0};
  if (__builtin_expect(n >= LANES, 1)) return *(const loose *)from;
  memcpy(&v, from, (size_t)n * sizeof(float));
  return v;
}

static inline void store(float *to, lanes v, int64_t n) {
  if (__builtin_expect(n >= LANES, 1))
    *(loose *)to = v;
  else
    memcpy(to, &v, (size_t)n * sizeof(float));
}

/* The sums of the lanes of four vectors; to[q * step] is the one of s[q]. */
static inline void sum_lanes(const lanes s[4], float *to, int64_t step) {
  quarter m[4];
  for (int q = 0; q < 4; ++q) {
    union {
      lanes v;
      quarter part[4];
    } u = {s[q]};
    m[q] = (u.part[0] + u.part[1]) + (u.part[2] + u.part[3]);
  }
  for (int q = 0; q < 4; ++q) to[q * step] = (m[q][0] + m[q][1]) + (m[q][2] + m[q][3]);
}

static inline int64_t groups_of(int64_t batch) { return (batch + GROUP - 1) / GROUP; }

/* Samples from..to of x[rows][batch]. */
static inline void clear(float *x, int64_t rows, int64_t batch, int64_t from, int64_t to) {
  for (int64_t r = 0; r < rows; ++r)
    memset(x + r * batch + from, 0, (size_t)(to - from) * sizeof(float));
}

/* Sums over groups in their order, whoever found them. */
static inline void add_groups(const float *partial, int64_t groups, int64_t size, float *out) {
  memset(out, 0, (size_t)size * sizeof(float));
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t n = 0; n < size; ++n) out[n] += partial[g * size + n];
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
#endif
