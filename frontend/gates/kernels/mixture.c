/* Mixtures of the 16 functions of two bits, as coefficients of 1, a, b, a*b, c[4][gates]. A vector
 * holds the numbers of one gate, one a function. */
#include "lanes.h"

/* exp(x) for x <= 0, to about one unit in the last place; 0 below -87. */
static inline lanes exp_negative(lanes x) {
  const lanes none = {0}, magic = none + 12582912.0f; /* adding it rounds to an integer */
  const lanes t = x * 1.44269504f + magic, n = t - magic;
  const lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  lanes p = none + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * r) * r + r + 1.0f;
  const mask power = ((mask)t - (mask)magic + 127) * (1 << 23); /* the bits of 2^n */
  return (lanes)((mask)(p * (lanes)power) & ~(x < -87.0f)); /* NaN stays NaN */
}

union parts {
  lanes all;
  quarter part[4]; /* of the functions whose number begins with 00, 01, 10 and 11 */
};

static inline quarter larger(quarter a, quarter b) {
  typedef int32_t choice __attribute__((vector_size(LANES)));
  const choice take = a > b;
  return (quarter)((take & (choice)a) | (~take & (choice)b));
}

static inline float largest(lanes v) {
  const union parts u = {v};
  const quarter m = larger(larger(u.part[0], u.part[1]), larger(u.part[2], u.part[3]));
  const float a = m[0] > m[2] ? m[0] : m[2], b = m[1] > m[3] ? m[1] : m[3];
  return a > b ? a : b;
}

static inline float total(quarter v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/* Softmax of each gate's 16 logits over temperature, and its coefficients: p[gates][16], c[4][gates].
 * Bit 3 of a function's number is its f(0,0), bit 0 its f(1,1). */
EXPORT void mixture_forward(const float *logits, int64_t gates, float temperature, int threads,
                            float *p, float *c) {
  const float scale = 1 / temperature;
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < gates; ++g) {
    const lanes w = load(logits + 16 * g, LANES);
    const union parts e = {exp_negative((w - largest(w)) * scale)};
    const quarter high = e.part[2] + e.part[3], ends = high + (e.part[0] + e.part[1]);
    const float share = 1 / total(ends), f00 = total(high);
    const float f01 = total(e.part[1] + e.part[3]), f10 = ends[2] + ends[3], f11 = ends[1] + ends[3];
    store(p + 16 * g, e.all * share, LANES);
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
