/* Technology mapping into LUTs by priority cuts (Mishchenko, Cho, Chatterjee, Brayton,
 * "Combinational and sequential mapping with priority cuts", ICCAD 2007). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cuts.h"
#include "splitting.h"
#include "export.h"
#include "lutmap.h"

enum order { BY_FLOW, BY_LEVEL, BY_LEVEL_AND_SIZE }; /* then by flow, then by size */
enum { KNOWN_BITS = 16 };
enum { UNIT = 1 << 8, AHEAD = 8 }; /* of references, and of flow; gates that memory lags behind */
static const int64_t most_flow = ((int64_t)1 << 32) - 1;

/* The cut that a node is mapped with. */
struct choice {
  uint64_t table;
  uint32_t leaf[MAX_FANIN];
  uint8_t size, area;
};

/* How many LUTs a function takes, 0 if more than it is worth. */
struct known {
  uint64_t table;
  uint8_t size, area;
};

/* What a node costs its readers: area flow a reference, and its level in the current mapping. */
struct cost {
  uint32_t flow;
  int32_t level;
};

struct map {
  int k, limit;
  int widest;       /* cut */
  enum order order; /* of cuts */
  int first_round;  /* which alone looks for gates that equal others */
  uint32_t first, nodes, n_outputs; /* first: gate; nodes: how many */
  const uint32_t *fanin;
  const uint8_t *is_xor;
  const uint32_t *outputs;
  uint32_t *alias;    /* [nodes] the literal that a node equals, itself as a rule */
  uint8_t *live;      /* [nodes] whether an output depends on it */
  struct cost *cost;  /* [nodes] */
  int64_t *estimate;  /* [nodes] references expected, in UNIT */
  int32_t *refs;      /* [nodes] references in the current mapping */
  int32_t *required;  /* [nodes] the latest level allowed */
  struct choice *best;/* [nodes] */
  uint32_t *stack;    /* [nodes] */
  uint64_t *start;    /* [nodes + 1] where a node's cuts begin in the arena */
  uint32_t *arena;
  uint64_t used, room; /* words */
  struct known *known; /* [KNOWN], by hash */
};

static int is_gate(const struct map *m, uint32_t node) { return node >= m->first; }

static uint32_t resolve(const struct map *m, uint32_t literal) {
  return m->alias[literal >> 1] ^ (literal & 1);
}

static int store(struct map *m, const struct cut_list *list) {
  const uint64_t most = m->used + (uint64_t)list->n * (3 + MAX_FANIN);
  if (most > m->room) {
    const uint64_t room = most + most / 2;
    uint32_t *arena = realloc(m->arena, room * sizeof *arena);
    if (!arena) return 0;
    m->arena = arena;
    m->room = room;
  }
  uint32_t *word = m->arena + m->used;
  for (int i = 0; i < list->n; ++i) {
    const struct cut *c = &list->cut[i];
    *word++ = (uint32_t)(c->size | c->area << 8);
    memcpy(word, &c->table, 8);
    memcpy(word + 2, c->leaf, (size_t)c->size * 4);
    word += 2 + c->size;
  }
  m->used = (uint64_t)(word - m->arena);
  return 1;
}

/* How many LUTs the function of a cut takes; 0 if it cannot be split. */
static int area_of(const struct map *m, const struct cut *c) {
  if (c->size <= m->k) return 1;
  const uint64_t hash = (c->table + (uint64_t)c->size) * 0x9E3779B97F4A7C15u;
  struct known *k = &m->known[hash >> (64 - KNOWN_BITS)];
  if (k->table != c->table || k->size != c->size) {
    struct parts parts;
    k->table = c->table;
    k->size = (uint8_t)c->size;
    k->area = (uint8_t)split_function(c->table, c->size, m->k, &parts);
  }
  return k->area;
}

static int64_t flow_of(const struct map *m, const uint32_t *leaf, int size, int area) {
  int64_t flow = (int64_t)area * UNIT;
  for (int i = 0; i < size; ++i) flow += m->cost[leaf[i]].flow;
  return flow < most_flow ? flow : most_flow;
}

