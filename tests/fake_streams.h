/* Memory and streams of fake_cuda.c. What is put on a stream that was made by cuStreamCreate waits until somebody
 * has to wait for it, as late as CUDA allows; the default stream does all at once, but for the end of a copy from
 * the host, which only its next user waits for. Memory that is not live, or too small, is an error (700) of the
 * stream that wanted it, and of every call after. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { INVALID = 1, OUT_OF_MEMORY = 2, UNINITIALIZED = 3, NO_CONTEXT = 201, BAD_HANDLE = 400, BAD_ACCESS = 700 };
typedef unsigned long long address;

static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static int sticky; /* the first error that a stream met */

/* What was given and not got back, in order. */
enum { MOST_LIVE = 1024 };
static struct live {
  address at;
  size_t bytes;
  int pooled; /* by cuMemAllocAsync */
} live[MOST_LIVE];
static int lives, devices_of[MOST_LIVE]; /* devices count from 0 */
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
static void add(address at, size_t bytes, int pooled, int device) {
  if (lives == MOST_LIVE) abort();
  live[lives].at = at, live[lives].bytes = bytes, live[lives].pooled = pooled, devices_of[lives++] = device;
}
static address made(size_t bytes) {
  void *at;
  if (posix_memalign(&at, 256, bytes)) return 0;
  memset(at, 0xA5, bytes);
  return (uintptr_t)at;
}
static int is_live(address at, size_t bytes, int device) {
  int i;
  for (i = 0; i < lives; ++i)
    if (at >= live[i].at && at + bytes <= live[i].at + live[i].bytes) return devices_of[i] == device;
  return 0;
}
static int removed(address at, int pooled) {
  int i = 0;
  while (i < lives && live[i].at != at) ++i;
  if (i == lives || live[i].pooled != pooled) return INVALID;
  memset((void *)(uintptr_t)at, 0x5A, live[i].bytes);
  free((void *)(uintptr_t)at);
  for (--lives; i < lives; ++i) live[i] = live[i + 1], devices_of[i] = devices_of[i + 1];
  return 0;
}

struct rows { /* of a copy to the device */
  const char *from;
  size_t from_pitch, width, height, to_pitch;
  address to;
  char *staged;
};
struct task {
  enum { MAKE, REMOVE, COPY_IN, COPY_OUT, KERNEL } kind;
  struct rows rows;
  address at;
  size_t bytes;
  char *out;
  void *function;
  int ours; /* whether the stream was made by cuStreamCreate */
  unsigned x, y, threads, shared;
  void *parameters;
  struct task *next;
};
struct stream {
  int device;
  struct task *first, *last;
};
enum { MOST_DEVICES = 16 };
static struct stream default_streams[MOST_DEVICES];
static int streams;
int fake_streams(void);
int fake_streams(void) { return streams; }
static int kernel(const struct task *, int device);

static int copied_in(const struct rows *r, int device) {
  const char *from = r->staged ? r->staged : r->from;
  const size_t pitch = r->staged ? r->width : r->from_pitch;
  size_t row;
  if (!is_live(r->to, (r->height - 1) * r->to_pitch + r->width, device)) return BAD_ACCESS;
  for (row = 0; row < r->height; ++row)
    memcpy((char *)(uintptr_t)r->to + row * r->to_pitch, from + row * pitch, r->width);
  free(r->staged);
  return 0;
}
static int done(struct task *t, int device) {
  switch (t->kind) {
    case MAKE: add(t->at, t->bytes, 1, device); return 0;
    case REMOVE: return removed(t->at, 1);
    case COPY_IN: return copied_in(&t->rows, device);
    case COPY_OUT:
      if (!is_live(t->at, t->bytes, device)) return BAD_ACCESS;
      memcpy(t->out, (const char *)(uintptr_t)t->at, t->bytes);
      return 0;
    default: return kernel(t, device);
  }
}
/* Does all that waits on a stream; what it met first, or any stream before. */
static int finished(struct stream *s) {
  while (s->first) {
    struct task *t = s->first;
    const int bad = sticky ? 0 : done(t, s->device);
    if (bad) sticky = bad;
    s->first = t->next;
    free(t->parameters);
    free(t);
  }
  return sticky;
}
static int queued(struct stream *s, struct task task) {
  struct task *t = (struct task *)malloc(sizeof *t);
  *t = task, t->next = 0;
  if (s->first) s->last->next = t;
  else s->first = t;
  s->last = t;
  return s == &default_streams[s->device] && t->kind != COPY_IN ? finished(s) : sticky;
}
/* Copies in: memory that is not page-locked may be used again when the call returns. */
static int queued_rows(struct stream *s, struct rows r, int pinned) {
  struct task t = {0};
  size_t row;
  if (!r.width || !r.height) return 0;
  if (!pinned) {
    r.staged = (char *)malloc(r.width * r.height);
    for (row = 0; row < r.height; ++row) memcpy(r.staged + row * r.width, r.from + row * r.from_pitch, r.width);
  }
  t.kind = COPY_IN, t.rows = r;
  return queued(s, t);
}
