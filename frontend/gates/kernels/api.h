/* What the kernels offer; read by the C compiler and by cffi. Tensors are contiguous. */

int within(const int64_t *index, int64_t count, int64_t features);
void gates_forward(const float *x, const float *c, const int64_t *index, int64_t gates,
                   int64_t batch, int threads, float *out);
void gates_backward(const float *x, const float *c, const int64_t *index, const float *grad,
                    int64_t features, int64_t gates, int64_t batch, float factor, int threads,
                    float *grad_x, float *partial, float *grad_c);
void mixture_forward(const float *logits, int64_t gates, float temperature, int threads, float *p,
                     float *c);
void mixture_backward(const float *p, const float *grad_c, int64_t gates, float temperature,
                      int threads, float *grad);
void trees_forward(const float *x, const float *c, const int64_t *index, int depth,
                   int64_t kernels, int64_t places, int64_t batch, int threads, float *out);
void trees_backward(const float *x, const float *c, const int64_t *index, const float *grad,
                    int depth, int64_t features, int64_t kernels, int64_t places, int64_t batch,
                    float factor, int threads, float *grad_x, float *partial, float *grad_c);
void trees_pool_forward(const float *x, const float *c, const int64_t *index,
                        const int64_t *window, int64_t windows, int64_t size, int depth,
                        int64_t kernels, int64_t places, int64_t batch, int threads, float *out,
                        int8_t *winner);
void trees_pool_backward(const float *x, const float *c, const int64_t *index,
                         const int64_t *window, const int8_t *winner, const float *grad,
                         int64_t windows, int64_t size, int depth, int64_t features,
                         int64_t kernels, int64_t places, int64_t batch, float factor, int threads,
                         float *grad_x, float *partial, float *grad_c);
void pool_forward(const float *x, const int64_t *shape, int64_t channels, int64_t batch,
                  int threads, float *out);
void pool_backward(const float *x, const float *found, const float *grad, const int64_t *shape,
                   int64_t channels, int64_t batch, int threads, float *grad_x);
void keep_memory(void);
void luts_forward(const float *x, const float *table, const int64_t *index, int inputs,
                  int64_t gates, int64_t batch, int threads, float *out);
void luts_backward(const float *x, const float *table, const int64_t *index, const float *grad,
                   int inputs, int64_t features, int64_t gates, int64_t batch, float factor,
                   int threads, float *grad_x, float *partial, float *grad_table);
void sums_forward(const float *x, int64_t groups, int64_t rows, int64_t batch, int threads,
                  float *out);
void sums_backward(const float *grad, int64_t groups, int64_t rows, int64_t batch, int threads,
                   float *grad_x);
