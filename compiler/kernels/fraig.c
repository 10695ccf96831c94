/* Functional reduction: see fraig.h, and Mishchenko, Chatterjee, Jiang and Brayton, "FRAIGs: A
 * Unifying Representation for Logic Synthesis and Verification" (2005). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "fraig.h"
#include "truth.h"

enum { MAX_CUT = 14, MAX_WINDOW = 320, TABLE_WORDS = 1 << (MAX_CUT - 6), NONE = -1 };
enum { OPEN, EQUAL, DIFFERENT };

struct fraig {
  int32_t n_leaves, n_gates, n_nodes;
  const uint32_t *fanin;
  const uint8_t *exclusive;
  int32_t *stage;
  uint32_t *rep, *read;
  uint64_t *key;                 /* of the signature of each node, up to inversion */
  uint8_t *phase, *seen;         /* the signature's first bit; whether any was simulated */
  int32_t *rows, *heads, *after; /* 2 * gate + inverted by reads; classes by key; the rest of one */
  uint32_t mask;
  int32_t next, candidate, tried, waiting;
  int32_t *stamp, *slot, stamps; /* nodes of the current window, and their tables */
  uint64_t *tables;
  int32_t cut[MAX_CUT], inner[MAX_WINDOW], n_cut, n_inner;
};

static uint64_t mix(uint64_t x) {
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 31;
  x *= 0x9E3779B97F4A7C15u;
  return x ^ (x >> 29);
}

EXPORT void fraig_free(struct fraig *g) {
  if (g == NULL) return;
  free(g->key), free(g->phase), free(g->seen), free(g->rows), free(g->heads), free(g->after);
  free(g->stamp), free(g->slot), free(g->tables), free(g);
}

EXPORT struct fraig *fraig_new(int32_t n_leaves, int32_t n_gates, const uint32_t *fanin,
                        const uint8_t *exclusive, int32_t *stage, uint32_t *rep, uint32_t *read) {
  struct fraig *g = calloc(1, sizeof *g);
  if (g == NULL) return NULL;
  size_t n = (size_t)n_leaves + (size_t)n_gates + 1, size = 16;
  while (size < 2 * n) size *= 2;
  g->n_leaves = n_leaves, g->n_gates = n_gates, g->n_nodes = (int32_t)n;
  g->fanin = fanin, g->exclusive = exclusive, g->stage = stage, g->rep = rep, g->read = read;
  g->mask = (uint32_t)(size - 1);
  g->key = calloc(n, sizeof *g->key), g->phase = calloc(n, 1), g->seen = calloc(1, 1);
  g->rows = malloc(size * sizeof *g->rows), g->heads = malloc(size * sizeof *g->heads);
  g->after = malloc(n * sizeof *g->after), g->stamp = calloc(n, sizeof *g->stamp);
  g->slot = malloc(n * sizeof *g->slot);
  g->tables = malloc(sizeof *g->tables * (1 + MAX_CUT + MAX_WINDOW) * TABLE_WORDS);
  if (!(g->key && g->phase && g->seen && g->rows && g->heads && g->after && g->stamp && g->slot &&
          g->tables)) {
    fraig_free(g);
    return NULL;
  }
  memset(g->rows, 0xFF, size * sizeof *g->rows);
  memset(g->heads, 0xFF, size * sizeof *g->heads);
  return g;
}

static int stands(const struct fraig *g, int32_t node) {
  return g->rep[node] >> 1 == (uint32_t)node;
}

static uint32_t class_row(const struct fraig *g, uint64_t key) {
  uint32_t row = (uint32_t)mix(key) & g->mask;
  while (g->heads[row] != NONE && g->key[g->heads[row]] != key) row = (row + 1) & g->mask;
  return row;
}

/* A class is kept with its earliest node first. */
static void join_class(struct fraig *g, int32_t node) {
  uint32_t row = class_row(g, g->key[node]);
  int32_t head = g->heads[row];
  if (head == NONE) {
    g->heads[row] = node, g->after[node] = NONE;
  } else {
    g->after[node] = g->after[head], g->after[head] = node;
  }
}

