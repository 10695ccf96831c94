/* Layers of two-input gates, forward and backward. Activations are feature-major: [features][batch],
 * so every operand is one contiguous row. A gate is c0 + c1*a + c2*b + c3*a*b, with coefficients
 * c[4][gates]. Compiled without OpenMP, there is one thread. */
#include "lanes.h"

enum { AHEAD = 8 }; /* gates whose rows are fetched before they are needed */

static inline void fetch(const float *row, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; i += LANES) __builtin_prefetch(row + i);
}

/* Whether all of index[count] are features: one that is not, or what it leaves, is below 0. */
EXPORT int within(const int64_t *index, int64_t count, int64_t features) {
  uint64_t below = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t at = (uint64_t)index[i];
    below |= at | ((uint64_t)features - 1 - at);
  }
  return !(below >> 63);
}

/* out[gates][batch]; index[2][gates] names the features a and b. */
EXPORT void gates_forward(const float *x, const float *c, const int64_t *index, int64_t gates,
                          int64_t batch, int threads, float *out) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const float *a = x + index[g] * batch, *b = x + index[gates + g] * batch;
    const float c0 = c[g], c1 = c[gates + g], c2 = c[2 * gates + g], c3 = c[3 * gates + g];
    float *o = out + g * batch;
    if (g + AHEAD < gates) {
      fetch(x + index[g + AHEAD] * batch, 0, batch);
      fetch(x + index[gates + g + AHEAD] * batch, 0, batch);
    }
    for (int64_t i = 0; i < batch; i += LANES) {
      const lanes va = load(a + i, batch - i), vb = load(b + i, batch - i);
      store(o + i, (c0 + c2 * vb) + (c1 + c3 * vb) * va, batch - i);
    }
  }
}

/* Samples from..to: adds to the features' gradients, which may be null; answers sums[4][gates]. */
static inline void backward(const float *x, const float *c, const int64_t *index, const float *grad,
                            int64_t gates, int64_t batch, int64_t from, int64_t to, float factor,
                            float *grad_x, float *sums) {
  for (int64_t g = 0; g < gates; ++g) {
    const int64_t row_a = index[g] * batch, row_b = index[gates + g] * batch;
    const float c1 = factor * c[gates + g], c2 = factor * c[2 * gates + g];
    const float c3 = factor * c[3 * gates + g];
    lanes s[4] = {{0}};
    if (g + AHEAD < gates) {
      const int64_t next_a = index[g + AHEAD] * batch, next_b = index[gates + g + AHEAD] * batch;
      fetch(x + next_a, from, to);
      fetch(x + next_b, from, to);
      if (grad_x) {
        fetch(grad_x + next_a, from, to);
        fetch(grad_x + next_b, from, to);
      }
    }
    for (int64_t i = from; i < to; i += LANES) {
      const lanes a = load(x + row_a + i, batch - i), b = load(x + row_b + i, batch - i);
      const lanes up = load(grad + g * batch + i, batch - i), ua = up * a;
      s[0] += up;
      s[1] += ua;
      s[2] += up * b;
      s[3] += ua * b;
      if (grad_x) { /* one after the other: both may be one row */
        float *to_a = grad_x + row_a + i, *to_b = grad_x + row_b + i;
        store(to_a, load(to_a, batch - i) + up * (c1 + c3 * b), batch - i);
        store(to_b, load(to_b, batch - i) + up * (c2 + c3 * a), batch - i);
      }
    }
    sum_lanes(s, sums + g, gates);
  }
}

/* Gradients for x[features][batch], times factor, and for c. Each thread has its own samples, and
 * partial[groups][4 * gates] holds the sums over a group of them. grad_x may be null. */
EXPORT void gates_backward(const float *x, const float *c, const int64_t *index, const float *grad,
                           int64_t features, int64_t gates, int64_t batch, float factor,
                           int threads, float *grad_x, float *partial, float *grad_c) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t group = 0; group < groups_of(batch); ++group) {
    const int64_t from = group * GROUP, to = least(from + GROUP, batch);
    if (grad_x) clear(grad_x, features, batch, from, to);
    backward(x, c, index, grad, gates, batch, from, to, factor, grad_x,
             partial + group * 4 * gates);
  }
  add_groups(partial, groups_of(batch), 4 * gates, grad_c);
}