static int32_t level_of(const struct map *m, const uint32_t *leaf, int size) {
  int32_t level = -1;
  for (int i = 0; i < size; ++i)
    if (m->cost[leaf[i]].level > level) level = m->cost[leaf[i]].level;
  return level + 1;
}

/* Sets what a cut costs; whether it is fast enough for the node. */
static int rate(const struct map *m, uint32_t node, struct cut *c) {
  const int32_t level = level_of(m, c->leaf, c->size) + (c->area > 1);
  c->cost = flow_of(m, c->leaf, c->size, c->area);
  if (c->size < 2) c->cost = 0; /* no LUT at all */
  else if (m->order == BY_LEVEL) c->cost += level * most_flow;
  else if (m->order == BY_LEVEL_AND_SIZE) c->cost += (8 * (int64_t)level + c->size) * most_flow;
  return level <= m->required[node];
}

/* The cuts of a node for a reader of it, rated: those kept, and the node itself. */
static void load(const struct map *m, uint32_t reader, uint32_t literal, struct cut_list *list) {
  const uint32_t node = literal >> 1;
  const uint64_t inverted = (literal & 1) ? ~(uint64_t)0 : 0;
  list->n = 0;
  if (is_gate(m, node)) {
    const uint32_t *word = m->arena + m->start[node], *end = m->arena + m->start[node + 1];
    while (word < end) {
      struct cut *c = &list->cut[list->n++];
      c->size = (int32_t)(*word++ & 0xFF);
      c->area = 1; /* what a cut made of it takes at least */
      memcpy(&c->table, word, 8);
      word += 2;
      c->table ^= inverted;
      c->sign = 0;
      for (int i = 0; i < c->size; ++i) {
        c->leaf[i] = *word++;
        c->sign |= sign_of(c->leaf[i]);
      }
      if (!rate(m, reader, c)) --list->n;
    }
  }
  struct cut *self = &list->cut[list->n++];
  self->size = node != 0;
  self->area = 1;
  self->leaf[0] = node;
  self->sign = node ? sign_of(node) : 0;
  self->table = (node ? where_true[0] : 0) ^ inverted;
  rate(m, reader, self);
}

static void recall(const struct choice *best, struct cut *c) {
  c->table = best->table;
  c->size = best->size;
  c->area = best->area;
  memcpy(c->leaf, best->leaf, sizeof c->leaf);
  cut_sign(c);
}

/* All cuts of a gate, the best of them in order. */
static void enumerate(const struct map *m, uint32_t node, struct cut_list *a, struct cut_list *b,
                      struct cut_list *list) {
  const uint32_t *read = m->fanin + 2 * (uint64_t)(node - m->first);
  const int is_xor = m->is_xor[node - m->first];
  uint8_t in_a[MAX_FANIN], in_b[MAX_FANIN];
  struct cut c;
  load(m, node, resolve(m, read[0]), a);
  load(m, node, resolve(m, read[1]), b);
  list->n = 0;
  if (m->best[node].size) {
    recall(&m->best[node], &c);
    if (rate(m, node, &c)) cut_insert(list, &c, m->limit);
  }
  for (int i = 0; i < a->n; ++i)
    for (int j = 0; j < b->n; ++j) {
      const struct cut *x = &a->cut[i], *y = &b->cut[j];
      const int64_t worst = list->n < m->limit ? INT64_MAX : list->cut[list->n - 1].cost;
      if (x->cost > worst || y->cost > worst) continue; /* a union costs no less than either */
      if (__builtin_popcountll(x->sign | y->sign) > m->widest) continue;
      if (!cut_union(x, y, m->widest, &c, in_a, in_b)) continue;
      c.area = c.size > m->k ? 2 : 1;
      if (!rate(m, node, &c)) continue;
      if (list->n == m->limit && !cut_better(&c, &list->cut[list->n - 1])) continue;
      const uint64_t s = truth_spread(x->table, in_a, x->size);
      const uint64_t t = truth_spread(y->table, in_b, y->size);
      c.table = is_xor ? s ^ t : s & t;
      cut_shrink(&c);
      if (c.size < 2 && !m->first_round) continue;
      if (!(c.area = area_of(m, &c))) continue;
      rate(m, node, &c);
      if (!cut_dominated(list, &c)) cut_insert(list, &c, m->limit);
    }
}

