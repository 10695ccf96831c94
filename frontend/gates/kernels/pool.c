/* The maximum over windows of each channel. Activations are feature-major,
 * [channels][d][h][w][batch]. shape[5][3] holds sizes, windows, strides, paddings and numbers of
 * windows in each of the three dimensions. Padding is left out. */
#include "lanes.h"

struct window {
  int64_t low[3], high[3];
};

static inline int64_t volume(const int64_t *size) { return size[0] * size[1] * size[2]; }

static struct window window_at(const int64_t *shape, int64_t place) {
  const int64_t *size = shape, *kernel = shape + 3, *stride = shape + 6, *padding = shape + 9;
  struct window w;
  for (int axis = 2; axis >= 0; --axis) {
    const int64_t places = shape[12 + axis];
    const int64_t low = place % places * stride[axis] - padding[axis];
    w.low[axis] = low < 0 ? 0 : low;
    w.high[axis] = least(low + kernel[axis], size[axis]);
    place /= places;
  }
  return w;
}

/* Runs what follows for each row of a channel that window w covers. */
#define EACH_ROW(w, size, row)                                    \
  for (int64_t d_ = (w).low[0]; d_ < (w).high[0]; ++d_)           \
    for (int64_t h_ = (w).low[1]; h_ < (w).high[1]; ++h_)         \
      for (int64_t row = (d_ * (size)[1] + h_) * (size)[2] + (w).low[2], \
                   end_ = row + (w).high[2] - (w).low[2];         \
           row < end_; ++row)

static int64_t cleared(float *x, int64_t from, int64_t to, int64_t batch) {
  if (to <= from || !batch) return from; /* no batch may have no address */
  memset(x + from * batch, 0, (size_t)((to - from) * batch) * sizeof(float));
  return to;
}

/* out[channels * places][batch]; NaN stays NaN. */
EXPORT void pool_forward(const float *x, const int64_t *shape, int64_t channels, int64_t batch,
                         int threads, float *out) {
  const int64_t rows = volume(shape), places = volume(shape + 12);
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t job = 0; job < channels * places; ++job) {
    const struct window w = window_at(shape, job % places);
    const float *channel = x + job / places * rows * batch;
    for (int64_t i = 0; i < batch; i += LANES) {
      const lanes none = {0};
      lanes most = none - __builtin_inff();
      EACH_ROW(w, shape, row) {
        const lanes v = load(channel + row * batch + i, batch - i);
        const mask take = (v > most) | (v != v);
        most = (lanes)((take & (mask)v) | (~take & (mask)most));
      }
      store(out + job * batch + i, most, batch - i);
    }
  }
}

/* The gradient of out goes to the first of the largest values of a window. */
EXPORT void pool_backward(const float *x, const float *out, const float *grad, const int64_t *shape,
                          int64_t channels, int64_t batch, int threads, float *grad_x) {
  const int64_t rows = volume(shape), places = volume(shape + 12);
  (void)threads;
#pragma omp parallel for num_threads(threads)
  for (int64_t c = 0; c < channels; ++c) {
    const float *channel = x + c * rows * batch;
    float *down = grad_x + c * rows * batch;
    int64_t known = 0; /* rows that have a value; they are cleared just before they are used */
    for (int64_t place = 0; place < places; ++place) {
      const struct window w = window_at(shape, place);
      const int64_t at = (c * places + place) * batch;
      const int64_t last = ((w.high[0] - 1) * shape[1] + w.high[1] - 1) * shape[2] + w.high[2];
      known = cleared(down, known, last, batch);
      for (int64_t i = 0; i < batch; i += LANES) {
        const lanes most = load(out + at + i, batch - i);
        mask left = (mask)load(grad + at + i, batch - i);
        EACH_ROW(w, shape, row) {
          float *to = down + row * batch + i;
          const mask take = load(channel + row * batch + i, batch - i) == most;
          store(to, load(to, batch - i) + (lanes)(take & left), batch - i);
          left &= ~take;
        }
      }
    }
    cleared(down, known, rows, batch);
  }
}
