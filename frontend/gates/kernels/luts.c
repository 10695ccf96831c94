/* Layers of gates of up to six inputs that interpolate their tables, forward and backward.
 * Activations are feature-major, [features][batch]. A gate is a binary tree: node 1 is the root, node
 * n interpolates nodes 2n and 2n + 1 by the input of its level, and the lowest level interpolates
 * the table, table[2^inputs][gates]. */
#include "lanes.h"

enum { INPUTS = 6, ROWS = 1 << INPUTS, AHEAD = 4 };

struct luts {
  const float *x, *table;
  const int64_t *index; /* [inputs][gates], the rows that a gate reads */
  int64_t gates, batch;
};

static inline void fetch(const struct luts *t, int inputs, const float *rows, int64_t gate,
                         int64_t from, int64_t to) {
  if (!rows || gate >= t->gates) return;
  for (int k = 0; k < inputs; ++k)
    for (int64_t i = from; i < to; i += LANES)
      __builtin_prefetch(rows + t->index[k * t->gates + gate] * t->batch + i);
}

/* What the nodes of one gate answer; end[inputs] holds its inputs. */
static inline void answer(int inputs, const float *table, const lanes *end, lanes *node) {
  const int low = 1 << (inputs - 1);
#pragma GCC unroll 32
  for (int n = 0; n < low; ++n)
    node[low + n] = table[2 * n] + (table[2 * n + 1] - table[2 * n]) * end[inputs - 1];
#pragma GCC unroll 8
  for (int k = inputs - 2; k >= 0; --k)
#pragma GCC unroll 16
    for (int n = 1 << k; n < 2 << k; ++n)
      node[n] = node[2 * n] + (node[2 * n + 1] - node[2 * n]) * end[k];
}

static inline void forward(const struct luts *t, int inputs, int64_t gate, float *out) {
  float table[ROWS];
  lanes end[INPUTS], node[ROWS];
  for (int r = 0; r < 1 << inputs; ++r) table[r] = t->table[r * t->gates + gate];
  fetch(t, inputs, t->x, gate + AHEAD, 0, t->batch);
  for (int64_t i = 0; i < t->batch; i += LANES) {
    for (int k = 0; k < inputs; ++k)
      end[k] = load(t->x + t->index[k * t->gates + gate] * t->batch + i, t->batch - i);
    answer(inputs, table, end, node);
    store(out + gate * t->batch + i, node[1], t->batch - i);
  }
}

/* Hands the gradient of the root, up[1], down: answers those of the inputs, down[inputs], and adds
 * to those of the table's rows, s[2^inputs]. */
static inline void descend(int inputs, const float *table, const lanes *end, const lanes *node,
                           lanes *up, lanes *down, lanes *s) {
  const int low = 1 << (inputs - 1);
  const lanes none = {0};
#pragma GCC unroll 8
  for (int k = 0; k < inputs - 1; ++k) {
    down[k] = none;
#pragma GCC unroll 16
    for (int n = 1 << k; n < 2 << k; ++n) {
      down[k] += up[n] * (node[2 * n + 1] - node[2 * n]);
      up[2 * n + 1] = up[n] * end[k];
      up[2 * n] = up[n] - up[2 * n + 1];
    }
  }
  down[inputs - 1] = none;
#pragma GCC unroll 32
  for (int n = 0; n < low; ++n) {
    const lanes high = up[low + n] * end[inputs - 1];
    down[inputs - 1] += up[low + n] * (table[2 * n + 1] - table[2 * n]);
    s[2 * n] += up[low + n] - high;
    s[2 * n + 1] += high;
  }
}

/* One gate and samples from..to: adds to grad_x, which may be null; answers sums[2^inputs][gates]. */
static inline void backward(const struct luts *t, int inputs, int64_t gate, int64_t from,
                            int64_t to, const float *grad, float factor, float *grad_x,
                            float *sums) {
  const int rows = 1 << inputs;
  float table[ROWS], found[ROWS];
  lanes end[INPUTS], node[ROWS], up[ROWS], down[INPUTS], s[ROWS];
  for (int r = 0; r < rows; ++r) table[r] = t->table[r * t->gates + gate];
  memset(s, 0, (size_t)(rows < 4 ? 4 : rows) * sizeof *s);
  fetch(t, inputs, t->x, gate + AHEAD, from, to);
  fetch(t, inputs, grad_x, gate + AHEAD, from, to);
  for (int64_t i = from; i < to; i += LANES) {
    for (int k = 0; k < inputs; ++k)
      end[k] = load(t->x + t->index[k * t->gates + gate] * t->batch + i, t->batch - i);
    answer(inputs, table, end, node);
    up[1] = load(grad + gate * t->batch + i, t->batch - i);
    descend(inputs, table, end, node, up, down, s);
    if (grad_x)
      for (int k = 0; k < inputs; ++k) {
        float *row = grad_x + t->index[k * t->gates + gate] * t->batch + i;
        store(row, load(row, t->batch - i) + factor * down[k], t->batch - i);
      }
  }
  for (int r = 0; r < rows; r += 4) sum_lanes(s + r, found + r, 1);
  for (int r = 0; r < rows; ++r) sums[r * t->gates + gate] = found[r];
}

/* Code of its own for each number of inputs, so that the loops over a tree are straight-line. */
#define EACH_RANK(CALL)      \
  switch (inputs) {          \
    case 1: CALL(1); break;  \
    case 2: CALL(2); break;  \
    case 3: CALL(3); break;  \
    case 4: CALL(4); break;  \
    case 5: CALL(5); break;  \
    default: CALL(6);        \
  }

/* out[gates][batch] */
EXPORT void luts_forward(const float *x, const float *table, const int64_t *index, int inputs,
                         int64_t gates, int64_t batch, int threads, float *out) {
  const struct luts t = {x, table, index, gates, batch};
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t gate = 0; gate < gates; ++gate) {
#define FORWARD(RANK) forward(&t, RANK, gate, out)
    EACH_RANK(FORWARD)
  }
}

/* Gradients for x[features][batch], times factor, and for the table. Each thread has its own samples,
 * and partial[groups][2^inputs * gates] holds the sums over a group of them. grad_x may be null. */
EXPORT void luts_backward(const float *x, const float *table, const int64_t *index,
                          const float *grad, int inputs, int64_t features, int64_t gates,
                          int64_t batch, float factor, int threads, float *grad_x, float *partial,
                          float *grad_table) {
  const struct luts t = {x, table, index, gates, batch};
  const int64_t size = gates << inputs;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t group = 0; group < groups_of(batch); ++group) {
    const int64_t from = group * GROUP, to = least(from + GROUP, batch);
    if (grad_x) clear(grad_x, features, batch, from, to);
    for (int64_t gate = 0; gate < gates; ++gate) {
#define BACKWARD(RANK) \
  backward(&t, RANK, gate, from, to, grad, factor, grad_x, partial + group * size)
      EACH_RANK(BACKWARD)
    }
  }
  add_groups(partial, groups_of(batch), size, grad_table);
}
