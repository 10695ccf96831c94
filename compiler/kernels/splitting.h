/* Splitting a function of up to six inputs into LUTs of k inputs: how many it takes, and which.
 * A set of inputs, the bound set, is replaced by one LUT that reads it where the function takes
 * only two forms under all its patterns (Ashenhurst, "The Decomposition of Switching Functions",
 * 1957); one input of the bound set may be read again by what is left. */
#ifndef SPLITTING_H
#define SPLITTING_H
#include "truth.h"

enum { MOST_PARTS = 5 };

/* LUTs in order; the inputs of part p are those of the function and then parts before it. */
struct part {
  uint64_t table;
  int32_t size;
  uint8_t input[MAX_FANIN];
};

struct parts {
  int n;
  struct part part[MOST_PARTS];
};

/* A table of n inputs repeated over 64 bits. */
static inline uint64_t truth_repeat(uint64_t table, int n) {
  table &= truth_mask(n);
  for (; n < MAX_FANIN; ++n) table |= table << (1 << n);
  return table;
}

/* A function on its way: its table, and which signal each input is. */
struct rest {
  uint64_t table;
  int n;
  uint8_t signal[MAX_FANIN];
};

/* Move input i behind all others. */
static inline void move_last(struct rest *r, int i) {
  for (; i + 1 < r->n; ++i) {
    r->table = truth_swap(r->table, i, i + 1);
    const uint8_t other = r->signal[i];
    r->signal[i] = r->signal[i + 1];
    r->signal[i + 1] = other;
  }
}

/* Whether `count` columns of 1 << width bits take two forms at most: the forms, and which of the
 * columns have the second one. */
static inline int two_forms(uint64_t table, int width, int count, uint64_t *form, uint64_t *which) {
  form[0] = form[1] = table & truth_mask(width);
  *which = 0;
  for (int i = 1; i < count; ++i) {
    const uint64_t column = table >> (i << width) & truth_mask(width);
    if (column == form[0]) continue;
    if (*which && column != form[1]) return 0;
    form[1] = column;
    *which |= (uint64_t)1 << i;
  }
  return 1;
}

/* Replace the inputs of the mask `bound` by one LUT, signal `made`. With an input `shared`, which is
 * not among them, the LUT reads it too and it stays. Whether that can be. */
static inline int bind(struct rest *r, unsigned bound, int shared, struct part *lut, uint8_t made) {
  struct rest moved = *r;
  const int own = __builtin_popcount(bound), twice = shared >= 0, free = r->n - own - twice;
  uint64_t form[2][2], which[2] = {0, 0};
  for (int i = 0, gone = 0; i < r->n; ++i)
    if (bound >> i & 1) move_last(&moved, i - gone++);
  if (twice) move_last(&moved, shared - __builtin_popcount(bound & ((1u << shared) - 1)));
  for (int s = 0; s <= twice; ++s)
    if (!two_forms(moved.table >> (s << (free + own)), free, 1 << own, form[s], &which[s])) return 0;
  lut->table = truth_repeat(which[0] | which[1] << (twice << own), own + twice);
  lut->size = own + twice;
  for (int i = 0; i < lut->size; ++i) lut->input[i] = moved.signal[free + i];
  uint64_t table = 0; /* over the free inputs, the shared one, the LUT */
  for (int high = 0; high < 2; ++high)
    for (int s = 0; s <= twice; ++s)
      table |= form[s][high] << (((high << twice) + s) << free);
  if (twice) moved.signal[free] = moved.signal[r->n - 1];
  moved.signal[free + twice] = made;
  moved.n = free + twice + 1;
  moved.table = truth_repeat(table, moved.n);
  *r = moved;
  return 1;
}

/* Bind as many inputs as can be by LUTs of k inputs; none shared if that takes as many away. */
static inline int bind_most(struct rest *r, int k, struct part *lut, uint8_t made) {
  for (int fewer = k - 1; fewer > 0; --fewer)
    for (int shared = -1; shared < (fewer + 2 <= k ? r->n : 0); ++shared)
      for (unsigned bound = 1; bound < 1u << r->n; ++bound)
        if (__builtin_popcount(bound) == fewer + 1 && (shared < 0 || !(bound >> shared & 1)) &&
            bind(r, bound, shared, lut, made))
          return 1;
  return 0;
}

/* Split a function of n inputs, all of which it depends on, into LUTs of k; 0 if that fails. */
static inline int split_function(uint64_t table, int n, int k, struct parts *found) {
  struct rest r = {.table = table, .n = n};
  for (int i = 0; i < n && i < MAX_FANIN; ++i) r.signal[i] = (uint8_t)i;
  found->n = 0;
  while (r.n > k) {
    if (found->n == MOST_PARTS - 1) return 0;
    if (!bind_most(&r, k, &found->part[found->n], (uint8_t)(n + found->n))) return 0;
    ++found->n;
  }
  struct part *last = &found->part[found->n++];
  last->table = r.table;
  last->size = r.n;
  for (int i = 0; i < r.n; ++i) last->input[i] = r.signal[i];
  return found->n;
}

#endif
