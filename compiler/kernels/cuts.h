/* Cuts: up to six leaves that a node is a function of. */
#ifndef CUTS_H
#define CUTS_H
#include <stddef.h>

#include "truth.h"

enum { MOST_CUTS = 32 };

struct cut {
  uint64_t table;          /* of the leaves in order */
  uint64_t sign;           /* bit leaf % 64 is set for each leaf */
  int64_t cost;
  uint32_t leaf[MAX_FANIN]; /* nodes, ascending */
  int32_t size;
  int32_t area; /* LUTs that it takes */
};

struct cut_list {
  int n;
  struct cut cut[MOST_CUTS + 1];
};

static inline uint64_t sign_of(uint32_t leaf) { return (uint64_t)1 << (leaf & 63); }

/* The leaves of both cuts; 0 if they are more than k. Sets the place of each leaf in the union. */
static inline int cut_union(const struct cut *a, const struct cut *b, int k, struct cut *out,
                            uint8_t *in_a, uint8_t *in_b) {
  int i = 0, j = 0, n = 0;
  while (i < a->size || j < b->size) {
    if (n == k) return 0;
    if (j == b->size || (i < a->size && a->leaf[i] < b->leaf[j])) {
      in_a[i] = (uint8_t)n;
      out->leaf[n++] = a->leaf[i++];
    } else {
      if (i < a->size && a->leaf[i] == b->leaf[j]) in_a[i++] = (uint8_t)n;
      in_b[j] = (uint8_t)n;
      out->leaf[n++] = b->leaf[j++];
    }
  }
  out->size = n;
  out->sign = a->sign | b->sign;
  return 1;
}

static inline int cut_subset(const struct cut *a, const struct cut *b) {
  if (a->size > b->size || (a->sign & ~b->sign)) return 0;
  for (int i = 0, j = 0; i < a->size; ++i, ++j) {
    while (j < b->size && b->leaf[j] < a->leaf[i]) ++j;
    if (j == b->size || b->leaf[j] != a->leaf[i]) return 0;
  }
  return 1;
}

static inline void cut_sign(struct cut *c) {
  c->sign = 0;
  for (int i = 0; i < c->size; ++i) c->sign |= sign_of(c->leaf[i]);
}

/* Take away the leaves that the table does not depend on. */
static inline void cut_shrink(struct cut *c) {
  const int size = c->size;
  for (int i = size - 1; i >= 0; --i) {
    if (truth_depends(c->table, i)) continue;
    c->table = truth_drop(c->table, i, c->size--);
    for (int j = i; j < c->size; ++j) c->leaf[j] = c->leaf[j + 1];
  }
  if (c->size != size) cut_sign(c);
}

/* Whether a is to be preferred: it costs less, or as much with fewer leaves. */
static inline int cut_better(const struct cut *a, const struct cut *b) {
  return a->cost != b->cost ? a->cost < b->cost : a->size < b->size;
}

/* Whether b is superfluous beside a. */
static inline int cut_dominates(const struct cut *a, const struct cut *b) {
  return a->area <= b->area && cut_subset(a, b);
}

static inline int cut_dominated(const struct cut_list *list, const struct cut *c) {
  for (int i = 0; i < list->n; ++i)
    if (cut_dominates(&list->cut[i], c)) return 1;
  return 0;
}

/* Insert a cut in order, drop those that it makes superfluous, keep at most `most`. */
static inline void cut_insert(struct cut_list *list, const struct cut *c, int most) {
  int n = 0;
  for (int i = 0; i < list->n; ++i)
    if (!cut_dominates(c, &list->cut[i])) {
      if (n != i) list->cut[n] = list->cut[i];
      ++n;
    }
  int at = n;
  while (at > 0 && cut_better(c, &list->cut[at - 1])) --at;
  if (at == most) {
    list->n = n;
    return;
  }
  if (n == most) --n;
  for (int i = n; i > at; --i) list->cut[i] = list->cut[i - 1];
  list->cut[at] = *c;
  list->n = n + 1;
}

#endif