static void choose(struct map *m, uint32_t node, const uint32_t *word) {
  struct choice *best = &m->best[node];
  best->size = (uint8_t)word[0];
  best->area = (uint8_t)(word[0] >> 8);
  memcpy(&best->table, word + 1, 8);
  memcpy(best->leaf, word + 3, (size_t)best->size * 4);
}

/* Level and flow of a gate, now that its cut is chosen. */
static void settle(struct map *m, uint32_t node) {
  const struct choice *best = &m->best[node];
  const int64_t refs = m->estimate[node] > UNIT ? m->estimate[node] : UNIT;
  m->cost[node].level = level_of(m, best->leaf, best->size) + (best->area > 1);
  m->cost[node].flow = (uint32_t)(flow_of(m, best->leaf, best->size, best->area) * UNIT / refs);
}

/* Bring the cuts that a gate will want closer. */
static void prefetch(const struct map *m, uint32_t node) {
  if (node >= m->nodes || !m->arena) return;
  for (int i = 0; i < 2; ++i) {
    const uint32_t read = m->fanin[2 * (uint64_t)(node - m->first) + i] >> 1;
    const uint32_t *word = m->arena + m->start[read];
    for (int line = 0; line < 4; ++line) __builtin_prefetch(word + 16 * line);
  }
}

/* One round of area flow: the cuts of all gates, and the one that costs least. */
static int flow_round(struct map *m, struct cut_list *lists) {
  m->used = 0;
  for (uint32_t n = m->first; n < m->nodes; ++n) {
    m->start[n] = m->used;
    if (!m->live[n] || m->alias[n] != 2 * n) continue;
    prefetch(m, n + AHEAD);
    enumerate(m, n, &lists[0], &lists[1], &lists[2]);
    const struct cut *best = &lists[2].cut[0];
    if (best->size < 2) {
      m->alias[n] = (best->size ? 2 * best->leaf[0] : 0) + (uint32_t)(best->table & 1);
      continue;
    }
    if (!store(m, &lists[2])) return 0;
    choose(m, n, m->arena + m->start[n]);
    settle(m, n);
  }
  m->start[m->nodes] = m->used;
  return 1;
}

/* References of the mapping that the outputs need; how many LUTs it has. */
static int64_t count_refs(struct map *m) {
  int64_t area = 0;
  memset(m->refs, 0, m->nodes * sizeof *m->refs);
  for (uint32_t i = 0; i < m->n_outputs; ++i) ++m->refs[resolve(m, m->outputs[i]) >> 1];
  for (uint32_t n = m->nodes; n-- > m->first;) {
    if (!m->refs[n]) continue;
    area += m->best[n].area;
    for (int i = 0; i < m->best[n].size; ++i) ++m->refs[m->best[n].leaf[i]];
  }
  return area;
}

/* Refer to leaves, and to all that this brings into the mapping; how many LUTs that is. */
static int64_t take(struct map *m, const uint32_t *leaf, int size) {
  int64_t area = 0;
  uint32_t n = 0;
  for (;;) {
    for (int i = 0; i < size; ++i)
      if (m->refs[leaf[i]]++ == 0 && is_gate(m, leaf[i])) m->stack[n++] = leaf[i];
    if (!n) return area;
    const struct choice *next = &m->best[m->stack[--n]];
    leaf = next->leaf;
    size = next->size;
    area += next->area;
  }
}

/* The inverse of `take`. */
static int64_t release(struct map *m, const uint32_t *leaf, int size) {
  int64_t area = 0;
  uint32_t n = 0;
  for (;;) {
    for (int i = 0; i < size; ++i)
      if (--m->refs[leaf[i]] == 0 && is_gate(m, leaf[i])) m->stack[n++] = leaf[i];
    if (!n) return area;
    const struct choice *next = &m->best[m->stack[--n]];
    leaf = next->leaf;
    size = next->size;
    area += next->area;
  }
}

