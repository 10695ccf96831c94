/* A CUDA driver that has no device: memory is the host's, kernels are loops, and streams are as lazy as CUDA allows
 * (fake_streams.h). It is built with the kernels of one library, GATEWRIGHT_CU, and named libcuda.so.1, so that
 * the library's own launcher runs against it. Without GATEWRIGHT_CU, device code is PTX, and a function that
 * was given by fake_launcher executes it, at once. FAKE_CUDA_FAIL names a function that fails, from its
 * FAKE_CUDA_FAIL_AT-th call on, with status FAKE_CUDA_STATUS. FAKE_CUDA_DEVICES, FAKE_CUDA_PROCESSORS and
 * FAKE_CUDA_SHARED say how many devices there are, multiprocessors of each, and KiB of shared memory of a block;
 * FAKE_CUDA_UNASKED, how many of these it gets without cuFuncSetAttribute.
 * With FAKE_CUDA_PINNED all memory of the host is page-locked. What CUDA refuses, such as calls without a context, is
 * refused. */
#define _GNU_SOURCE
#include <unistd.h>

#include "fake_streams.h"

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
static int devices(void) { return number("FAKE_CUDA_DEVICES", 2); }

static const char *last; /* the kernel launched last but for "answer" */
const char *fake_kernel(void);
const char *fake_kernel(void) { return last; }

/* Devices are numbered from 100 on; so are their contexts and pools. */
enum { FIRST = 100, DEPTH = 8 };
static int process, retained[MOST_DEVICES], pushed, modules;
static uint64_t kept[MOST_DEVICES]; /* bytes that pools keep */
static __thread int context[DEPTH], depth;
static int ready(void) { return process == getpid() ? 0 : UNINITIALIZED; }
static int here(void) { return depth ? context[depth - 1] : -1; }
#define NEED_CONTEXT                     \
  do {                                   \
    if (ready()) return ready();         \
    if (here() < 0) return NO_CONTEXT;   \
  } while (0)
#define LOCKED(expression)               \
  do {                                   \
    int status_;                         \
    pthread_mutex_lock(&driver_lock);    \
    status_ = (expression);              \
    pthread_mutex_unlock(&driver_lock);  \
    return status_;                      \
  } while (0)
int fake_contexts(void);
int fake_contexts(void) { return pushed; }
int fake_modules(void);
int fake_modules(void) { return modules; }
uint64_t *fake_kept(void); /* of each device */
uint64_t *fake_kept(void) { return kept; }

CALL(cuInit, unsigned flags) {
  process = getpid();
  return flags != 0 || FAILS("cuInit");
}
CALL(cuDriverGetVersion, int *version) {
  *version = 13000;
  return 0;
}
CALL(cuGetErrorString, int code, const char **text) {
  *text = code == 2     ? "out of memory"
          : code == 3   ? "initialization error"
          : code == 209 ? "no kernel image is available for execution on the device"
          : code == 700 ? "an illegal memory access was encountered"
                        : "unknown error";
  return 0;
}
CALL(cuDeviceGetCount, int *count) {
  *count = devices();
  return ready();
}
CALL(cuDeviceGet, int *device, int number) {
  *device = FIRST + number;
  return ready() ? ready() : number < 0 || number >= devices() ? 101 : 0;
}
static int attribute_of(int which) {
  switch (which) {
    case 16: return number("FAKE_CUDA_PROCESSORS", 4);
    case 38: return 1 << 20;
    case 75: return 8;
    case 76: return 6;
    case 97: return shared_bytes();
    default: return 1;
  }
}
CALL(cuDeviceGetAttribute, int *value, int attribute, int device) {
  *value = attribute_of(attribute);
  return ready() ? ready() : device < FIRST ? 101 : 0;
}
CALL(cuDevicePrimaryCtxRetain, void **context, int device) {
  if (ready()) return ready();
  if (FAILS("cuDevicePrimaryCtxRetain")) return status();
  default_streams[device - FIRST].device = device - FIRST;
  retained[device - FIRST] = 1;
  *context = (void *)(intptr_t)device;
  return 0;
}
CALL(cuCtxPushCurrent_v2, void *pushed_context) {
  const int device = (int)(intptr_t)pushed_context - FIRST;
  if (ready()) return ready();
  if (device < 0 || device >= MOST_DEVICES || !retained[device] || depth == DEPTH) return NO_CONTEXT;
  context[depth++] = device;
  __atomic_add_fetch(&pushed, 1, __ATOMIC_SEQ_CST);
  return 0;
}
CALL(cuCtxPopCurrent_v2, void **popped) {
  NEED_CONTEXT;
  *popped = (void *)(intptr_t)(context[--depth] + FIRST);
  __atomic_sub_fetch(&pushed, 1, __ATOMIC_SEQ_CST);
  return 0;
}

