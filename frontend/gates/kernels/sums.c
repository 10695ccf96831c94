/* Sums over groups of features. Activations are feature-major: [features][batch]. */
#include "lanes.h"

enum { BLOCK = 64 }; /* rows that are added before their sum is added to others */

/* Sums of rows that follow one another: x[groups][rows][batch] to out[groups][batch]. */
EXPORT void sums_forward(const float *x, int64_t groups, int64_t rows, int64_t batch, int threads,
                         float *out) {
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t g = 0; g < groups; ++g) {
    const float *from = x + g * rows * batch;
    for (int64_t i = 0; i < batch; i += LANES) store(out + g * batch + i, (lanes){0}, batch - i);
    for (int64_t r = 0; r < rows; r += BLOCK)
      for (int64_t i = 0; i < batch; i += LANES) {
        float *to = out + g * batch + i;
        lanes part = {0};
        for (int64_t k = r; k < least(r + BLOCK, rows); ++k)
          part += load(from + k * batch + i, batch - i);
        store(to, load(to, batch - i) + part, batch - i);
      }
  }
}

/* The gradient of each sum for each of its rows. */
EXPORT void sums_backward(const float *grad, int64_t groups, int64_t rows, int64_t batch,
                          int threads, float *grad_x) {
  (void)threads;
  if (!batch) return; /* there may be no addresses */
#pragma omp parallel for num_threads(threads)
  for (int64_t r = 0; r < groups * rows; ++r)
    memcpy(grad_x + r * batch, grad + r / rows * batch, (size_t)batch * sizeof(float));
}
