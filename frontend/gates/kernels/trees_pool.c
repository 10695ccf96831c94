/* Trees at all places, and the maximum over windows of places; see trees.h. Only that is stored, and
 * for each sample which place of the window won, the first where several are equal. */
#include "trees.h"

enum { LARGEST = 127 }; /* places of a window, which a byte counts */
typedef int8_t bytes __attribute__((vector_size(LANES)));

struct windows {
  const int64_t *places; /* [windows][size] */
  int64_t count, size;
};

static inline mask load_bytes(const int8_t *from, int64_t n) {
  bytes v = {0};
  memcpy(&v, from, (size_t)least(n, LANES));
  return __builtin_convertvector(v, mask);
}

static inline void store_bytes(int8_t *to, mask v, int64_t n) {
  const bytes narrow = __builtin_convertvector(v, bytes);
  memcpy(to, &narrow, (size_t)least(n, LANES));
}

static inline lanes choose(mask take, lanes a, lanes b) {
  return (lanes)((take & (mask)a) | (~take & (mask)b));
}

/* The rows of the leaves of a kernel at each place of a window, [size][leaves]. */
static inline void find_rows(const struct trees *t, const struct windows *w, int leaves,
                             int64_t kernel, int64_t window, int64_t *rows) {
  for (int64_t p = 0; p < w->size; ++p)
    for (int l = 0; l < leaves; ++l)
      rows[p * leaves + l] = row_of(t, l, leaves / 2, kernel, w->places[window * w->size + p]);
}

static inline void forward(const struct trees *t, const struct windows *w, int leaves,
                           int64_t kernel, int64_t from, int64_t to, float *out, int8_t *winner) {
  float c[MOST][4];
  lanes value[2 * MOST];
  int64_t rows[LARGEST * MOST];
  gather(t, leaves - 1, kernel, c);
  for (int64_t window = 0; window < w->count; ++window) {
    const int64_t at = (kernel * w->count + window) * t->batch;
    find_rows(t, w, leaves, kernel, window, rows);
    for (int64_t i = from; i < to; i += LANES) {
      const lanes none = {0};
      lanes most = none - __builtin_inff();
      mask won = {0};
      for (int64_t p = 0; p < w->size; ++p) {
        answer(t, leaves, leaves - 1, rows + p * leaves, c, i, value);
        const lanes v = value[2 * leaves - 2];
        const mask take = (v > most) | (v != v);
        most = choose(take, v, most);
        won = (take & (int32_t)p) | (~take & won);
      }
      store(out + at + i, most, t->batch - i);
      store_bytes(winner + at + i, won, t->batch - i);
    }
  }
}

/* One kernel and some samples, whose trees are evaluated where they won: adds to grad_x, which may
 * be null; answers sums[4][nodes * kernels]. */
static inline void backward(const struct trees *t, const struct windows *w, int leaves,
                            int64_t kernel, int64_t from, int64_t to, const float *grad,
                            const int8_t *winner, float factor, float *grad_x, float *sums) {
  float c[MOST][4];
  lanes value[2 * MOST], up[2 * MOST], s[MOST][4];
  int64_t rows[LARGEST * MOST];
  const int nodes = leaves - 1;
  gather(t, nodes, kernel, c);
  memset(s, 0, (size_t)nodes * sizeof *s);
  for (int64_t window = 0; window < w->count; ++window) {
    const int64_t at = (kernel * w->count + window) * t->batch;
    find_rows(t, w, leaves, kernel, window, rows);
    for (int64_t i = from; i < to; i += LANES) {
      const int64_t n = t->batch - i;
      const mask won = load_bytes(winner + at + i, n);
#pragma GCC unroll 16
      for (int l = 0; l < leaves; ++l) value[l] = load(t->x + rows[l] * t->batch + i, n);
      for (int64_t p = 1; p < w->size; ++p) {
        const mask take = won == (int32_t)p;
#pragma GCC unroll 16
        for (int l = 0; l < leaves; ++l)
          value[l] = choose(take, load(t->x + rows[p * leaves + l] * t->batch + i, n), value[l]);
      }
      ascend(leaves, nodes - 1, c, value);
      up[2 * leaves - 2] = load(grad + at + i, n);
      descend(leaves, c, value, up, s);
      if (!grad_x) continue;
      for (int64_t p = 0; p < w->size; ++p) {
        const mask take = won == (int32_t)p;
        for (int l = 0; l < leaves; ++l) {
          float *to_row = grad_x + rows[p * leaves + l] * t->batch + i;
          store(to_row, load(to_row, n) + (lanes)(take & (mask)(factor * up[l])), n);
        }
      }
    }
  }
  for (int n = 0; n < nodes; ++n)
    sum_lanes(s[n], sums + n * t->kernels + kernel, nodes * t->kernels);
}

/* out[kernels * windows][batch], and winner in the same shape */
EXPORT void trees_pool_forward(const float *x, const float *c, const int64_t *index,
                               const int64_t *window, int64_t windows, int64_t size, int depth,
                               int64_t kernels, int64_t places, int64_t batch, int threads,
                               float *out, int8_t *winner) {
  const struct trees t = {x, c, index, kernels, places, batch};
  const struct windows w = {window, windows, size};
  const int64_t groups = groups_of(batch);
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t job = 0; job < groups * kernels; ++job) {
    const int64_t from = job / kernels * GROUP, to = least(from + GROUP, batch);
#define FORWARD(LEAVES) forward(&t, &w, LEAVES, job % kernels, from, to, out, winner)
    EACH_DEPTH(FORWARD)
  }
}

/* As trees_backward. */
EXPORT void trees_pool_backward(const float *x, const float *c, const int64_t *index,
                                const int64_t *window, const int8_t *winner, const float *grad,
                                int64_t windows, int64_t size, int depth, int64_t features,
                                int64_t kernels, int64_t places, int64_t batch, float factor,
                                int threads, float *grad_x, float *partial, float *grad_c) {
  const struct trees t = {x, c, index, kernels, places, batch};
  const struct windows w = {window, windows, size};
  const int64_t groups = groups_of(batch), sums = 4 * ((1 << depth) - 1) * kernels;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t from = group * GROUP, to = least(from + GROUP, batch);
    if (grad_x) clear(grad_x, features, batch, from, to);
    for (int64_t kernel = 0; kernel < kernels; ++kernel) {
#define BACKWARD(LEAVES)                                                           \
  backward(&t, &w, LEAVES, kernel, from, to, grad, winner, factor, grad_x, \
           partial + group * sums)
      EACH_DEPTH(BACKWARD)
    }
  }
  add_groups(partial, groups, sums, grad_c);
}
