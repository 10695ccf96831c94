/* A CUDA driver that has no device: memory is the host's, streams are immediate, and kernels are
 * loops. It is built with the kernels of one library, GATEWRIGHT_CU, and named libcuda.so.1, so that
 * the library's own launcher runs against it. Without GATEWRIGHT_CU, device code is PTX, and a function that
 * was given by fake_launcher executes it. FAKE_CUDA_FAIL names a function that fails, from its
 * FAKE_CUDA_FAIL_AT-th call on, with status FAKE_CUDA_STATUS. FAKE_CUDA_DEVICES, FAKE_CUDA_PROCESSORS and
 * FAKE_CUDA_SHARED say how many devices there are, multiprocessors of each, and KiB of shared memory of a block. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CALL(name, ...) \
  int name(__VA_ARGS__); \
  int name(__VA_ARGS__)
#define FAILS(name) (wanted(name) ? status() : 0)

static int number(const char *name, int other) { return getenv(name) ? atoi(getenv(name)) : other; }
static int wanted(const char *name) {
  static int calls;
  if (!getenv("FAKE_CUDA_FAIL") || strcmp(getenv("FAKE_CUDA_FAIL"), name)) return 0;
  return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) >= number("FAKE_CUDA_FAIL_AT", 1);
}
static int shared_bytes(void) { return 1024 * number("FAKE_CUDA_SHARED", 99); }
static int status(void) { return number("FAKE_CUDA_STATUS", 999); }

/* What cuMemAlloc and cuMemAllocAsync have given and not got back, in order. */
enum { MOST_LIVE = 256 };
static struct live {
  unsigned long long at;
  size_t bytes;
  int pooled; /* by cuMemAllocAsync */
} live[MOST_LIVE];
static int lives;
static pthread_mutex_t lives_lock = PTHREAD_MUTEX_INITIALIZER;
int fake_live(const struct live **);
int fake_live(const struct live **all) {
  *all = live;
  return lives;
}
int fake_allocations(void); /* of cuMemAllocAsync */
int fake_allocations(void) {
  int i, n = 0;
  for (i = 0; i < lives; ++i) n += live[i].pooled;
  return n;
}
static int give(unsigned long long *to, size_t bytes, int pooled) {
  void *made;
  if (!bytes) return 1;
  if (posix_memalign(&made, 256, bytes)) return 2;
  memset(made, 0xA5, bytes);
  *to = (uintptr_t)made;
  pthread_mutex_lock(&lives_lock);
  live[lives].at = *to, live[lives].bytes = bytes, live[lives].pooled = pooled;
  if (++lives == MOST_LIVE) abort();
  pthread_mutex_unlock(&lives_lock);
  return 0;
}
static int take(unsigned long long at) {
  int i = 0, found;
  pthread_mutex_lock(&lives_lock);
  while (i < lives && live[i].at != at) ++i;
  found = i < lives;
  if (found)
    for (--lives; i < lives; ++i) live[i] = live[i + 1];
  pthread_mutex_unlock(&lives_lock);
  if (found) free((void *)(uintptr_t)at);
  return !found;
}

static const char *last; /* the kernel launched last but for "answer" */
const char *fake_kernel(void);
const char *fake_kernel(void) { return last; }

#ifdef GATEWRIGHT_CU
#define GATEWRIGHT_ON_CPU
#include GATEWRIGHT_CU
static const char *const names[] = {KERNEL_NAMES};
#define KERNELS ((intptr_t)(sizeof names / sizeof *names))
#endif
static int current; /* how many contexts were pushed and not popped */

