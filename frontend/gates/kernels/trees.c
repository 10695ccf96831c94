/* Trees at all places; see trees.h. */
#include "trees.h"

static inline void forward(const struct trees *t, int leaves, int64_t kernel, int64_t from,
                           int64_t to, float *out) {
  float c[MOST][4];
  lanes value[2 * MOST];
  int64_t rows[MOST];
  gather(t, leaves - 1, kernel, c);
  for (int64_t place = 0; place < t->places; ++place) {
    float *up = out + (kernel * t->places + place) * t->batch;
    for (int l = 0; l < leaves; ++l) rows[l] = row_of(t, l, leaves / 2, kernel, place);
    for (int64_t i = from; i < to; i += LANES) {
      answer(t, leaves, leaves - 1, rows, c, i, value);
      store(up + i, value[2 * leaves - 2], t->batch - i);
    }
  }
}

/* One kernel and some samples: adds to grad_x, which may be null; answers sums[4][nodes * kernels]. */
static inline void backward(const struct trees *t, int leaves, int64_t kernel, int64_t from,
                            int64_t to, const float *grad, float factor, float *grad_x,
                            float *sums) {
  float c[MOST][4];
  lanes value[2 * MOST], up[2 * MOST], s[MOST][4];
  int64_t rows[MOST];
  const int nodes = leaves - 1;
  gather(t, nodes, kernel, c);
  memset(s, 0, (size_t)nodes * sizeof *s);
  for (int64_t place = 0; place < t->places; ++place) {
    const float *top = grad + (kernel * t->places + place) * t->batch;
    for (int l = 0; l < leaves; ++l) rows[l] = row_of(t, l, leaves / 2, kernel, place);
    for (int64_t i = from; i < to; i += LANES) {
      answer(t, leaves, nodes - 1, rows, c, i, value);
      up[2 * leaves - 2] = load(top + i, t->batch - i);
      descend(leaves, c, value, up, s);
      if (grad_x)
        for (int l = 0; l < leaves; ++l) {
          float *to_row = grad_x + rows[l] * t->batch + i;
          store(to_row, load(to_row, t->batch - i) + factor * up[l], t->batch - i);
        }
    }
  }
  for (int n = 0; n < nodes; ++n)
    sum_lanes(s[n], sums + n * t->kernels + kernel, nodes * t->kernels);
}

/* out[kernels * places][batch] */
EXPORT void trees_forward(const float *x, const float *c, const int64_t *index, int depth,
                          int64_t kernels, int64_t places, int64_t batch, int threads,
                          float *out) {
  const struct trees t = {x, c, index, kernels, places, batch};
  const int64_t groups = groups_of(batch);
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t job = 0; job < groups * kernels; ++job) {
    const int64_t from = job / kernels * GROUP, to = least(from + GROUP, batch);
#define FORWARD(LEAVES) forward(&t, LEAVES, job % kernels, from, to, out)
    EACH_DEPTH(FORWARD)
  }
}

/* Gradients for x[features][batch], times factor, and for c. Each thread has its own samples, and
 * partial[groups][4 * nodes * kernels] holds the sums over a group of them. grad_x may be null. */
EXPORT void trees_backward(const float *x, const float *c, const int64_t *index, const float *grad,
                           int depth, int64_t features, int64_t kernels, int64_t places,
                           int64_t batch, float factor, int threads, float *grad_x, float *partial,
                           float *grad_c) {
  const struct trees t = {x, c, index, kernels, places, batch};
  const int64_t groups = groups_of(batch), size = 4 * ((1 << depth) - 1) * kernels;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t from = group * GROUP, to = least(from + GROUP, batch);
    if (grad_x) clear(grad_x, features, batch, from, to);
    for (int64_t kernel = 0; kernel < kernels; ++kernel) {
#define BACKWARD(LEAVES) \
  backward(&t, LEAVES, kernel, from, to, grad, factor, grad_x, partial + group * size)
      EACH_DEPTH(BACKWARD)
    }
  }
  add_groups(partial, groups, size, grad_c);
}
