/* Layers of two-input gates, forward and backward. Activations are feature-major: [features][batch],
 * so every operand is one contiguous row. A gate is c0 + c1*a + c2*b + c3*a*b, with coefficients
 * c[4][gates]. Each call does a range of rows of its result and writes nothing else, and every sum
 * has a fixed order: results do not depend on how the ranges are shared among threads. */
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define LANES 16

/* out[gates][batch] for gates from .. to; index[2][gates] names the features a and b. */
EXPORT void gates_forward(const float *restrict x, const float *restrict c, const int64_t *restrict index,
                   int64_t gates, int64_t batch, int64_t from, int64_t to, float *restrict out) {
  for (int64_t g = from; g < to; ++g) {
    const float *restrict a = x + index[g] * batch;
    const float *restrict b = x + index[gates + g] * batch;
    const float c0 = c[g], c1 = c[gates + g], c2 = c[2 * gates + g], c3 = c[3 * gates + g];
    float *restrict o = out + g * batch;
    for (int64_t i = 0; i < batch; ++i) o[i] = (c0 + c2 * b[i]) + (c1 + c3 * b[i]) * a[i];
  }
}

static inline void add_input(float *restrict sum, const float *restrict up,
                             const float *restrict other, float c, float c3, int64_t batch) {
  for (int64_t i = 0; i < batch; ++i) sum[i] += up[i] * (c + c3 * other[i]);
}

/* Sums over the batch of up, up*a, up*b and up*a*b; lanes keep the sums apart for SIMD. */
static inline void sum_products(const float *restrict up, const float *restrict a,
                                const float *restrict b, int64_t batch, float result[4]) {
  float s[4][LANES] = {{0}};
  int64_t i = 0, l, q;
  for (; i + LANES <= batch; i += LANES)
    for (l = 0; l < LANES; ++l) {
      const float ua = up[i + l] * a[i + l];
      s[0][l] += up[i + l];
      s[1][l] += ua;
      s[2][l] += up[i + l] * b[i + l];
      s[3][l] += ua * b[i + l];
    }
  for (l = 0; i < batch; ++i, ++l) {
    const float ua = up[i] * a[i];
    s[0][l] += up[i];
    s[1][l] += ua;
    s[2][l] += up[i] * b[i];
    s[3][l] += ua * b[i];
  }
  for (q = 0; q < 4; ++q)
    for (result[q] = 0, l = 0; l < LANES; ++l) result[q] += s[q][l];
}

/* Gradients for features from .. to, and for the coefficients of the gates whose a they are.
 * order[2 * gates] holds positions in index sorted by feature; those of feature f begin at start[f].
 * grad_x or grad_c may be null. */
EXPORT void gates_backward(const float *restrict x, const float *restrict c, const int64_t *restrict index,
                    const int64_t *restrict order, const int64_t *restrict start,
                    const float *restrict grad, int64_t features, int64_t gates, int64_t batch,
                    int64_t from, int64_t to, float factor, float *restrict grad_x,
                    float *restrict grad_c) {
  for (int64_t f = from; f < to; ++f) {
    const int64_t end = f + 1 < features ? start[f + 1] : 2 * gates;
    if (grad_x) memset(grad_x + f * batch, 0, (size_t)batch * sizeof(float));
    for (int64_t k = start[f]; k < end; ++k) {
      const int64_t side = order[k] >= gates, g = order[k] - side * gates;
      const float *other = x + index[side ? g : gates + g] * batch, *up = grad + g * batch;
      if (grad_x)
        add_input(grad_x + f * batch, up, other, factor * c[(1 + side) * gates + g],
                  factor * c[3 * gates + g], batch);
      if (grad_c && !side) {
        float sums[4];
        sum_products(up, x + f * batch, other, batch, sums);
        for (int q = 0; q < 4; ++q) grad_c[q * gates + g] = sums[q];
      }
    }
  }
}