CALL(cuInit, unsigned flags) { return flags != 0 || FAILS("cuInit"); }
CALL(cuGetErrorString, int code, const char **text) {
  *text = code == 2     ? "out of memory"
          : code == 209 ? "no kernel image is available for execution on the device"
          : code == 700 ? "an illegal memory access was encountered"
                        : "unknown error";
  return 0;
}
CALL(cuDeviceGetCount, int *count) {
  *count = number("FAKE_CUDA_DEVICES", 2);
  return 0;
}
CALL(cuDeviceGet, int *device, int number) {
  *device = 100 + number;
  return 0;
}
CALL(cuDeviceGetAttribute, int *value, int attribute, int device) {
  *value = attribute == 16 ? number("FAKE_CUDA_PROCESSORS", 4) : attribute == 97 ? shared_bytes() : attribute == 38 ? 1 << 20 : attribute == 75 ? 8 : attribute == 76 ? 6 : 1;
  return device < 100;
}
CALL(cuDevicePrimaryCtxRetain, void **context, int device) {
  if (FAILS("cuDevicePrimaryCtxRetain")) return status();
  *context = (void *)(intptr_t)device;
  return 0;
}
CALL(cuCtxPushCurrent_v2, void *context) {
  ++current;
  return !context;
}
CALL(cuCtxPopCurrent_v2, void **context) {
  (void)context;
  return --current < 0;
}
int fake_contexts(void);
int fake_contexts(void) { return current; }
#ifdef GATEWRIGHT_CU
CALL(cuModuleLoadData, void **module, const void *image) {
  *module = (void *)image;
  return strcmp((const char *)image, "device code") ? 209 : FAILS("cuModuleLoadData");
}
CALL(cuModuleGetFunction, void **function, void *module, const char *name) {
  for (intptr_t i = 0; i < KERNELS; ++i)
    if (!strcmp(names[i], name)) *function = (void *)(i + 1);
  return !module || !*function;
}
#else
struct function {
  const char *image, *name;
};
CALL(cuModuleLoadData, void **module, const void *image) {
  *module = (void *)image;
  return 0;
}
CALL(cuModuleGetFunction, void **function, void *module, const char *name) {
  struct function *made = (struct function *)malloc(sizeof *made);
  made->image = (const char *)module, made->name = name;
  *function = made;
  return 0;
}
#endif
CALL(cuFuncSetAttribute, void *function, int attribute, int value) {
  return !function || attribute != 8 || value != shared_bytes();
}
CALL(cuMemAlloc_v2, unsigned long long *to, size_t bytes) {
  return FAILS("cuMemAlloc") ? status() : give(to, bytes, 0);
}
CALL(cuMemcpyHtoD_v2, unsigned long long to, const void *from, size_t bytes) {
  memcpy((void *)(uintptr_t)to, from, bytes);
  return 0;
}
CALL(cuDeviceGetDefaultMemPool, void **pool, int device) {
  *pool = (void *)(intptr_t)device;
  return 0;
}
CALL(cuMemPoolSetAttribute, void *pool, int attribute, void *value) {
  return !pool || attribute != 4 || !value;
}
CALL(cuMemAllocAsync, unsigned long long *to, size_t bytes, void *stream) {
  (void)stream;
  return FAILS("cuMemAllocAsync") ? status() : give(to, bytes, 1);
}
CALL(cuMemFreeAsync, unsigned long long at, void *stream) {
  (void)stream;
  return take(at);
}
CALL(cuMemcpyHtoDAsync_v2, unsigned long long to, const void *from, size_t bytes, void *stream) {
  (void)stream;
  if (FAILS("cuMemcpyHtoDAsync")) return status();
  return cuMemcpyHtoD_v2(to, from, bytes);
}
CALL(cuMemcpyDtoHAsync_v2, void *to, unsigned long long from, size_t bytes, void *stream) {
  (void)stream;
  memcpy(to, (const void *)(uintptr_t)from, bytes);
  return 0;
}
/* What a benchmark asks for besides. */
CALL(cuDeviceGetName, char *name, int bytes, int device) {
  if (bytes > 5) memcpy(name, "loops", 6);
  return device < 100;
}
CALL(cuMemFree_v2, unsigned long long at) { return take(at); }
CALL(cuMemcpyDtoH_v2, void *to, unsigned long long from, size_t bytes) {
  memcpy(to, (const void *)(uintptr_t)from, bytes);
  return 0;
}
CALL(cuEventCreate, void **event, unsigned flags) {
  *event = malloc(1);
  return flags != 0;
}
CALL(cuEventRecord, void *event, void *stream) { return !event || stream; }
CALL(cuEventSynchronize, void *event) { return !event; }
CALL(cuEventElapsedTime, float *milliseconds, void *start, void *stop) {
  *milliseconds = 500;
  return start == stop;
}
struct copy_2d {
  size_t from_x, from_y;
  int from_kind;
  const char *from_host;
  unsigned long long from;
  void *from_array;
  size_t from_pitch, to_x, to_y;
  int to_kind;
  void *to_host;
  unsigned long long to;
  void *to_array;
  size_t to_pitch, width, height;
};
CALL(cuMemcpy2DAsync_v2, const struct copy_2d *c, void *stream) {
  size_t row;
  (void)stream;
  if (c->from_kind != 1 || c->to_kind != 2 || c->from_pitch < c->width || c->to_pitch < c->width) return 1;
  for (row = 0; row < c->height; ++row)
    memcpy((char *)(uintptr_t)c->to + row * c->to_pitch, c->from_host + row * c->from_pitch, c->width);
  return 0;
}
CALL(cuStreamCreate, void **stream, unsigned flags) {
  *stream = malloc(1);
  return flags != 1;
}
CALL(cuStreamSynchronize, void *stream) { return !stream || FAILS("cuStreamSynchronize"); }
#ifdef GATEWRIGHT_CU
CALL(cuLaunchKernel, void *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty,
     unsigned tz, unsigned shared, void *stream, void **parameters, void **extra) {
  struct block block = {0, 0, threads, 0};
  struct work w;
  (void)stream; /* none is the default stream */
  if (z != 1 || ty != 1 || tz != 1 || extra || (int)shared > shared_bytes() || y > 65535) return 1;
  if (FAILS("cuLaunchKernel")) return status();
  memcpy(&w, parameters[0], sizeof w);
  if (strcmp(names[(intptr_t)function - 1], "answer")) last = names[(intptr_t)function - 1];
  block.shared = (uint32_t *)malloc(shared + 4);
  for (block.y = 0; block.y < y; ++block.y)
    for (block.x = 0; block.x < x; ++block.x) kernel_table[(intptr_t)function - 1](w, block);
  free(block.shared);
  return 0;
}
#else
typedef int (*launcher)(const char *image, const char *name, unsigned x, unsigned y, unsigned threads,
                        unsigned shared, const void *parameters);
static launcher launch;
void fake_launcher(launcher);
void fake_launcher(launcher given) { launch = given; }
CALL(cuLaunchKernel, void *function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty,
     unsigned tz, unsigned shared, void *stream, void **parameters, void **extra) {
  const struct function *f = (const struct function *)function;
  (void)stream;
  if (z != 1 || ty != 1 || tz != 1 || extra || (int)shared > shared_bytes()) return 1;
  if (strcmp(f->name, "answer")) last = f->name;
  return launch(f->image, f->name, x, y, threads, shared, parameters[0]);
}
#endif