/* One round of exact area: each gate takes the cut that adds the fewest LUTs. */
static void exact_round(struct map *m) {
  for (uint32_t n = m->first; n < m->nodes; ++n) {
    if (m->start[n] == m->start[n + 1]) continue;
    struct choice *best = &m->best[n];
    if (m->refs[n]) release(m, best->leaf, best->size);
    const uint32_t *word = m->arena + m->start[n], *end = m->arena + m->start[n + 1];
    const uint32_t *found = NULL;
    int64_t least = 0, least_flow = 0;
    for (; word < end; word += 3 + (word[0] & 0xFF)) {
      const int size = (int)(word[0] & 0xFF);
      if (level_of(m, word + 3, size) > m->required[n]) continue;
      const int own = (int)(word[0] >> 8);
      const int64_t area = own + take(m, word + 3, size);
      release(m, word + 3, size);
      const int64_t flow = flow_of(m, word + 3, size, own);
      if (found && (area > least || (area == least && flow >= least_flow))) continue;
      found = word;
      least = area;
      least_flow = flow;
    }
    choose(m, n, found);
    settle(m, n);
    if (m->refs[n]) take(m, best->leaf, best->size);
  }
}

static void mark_live(struct map *m) {
  for (uint32_t i = 0; i < m->n_outputs; ++i) {
    m->live[m->outputs[i] >> 1] = 1;
    m->estimate[m->outputs[i] >> 1] += UNIT;
  }
  for (uint32_t n = m->nodes; n-- > m->first;) {
    if (!m->live[n]) continue;
    for (int i = 0; i < 2; ++i) {
      const uint32_t read = m->fanin[2 * (uint64_t)(n - m->first) + i] >> 1;
      m->live[read] = 1;
      m->estimate[read] += UNIT;
    }
  }
}

static void blend(struct map *m) {
  for (uint32_t n = m->first; n < m->nodes; ++n)
    m->estimate[n] = (2 * m->estimate[n] + (int64_t)m->refs[n] * UNIT) / 3;
}

/* The LUTs of the mapping, numbered anew. */
static void write_luts(struct map *m, const struct choice *best, uint32_t *outputs, int32_t *inputs,
                       uint8_t *sizes, uint64_t *tables) {
  uint32_t next = 0, *number = m->stack;
  for (uint32_t n = 0; n < m->first; ++n) number[n] = n;
  for (uint32_t n = m->first; n < m->nodes; ++n) {
    if (!m->refs[n]) continue;
    const struct choice *c = &best[n];
    struct parts parts;
    split_function(c->table, c->size, m->k, &parts);
    for (int p = 0; p < parts.n; ++p, ++next) {
      const struct part *lut = &parts.part[p];
      sizes[next] = (uint8_t)lut->size;
      tables[next] = lut->table & truth_mask(lut->size);
      for (int i = 0; i < m->k; ++i) {
        const int from = i < lut->size ? lut->input[i] : -1;
        uint32_t input = 0;
        if (from >= c->size) input = m->first + next - p + (uint32_t)(from - c->size);
        else if (from >= 0) input = number[c->leaf[from]];
        inputs[(uint64_t)next * m->k + i] = (int32_t)input;
      }
    }
    number[n] = m->first + next - 1;
  }
  for (uint32_t i = 0; i < m->n_outputs; ++i) {
    const uint32_t literal = resolve(m, outputs[i]);
    outputs[i] = 2 * number[literal >> 1] + (literal & 1);
  }
}

static int32_t depth_of(const struct map *m) {
  int32_t depth = 0;
  for (uint32_t i = 0; i < m->n_outputs; ++i) {
    const int32_t level = m->cost[resolve(m, m->outputs[i]) >> 1].level;
    if (level > depth) depth = level;
  }
  return depth;
}