struct module {
  const char *image;
  int device, loaded;
};
struct function {
  struct module *module;
  const char *name;
  int number, shared;
};
#ifdef GATEWRIGHT_CU
#define GATEWRIGHT_ON_CPU
#include GATEWRIGHT_CU
static const char *const names[] = {KERNEL_NAMES};
#define KERNELS ((int)(sizeof names / sizeof *names))
static int number_of(const char *name) {
  int i = 0;
  while (i < KERNELS && strcmp(names[i], name)) ++i;
  return i < KERNELS ? i : -1;
}
static int accepted(const char *image) { return !strcmp(image, "device code"); }
#else
static int number_of(const char *name) { return !name; }
static int accepted(const char *image) { return *image; }
#endif
CALL(cuModuleLoadData, struct module **made_module, const void *image) {
  struct module *m;
  NEED_CONTEXT;
  if (FAILS("cuModuleLoadData")) return status();
  if (!accepted((const char *)image)) return 209;
  *made_module = m = (struct module *)malloc(sizeof *m);
  m->image = (const char *)image, m->device = here(), m->loaded = 1;
  __atomic_add_fetch(&modules, 1, __ATOMIC_SEQ_CST);
  return 0;
}
CALL(cuModuleUnload, struct module *module) { /* which stays, so that its use is noticed */
  NEED_CONTEXT;
  if (module->device != here() || !module->loaded) return BAD_HANDLE;
  module->loaded = 0;
  __atomic_sub_fetch(&modules, 1, __ATOMIC_SEQ_CST);
  return 0;
}
CALL(cuModuleGetFunction, struct function **function, struct module *module, const char *name) {
  struct function *f;
  NEED_CONTEXT;
  if (module->device != here() || !module->loaded) return BAD_HANDLE;
  if (number_of(name) < 0) return 500;
  *function = f = (struct function *)malloc(sizeof *f);
  f->module = module, f->name = name, f->number = number_of(name), f->shared = 1024 * number("FAKE_CUDA_UNASKED", 48);
  return 0;
}
CALL(cuFuncSetAttribute, struct function *f, int attribute, int value) {
  NEED_CONTEXT;
  if (attribute != 8 || value < 0 || value > shared_bytes()) return INVALID;
  if (value > f->shared) f->shared = value;
  return 0;
}

#include "fake_memory.h"

#ifdef GATEWRIGHT_CU
/* On the default stream samples and answers may be what stands in for torch's tensors. */
static int kernel(const struct task *t, int device) {
  const struct function *f = (const struct function *)t->function;
  struct block block = {0, 0, t->threads, 0};
  struct work w;
  memcpy(&w, t->parameters, sizeof w);
  if (!f->module->loaded || !is_live((uintptr_t)w.data, 4, device)) return BAD_ACCESS;
  if (w.slots && !is_live((uintptr_t)w.slots, 4, device)) return BAD_ACCESS;
  if (t->ours && (!is_live((uintptr_t)w.x, 1, device) || !is_live((uintptr_t)w.out, 1, device))) return BAD_ACCESS;
  block.shared = (uint32_t *)malloc(t->shared + 4);
  for (block.y = 0; block.y < t->y; ++block.y)
    for (block.x = 0; block.x < t->x; ++block.x) kernel_table[f->number](w, block);
  free(block.shared);
  return 0;
}
static int launched(struct stream *s, struct task *t, const void *parameters) {
  t->parameters = malloc(sizeof(struct work));
  memcpy(t->parameters, parameters, sizeof(struct work));
  return queued(s, *t);
}
#else
typedef int (*launcher)(const char *image, const char *name, unsigned x, unsigned y, unsigned threads,
                        unsigned shared, const void *parameters);
static launcher launch;
void fake_launcher(launcher);
void fake_launcher(launcher given) { launch = given; }
static int kernel(const struct task *t, int device) {
  const struct function *f = (const struct function *)t->function;
  if (f->module->device != device || !f->module->loaded) return BAD_HANDLE;
  return launch(f->module->image, f->name, t->x, t->y, t->threads, t->shared, t->parameters);
}
static int launched(struct stream *s, struct task *t, void *parameters) {
  const int bad = finished(s);
  t->parameters = parameters; /* of which nobody says how many bytes they are, to be kept */
  return bad ? bad : kernel(t, s->device);
}
#endif
static int launch_on(struct stream *stream, struct function *f, struct task *t, void *parameters) {
  struct stream *s;
  const int bad = stream_of(stream, &s);
  if (bad) return bad;
  if (f->module->device != s->device) return BAD_HANDLE;
  if (strcmp(f->name, "answer")) last = f->name;
  t->ours = !!stream;
  return launched(s, t, parameters);
}
CALL(cuLaunchKernel, struct function *f, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty,
     unsigned tz, unsigned shared, struct stream *stream, void **parameters, void **extra) {
  struct task t = {0};
  NEED_CONTEXT;
  if (!x || x > INT32_MAX || !y || y > 65535 || z != 1 || ty != 1 || tz != 1 || extra) return INVALID;
  if (!threads || threads > 1024 || (int)shared > f->shared) return INVALID;
  if (FAILS("cuLaunchKernel")) return status();
  t.kind = KERNEL, t.function = f, t.x = x, t.y = y, t.threads = threads, t.shared = shared;
  LOCKED(launch_on(stream, f, &t, parameters[0]));
}

/* What a benchmark asks for besides. */
CALL(cuDeviceGetName, char *name, int bytes, int device) {
  if (bytes > 5) memcpy(name, "loops", 6);
  return device < FIRST;
}
CALL(cuEventCreate, void **event, unsigned flags) {
  NEED_CONTEXT;
  *event = malloc(1);
  return flags != 0;
}
CALL(cuEventRecord, void *event, void *stream) {
  NEED_CONTEXT;
  return !event || stream;
}
CALL(cuEventSynchronize, void *event) { return !event; }
CALL(cuEventElapsedTime, float *milliseconds, void *start, void *stop) {
  *milliseconds = 500;
  return start == stop;
}
