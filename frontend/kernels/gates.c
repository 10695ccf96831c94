/* Layers of two-input gates, forward and backward. Activations are feature-major: [features][batch],
 * so every operand is one contiguous row. A gate is c0 + c1*a + c2*b + c3*a*b, with coefficients
 * c[4][gates]. Rows of a result are shared among threads, and every sum has a fixed order, so
 * results do not depend on the number of threads. Compiled without OpenMP, there is one. */
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define LANES 16

/* out[gates][batch]; index[2][gates] names the features a and b. */
EXPORT void gates_forward(const float *restrict x, const float *restrict c,
                          const int64_t *restrict index, int64_t gates, int64_t batch, int threads,
                          float *restrict out) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
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

/* Gradients for the features, times factor, and for the coefficients. order[2 * gates] holds positions
 * in index sorted by feature; those of feature f begin at start[f]. grad_x or grad_c may be null. */
EXPORT void gates_backward(const float *restrict x, const float *restrict c,
                           const int64_t *restrict index, const int64_t *restrict order,
                           const int64_t *restrict start, const float *restrict grad,
                           int64_t features, int64_t gates, int64_t batch, float factor,
                           int threads, float *restrict grad_x, float *restrict grad_c) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t f = 0; f < features; ++f) {
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

/* exp(x) for x <= 0, to about one unit in the last place; 0 below -87. Straight-line, so it vectorises. */
static inline float exp_negative(float x) {
  const float magic = 12582912.0f; /* adding it rounds to an integer */
  const float t = x * 1.44269504f + magic, n = t - magic;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  union {
    int32_t i;
    float f;
  } scale;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  scale.i = ((int32_t)n + 127) * (1 << 23);
  return x < -87.0f ? 0.0f : p * scale.f;
}

/* Softmax of each gate's 16 logits over temperature, and its coefficients: p[gates][16], c[4][gates].
 * basis[16][4] holds the coefficients of the 16 functions. */
EXPORT void mixture_forward(const float *restrict logits, const float *restrict basis,
                            int64_t gates, float temperature, int threads, float *restrict p,
                            float *restrict c) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const float *w = logits + 16 * g;
    float *e = p + 16 * g, most = w[0], total = 0, sums[4] = {0};
    int l, q;
    for (l = 1; l < 16; ++l) most = w[l] > most ? w[l] : most;
    for (l = 0; l < 16; ++l) e[l] = exp_negative((w[l] - most) / temperature);
    for (l = 0; l < 16; ++l) total += e[l];
    for (l = 0; l < 16; ++l) e[l] /= total;
    for (l = 0; l < 16; ++l)
      for (q = 0; q < 4; ++q) sums[q] += e[l] * basis[4 * l + q];
    for (q = 0; q < 4; ++q) c[q * gates + g] = sums[q];
  }
}

/* The gradient for the logits, from p and the gradient for c[4][gates]. */
EXPORT void mixture_backward(const float *restrict p, const float *restrict basis,
                             const float *restrict grad_c, int64_t gates, float temperature,
                             int threads, float *restrict grad) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const float *e = p + 16 * g;
    float up[16], mean = 0;
    int l;
    for (l = 0; l < 16; ++l) {
      const float *b = basis + 4 * l;
      up[l] = b[0] * grad_c[g] + b[1] * grad_c[gates + g] + b[2] * grad_c[2 * gates + g] +
              b[3] * grad_c[3 * gates + g];
    }
    for (l = 0; l < 16; ++l) mean += e[l] * up[l];
    for (l = 0; l < 16; ++l) grad[16 * g + l] = e[l] * (up[l] - mean) / temperature;
  }
}