/* The latest levels that keep the mapping within a depth; what it does not use may be late. */
static void require(struct map *m, int32_t depth) {
  for (uint32_t n = 0; n < m->nodes; ++n) m->required[n] = INT32_MAX;
  for (uint32_t i = 0; i < m->n_outputs; ++i) m->required[resolve(m, m->outputs[i]) >> 1] = depth;
  for (uint32_t n = m->nodes; n-- > m->first;) {
    if (!m->refs[n]) continue;
    const struct choice *best = &m->best[n];
    for (int i = 0; i < best->size; ++i)
      if (m->required[best->leaf[i]] >= m->required[n])
        m->required[best->leaf[i]] = m->required[n] - 1;
  }
}

/* Round after round, the best mapping of all kept; its LUTs, -1 without memory. */
static int64_t solve(struct map *m, int rounds, int exact, int fast, struct cut_list *lists,
                     struct choice *kept) {
  int64_t least = -1;
  int32_t depth = INT32_MAX;
  for (uint32_t n = 0; n < m->nodes; ++n) m->required[n] = INT32_MAX;
  for (int round = 0; round < rounds; ++round) {
    m->first_round = round == 0;
    m->order = fast ? BY_LEVEL_AND_SIZE : BY_LEVEL;
    if (round || (rounds == 1 && !fast)) m->order = BY_FLOW;
    if (!flow_round(m, lists)) return -1;
    count_refs(m);
    if (fast && !round) depth = depth_of(m);
    for (int i = 0; i < exact; ++i) {
      if (fast) require(m, depth);
      exact_round(m);
    }
    const int64_t area = count_refs(m);
    if (fast) require(m, depth);
    blend(m);
    if (least < 0 || area < least) {
      least = area;
      memcpy(kept, m->best, m->nodes * sizeof *kept);
    }
  }
  memcpy(m->best, kept, m->nodes * sizeof *kept);
  return count_refs(m);
}

EXPORT int64_t lutmap_map(int32_t k, int32_t widest, int32_t limit, int32_t rounds, int32_t exact,
                          int32_t fast, int64_t leaves, int64_t gates, const uint32_t *fanin,
                          const uint8_t *is_xor, int64_t n_outputs, uint32_t *outputs,
                          int32_t *inputs, uint8_t *sizes, uint64_t *tables) {
  const size_t nodes = (size_t)(1 + leaves + gates);
  struct map m = {.k = k, .limit = limit, .widest = fast ? k : widest};
  m.first = (uint32_t)(1 + leaves);
  m.nodes = (uint32_t)nodes;
  m.n_outputs = (uint32_t)n_outputs;
  m.fanin = fanin;
  m.is_xor = is_xor;
  m.outputs = outputs;
  m.alias = malloc(nodes * sizeof *m.alias);
  m.live = calloc(nodes, 1);
  m.cost = calloc(nodes, sizeof *m.cost);
  m.estimate = calloc(nodes, sizeof *m.estimate);
  m.refs = calloc(nodes, sizeof *m.refs);
  m.required = malloc(nodes * sizeof *m.required);
  m.best = calloc(nodes, sizeof *m.best);
  m.stack = malloc(nodes * sizeof *m.stack);
  m.start = calloc(nodes + 1, sizeof *m.start);
  m.known = calloc((size_t)1 << KNOWN_BITS, sizeof *m.known);
  struct choice *kept = malloc(nodes * sizeof *kept);
  struct cut_list *lists = malloc(3 * sizeof *lists);
  int64_t found = -1;
  if (m.alias && m.live && m.cost && m.estimate && m.refs && m.required && m.best &&
      m.stack && m.start && m.known && kept && lists) {
    for (uint32_t n = 0; n < m.nodes; ++n) m.alias[n] = 2 * n;
    mark_live(&m);
    found = solve(&m, rounds, exact, fast, lists, kept);
    if (found >= 0) write_luts(&m, m.best, outputs, inputs, sizes, tables);
  }
  free(lists);
  free(kept);
  free(m.known);
  free(m.arena);
  free(m.start);
  free(m.stack);
  free(m.best);
  free(m.required);
  free(m.refs);
  free(m.estimate);
  free(m.cost);
  free(m.live);
  free(m.alias);
  return found;
}