static void find_classes(struct fraig *g) {
  memset(g->heads, 0xFF, ((size_t)g->mask + 1) * sizeof *g->heads);
  int32_t end = 1 + g->n_leaves + g->next;
  for (int32_t node = 0; node < end; node++) {
    if (stands(g, node)) join_class(g, node);
  }
}

EXPORT int32_t fraig_simulate(struct fraig *g, const uint64_t *leaves, int32_t words) {
  size_t w = (size_t)words, n = (size_t)g->n_nodes;
  uint64_t *values = malloc(n * w * sizeof *values);
  if (values == NULL) return -1;
  memset(values, 0, w * sizeof *values);
  memcpy(values + w, leaves, (size_t)g->n_leaves * w * sizeof *values);
  uint64_t *out = values + (size_t)(1 + g->n_leaves) * w;
  for (int32_t i = 0; i < g->n_gates; i++, out += w) {
    uint32_t a = g->fanin[2 * i], b = g->fanin[2 * i + 1];
    const uint64_t *x = values + (size_t)(a >> 1) * w, *y = values + (size_t)(b >> 1) * w;
    uint64_t p = 0 - (uint64_t)(a & 1), q = 0 - (uint64_t)(b & 1);
    if (g->exclusive[i]) {
      for (size_t j = 0; j < w; j++) out[j] = x[j] ^ y[j] ^ p ^ q;
    } else {
      for (size_t j = 0; j < w; j++) out[j] = (x[j] ^ p) & (y[j] ^ q);
    }
  }
  for (size_t node = 0; node < n; node++) {
    const uint64_t *value = values + node * w;
    if (!g->seen[0]) g->phase[node] = value[0] & 1;
    uint64_t flip = 0 - (uint64_t)g->phase[node];
    for (size_t j = 0; j < w; j++) g->key[node] = mix(g->key[node] + (value[j] ^ flip)) + 1;
  }
  g->seen[0] = 1;
  free(values);
  find_classes(g);
  return 0;
}

/* What a gate of these literals is without a gate, or UINT32_MAX. */
static uint32_t trivial(uint32_t a, uint32_t b, int exclusive) {
  if (exclusive) {
    if ((a ^ b) < 2) return a ^ b;
    if (a < 2) return a ^ b;
    if (b < 2) return a ^ b;
    return UINT32_MAX;
  }
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (a == 0 || b == 0 || (a ^ b) == 1) return 0;
  return UINT32_MAX;
}

/* Set what gate `i` reads, and its representative; whether structure alone gives that. */
static int reduce(struct fraig *g, int32_t i) {
  int32_t node = 1 + g->n_leaves + i;
  uint32_t a = g->fanin[2 * i], b = g->fanin[2 * i + 1], odd = 0;
  int exclusive = g->exclusive[i] != 0;
  a = g->rep[a >> 1] ^ (a & 1), b = g->rep[b >> 1] ^ (b & 1);
  if (exclusive) odd = (a ^ b) & 1, a &= ~1u, b &= ~1u;
  if (a > b) {
    uint32_t t = a;
    a = b, b = t;
  }
  g->read[2 * i] = a, g->read[2 * i + 1] = b;
  int32_t s = g->stage[a >> 1], t = g->stage[b >> 1];
  g->stage[node] = s > t ? s : t;
  g->rep[node] = trivial(a, b, exclusive);
  if (g->rep[node] != UINT32_MAX) {
    g->rep[node] ^= odd;
    return 1;
  }
  uint64_t key = ((uint64_t)a << 32 | b) + (uint64_t)exclusive * 0x9E3779B97F4A7C15u;
  uint32_t row = (uint32_t)mix(key) & g->mask;
  for (; g->rows[row] != NONE; row = (row + 1) & g->mask) {
    int32_t j = g->rows[row] >> 1;
    if ((g->exclusive[j] != 0) == exclusive && g->read[2 * j] == a && g->read[2 * j + 1] == b) {
      g->rep[node] = g->rep[1 + g->n_leaves + j] ^ odd ^ (uint32_t)(g->rows[row] & 1);
      return 1;
    }
  }
  g->rows[row] = 2 * i + (int32_t)odd;
  g->rep[node] = 2 * (uint32_t)node + odd;
  return 0;
}

