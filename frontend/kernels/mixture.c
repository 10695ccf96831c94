/* Mixtures of the 16 functions of two bits, as coefficients of 1, a, b, a*b, c[4][gates]. */
#include "lanes.h"

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

static inline float larger(float a, float b) { return a > b ? a : b; }

static inline float largest(const float w[16]) {
  float a[8], b[4];
  for (int l = 0; l < 8; ++l) a[l] = larger(w[l], w[l + 8]);
  for (int l = 0; l < 4; ++l) b[l] = larger(a[l], a[l + 4]);
  return larger(larger(b[0], b[2]), larger(b[1], b[3]));
}

/* Softmax of each gate's 16 logits over temperature, and its coefficients: p[gates][16], c[4][gates].
 * Bit 3 of a gate's number is its f(0,0), bit 0 its f(1,1). */
EXPORT void mixture_forward(const float *restrict logits, int64_t gates, float temperature,
                            int threads, float *restrict p, float *restrict c) {
  const float scale = 1 / temperature;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const float *w = logits + 16 * g, most = largest(w);
    float e[16], any8[8], any4[4]; /* any: whatever the higher bits */
    for (int l = 0; l < 16; ++l) e[l] = exp_negative((w[l] - most) * scale);
    for (int l = 0; l < 8; ++l) any8[l] = e[l] + e[l + 8];
    for (int l = 0; l < 4; ++l) any4[l] = any8[l] + any8[l + 4];
    const float share = 1 / ((any4[0] + any4[2]) + (any4[1] + any4[3]));
    const float f00 = ((e[8] + e[12]) + (e[9] + e[13])) + ((e[10] + e[14]) + (e[11] + e[15]));
    const float f01 = (any8[4] + any8[6]) + (any8[5] + any8[7]);
    const float f10 = any4[2] + any4[3], f11 = any4[1] + any4[3];
    for (int l = 0; l < 16; ++l) p[16 * g + l] = e[l] * share;
    c[g] = f00 * share;
    c[gates + g] = (f10 - f00) * share;
    c[2 * gates + g] = (f01 - f00) * share;
    c[3 * gates + g] = ((f11 - f10) - (f01 - f00)) * share;
  }
}

/* The gradient for the logits, from p and the gradient for c[4][gates]. */
EXPORT void mixture_backward(const float *restrict p, const float *restrict grad_c, int64_t gates,
                             float temperature, int threads, float *restrict grad) {
  const float scale = 1 / temperature;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const float g0 = grad_c[g], g1 = grad_c[gates + g], g2 = grad_c[2 * gates + g],
                g3 = grad_c[3 * gates + g];
    const float f00 = (g0 - g1) - (g2 - g3), f01 = g2 - g3, f10 = g1 - g3, f11 = g3;
    const float low[4] = {0, f11, f10, f10 + f11}, high[4] = {0, f01, f00, f00 + f01};
    const float *e = p + 16 * g;
    float up[16], part[8], quarter[4];
    for (int l = 0; l < 16; ++l) up[l] = high[l / 4] + low[l % 4];
    for (int l = 0; l < 8; ++l) part[l] = e[l] * up[l] + e[l + 8] * up[l + 8];
    for (int l = 0; l < 4; ++l) quarter[l] = part[l] + part[l + 4];
    const float mean = (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
    for (int l = 0; l < 16; ++l) grad[16 * g + l] = e[l] * ((up[l] - mean) * scale);
  }
}