static int is_gate(const struct fraig *g, int32_t node) { return node > g->n_leaves; }

static const uint32_t *reads(const struct fraig *g, int32_t node) {
  return g->read + 2 * (size_t)(node - 1 - g->n_leaves);
}

/* Nodes that the cut gains if `node` is expanded. */
static int gain(const struct fraig *g, int32_t node) {
  const uint32_t *read = reads(g, node);
  return (g->stamp[read[0] >> 1] != g->stamps) + (g->stamp[read[1] >> 1] != g->stamps);
}

static void add_leaf(struct fraig *g, int32_t node) {
  if (node == 0 || g->stamp[node] == g->stamps) return;
  g->stamp[node] = g->stamps;
  g->cut[g->n_cut++] = node;
}

/* Expand the cut where that adds fewest nodes, the latest node first, while it has at most `limit`. */
static void grow(struct fraig *g, int32_t limit) {
  while (g->n_inner < MAX_WINDOW) {
    int best = NONE, least = 3;
    for (int i = 0; i < g->n_cut; i++) {
      if (!is_gate(g, g->cut[i])) continue;
      int cost = gain(g, g->cut[i]);
      if (g->n_cut - 1 + cost > limit) continue;
      if (cost < least || (cost == least && g->cut[i] > g->cut[best])) best = i, least = cost;
    }
    if (best == NONE) return;
    int32_t node = g->cut[best];
    g->cut[best] = g->cut[--g->n_cut];
    g->inner[g->n_inner++] = node;
    add_leaf(g, (int32_t)(reads(g, node)[0] >> 1));
    add_leaf(g, (int32_t)(reads(g, node)[1] >> 1));
  }
}

static int ascending(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static void leaf_table(uint64_t *table, int i, size_t words) {
  for (size_t j = 0; j < words; j++) table[j] = truth_input(i, j);
}

/* The pattern on which two nodes differ, up to `odd`, over the present cut; -1 if they are equal. */
static int32_t compare(struct fraig *g, int32_t a, int32_t b, uint64_t odd) {
  size_t words = g->n_cut <= 6 ? 1 : (size_t)1 << (g->n_cut - 6);
  uint64_t *table = g->tables;
  int32_t slots = 0;
  memset(table, 0, words * sizeof *table);
  g->slot[0] = slots++;
  for (int i = 0; i < g->n_cut; i++) {
    g->slot[g->cut[i]] = slots;
    leaf_table(table + words * (size_t)slots++, i, words);
  }
  qsort(g->inner, (size_t)g->n_inner, sizeof *g->inner, ascending);
  for (int i = 0; i < g->n_inner; i++) {
    const uint32_t *read = reads(g, g->inner[i]);
    const uint64_t *x = table + words * (size_t)g->slot[read[0] >> 1];
    const uint64_t *y = table + words * (size_t)g->slot[read[1] >> 1];
    uint64_t *out = table + words * (size_t)slots;
    uint64_t p = 0 - (uint64_t)(read[0] & 1), q = 0 - (uint64_t)(read[1] & 1);
    if (g->exclusive[g->inner[i] - 1 - g->n_leaves]) {
      for (size_t j = 0; j < words; j++) out[j] = x[j] ^ y[j] ^ p ^ q;
    } else {
      for (size_t j = 0; j < words; j++) out[j] = (x[j] ^ p) & (y[j] ^ q);
    }
    g->slot[g->inner[i]] = slots++;
  }
  const uint64_t *x = table + words * (size_t)g->slot[a];
  const uint64_t *y = table + words * (size_t)g->slot[b];
  for (size_t j = 0; j < words; j++) {
    uint64_t apart = x[j] ^ y[j] ^ odd;
    if (apart) return (int32_t)(64 * j) + __builtin_ctzll(apart);
  }
  return NONE;
}

/* Try to decide two nodes over ever larger cuts; writes the pattern that tells them apart. */
static int decide(struct fraig *g, int32_t a, int32_t b, uint32_t odd, int32_t window,
                  uint32_t *stop) {
  g->stamps++, g->n_cut = 0, g->n_inner = 0;
  g->stamp[0] = g->stamps;
  add_leaf(g, a), add_leaf(g, b);
  for (int32_t limit = 6; limit <= window; limit += 4) {
    int32_t before = g->n_inner;
    grow(g, limit);
    if (limit > 6 && g->n_inner == before) break;
    int32_t pattern = compare(g, a, b, 0 - (uint64_t)odd);
    if (pattern == NONE) return EQUAL;
    int leaves = 1;
    for (int i = 0; i < g->n_cut; i++) leaves &= !is_gate(g, g->cut[i]);
    if (!leaves) continue;
    *stop++ = (uint32_t)g->n_cut;
    for (int i = 0; i < g->n_cut; i++) {
      *stop++ = 2 * (uint32_t)g->cut[i] + !(pattern >> i & 1);
    }
    return DIFFERENT;
  }
  return OPEN;
}

EXPORT int32_t fraig_run(struct fraig *g, int32_t answer, int32_t window, int32_t candidates, int32_t ask,
                  uint32_t *stop) {
  for (; g->next < g->n_gates; g->next++, g->waiting = 0) {
    int32_t node = 1 + g->n_leaves + g->next;
    if (g->waiting && answer == 1) {
      g->rep[node] = stop[1];
      continue;
    }
    if (!g->waiting) {
      if (reduce(g, g->next)) continue;
      g->tried = 0;
      g->candidate = g->heads[class_row(g, g->key[node])];
    } else if (answer == 2) {
      g->candidate = g->heads[class_row(g, g->key[node])];
    } else {
      g->candidate = g->after[g->candidate];
    }
    g->waiting = answer = 0;
    for (; g->candidate != NONE && g->tried < candidates; g->candidate = g->after[g->candidate]) {
      if (g->stage[g->candidate] > g->stage[node]) continue;
      uint32_t odd = g->phase[node] ^ g->phase[g->candidate];
      g->tried++;
      stop[0] = g->rep[node], stop[1] = g->rep[g->candidate] ^ odd;
      odd = (stop[0] ^ stop[1]) & 1;
      int found = decide(g, node, g->candidate, odd, window, stop + 2);
      if (found == EQUAL) {
        g->rep[node] = stop[1];
        break;
      }
      if (ask || found == DIFFERENT) {
        g->waiting = 1;
        return found == DIFFERENT ? 2 : 1;
      }
    }
    if (stands(g, node)) join_class(g, node);
  }
  return 0;
}

EXPORT int32_t fraig_cone(const struct fraig *g, const uint32_t *pair, uint8_t *seen, int32_t *nodes,
                   int32_t room) {
  int32_t count = 0;
  for (int i = 0; i < 2; i++) {
    int32_t root = (int32_t)(pair[i] >> 1);
    if (!is_gate(g, root) || seen[root]) continue;
    if (count == room) return -1;
    seen[root] = 1;
    nodes[count++] = root;
  }
  for (int32_t done = 0; done < count; done++) {
    const uint32_t *read = reads(g, nodes[done]);
    for (int i = 0; i < 2; i++) {
      int32_t node = (int32_t)(read[i] >> 1);
      if (!is_gate(g, node) || seen[node]) continue;
      if (count == room) return -1;
      seen[node] = 1;
      nodes[count++] = node;
    }
  }
  return count;
}
