/* Calls of fake_cuda.c that give, take and copy memory, and make streams and wait for them. */
static int given(address *to, size_t bytes) {
  if (!bytes) return INVALID;
  *to = made(bytes);
  return *to ? 0 : OUT_OF_MEMORY;
}
static int given_now(address *to, size_t bytes) {
  const int bad = given(to, bytes);
  if (!bad) add(*to, bytes, 0, here());
  return bad;
}
static int stream_of(struct stream *named, struct stream **s) {
  *s = named ? named : &default_streams[here()];
  return (*s)->device == here() ? 0 : BAD_HANDLE;
}
static int given_later(address *to, size_t bytes, struct stream *stream) {
  struct stream *s;
  struct task t = {0};
  int bad = stream_of(stream, &s);
  if (!bad) bad = given(to, bytes);
  t.kind = MAKE, t.at = *to, t.bytes = bytes;
  return bad ? bad : queued(s, t);
}
static int taken_later(address at, struct stream *stream) {
  struct stream *s;
  struct task t = {0};
  const int bad = stream_of(stream, &s);
  t.kind = REMOVE, t.at = at;
  return bad ? bad : queued(s, t);
}
CALL(cuMemAlloc_v2, address *to, size_t bytes) {
  NEED_CONTEXT;
  if (FAILS("cuMemAlloc")) return status();
  LOCKED(given_now(to, bytes));
}
CALL(cuMemFree_v2, address at) {
  NEED_CONTEXT;
  LOCKED(removed(at, 0));
}
CALL(cuMemAllocAsync, address *to, size_t bytes, struct stream *stream) {
  NEED_CONTEXT;
  if (FAILS("cuMemAllocAsync")) return status();
  LOCKED(given_later(to, bytes, stream));
}
CALL(cuMemFreeAsync, address at, struct stream *stream) {
  NEED_CONTEXT;
  LOCKED(taken_later(at, stream));
}
CALL(cuDeviceGetDefaultMemPool, void **pool, int device) {
  *pool = (void *)(intptr_t)device;
  return ready();
}
CALL(cuMemPoolGetAttribute, void *pool, int attribute, void *value) {
  if (attribute != 4) return INVALID;
  memcpy(value, &kept[(intptr_t)pool - FIRST], 8);
  return ready();
}
CALL(cuMemPoolSetAttribute, void *pool, int attribute, void *value) {
  if (attribute != 4) return INVALID;
  memcpy(&kept[(intptr_t)pool - FIRST], value, 8);
  return ready();
}

static int copy_rows(struct stream *stream, struct rows r) {
  struct stream *s;
  const int bad = stream_of(stream, &s);
  return bad ? bad : queued_rows(s, r, number("FAKE_CUDA_PINNED", 0) && stream);
}
static int copy_in(address to, const void *from, size_t bytes, struct stream *stream) {
  struct rows r = {0};
  r.from = (const char *)from, r.to = to, r.width = r.from_pitch = r.to_pitch = bytes, r.height = 1;
  return copy_rows(stream, r);
}
static int copy_out(void *to, address from, size_t bytes, struct stream *stream) {
  struct stream *s;
  struct task t = {0};
  int bad = stream_of(stream, &s);
  t.kind = COPY_OUT, t.at = from, t.bytes = bytes, t.out = (char *)to;
  if (!bad) bad = queued(s, t);
  return bad || (stream && number("FAKE_CUDA_PINNED", 0)) ? bad : finished(s);
}
CALL(cuMemcpyHtoD_v2, address to, const void *from, size_t bytes) {
  NEED_CONTEXT;
  LOCKED(copy_in(to, from, bytes, 0));
}
CALL(cuMemcpyHtoDAsync_v2, address to, const void *from, size_t bytes, struct stream *stream) {
  NEED_CONTEXT;
  if (FAILS("cuMemcpyHtoDAsync")) return status();
  LOCKED(copy_in(to, from, bytes, stream));
}
CALL(cuMemcpyDtoH_v2, void *to, address from, size_t bytes) {
  NEED_CONTEXT;
  LOCKED(copy_out(to, from, bytes, 0));
}
CALL(cuMemcpyDtoHAsync_v2, void *to, address from, size_t bytes, struct stream *stream) {
  NEED_CONTEXT;
  LOCKED(copy_out(to, from, bytes, stream));
}
struct copy_2d {
  size_t from_x, from_y;
  int from_kind;
  const char *from_host;
  address from;
  void *from_array;
  size_t from_pitch, to_x, to_y;
  int to_kind;
  void *to_host;
  address to;
  void *to_array;
  size_t to_pitch, width, height;
};
CALL(cuMemcpy2DAsync_v2, const struct copy_2d *c, struct stream *stream) {
  struct rows r = {0};
  NEED_CONTEXT;
  if (c->from_kind != 1 || c->to_kind != 2 || c->from_pitch < c->width || c->to_pitch < c->width) return INVALID;
  if (c->from_pitch > INT32_MAX || c->to_pitch > INT32_MAX) return INVALID;
  r.from = c->from_host, r.from_pitch = c->from_pitch, r.to = c->to, r.to_pitch = c->to_pitch;
  r.width = c->width, r.height = c->height;
  LOCKED(copy_rows(stream, r));
}
static int new_stream(struct stream **stream) {
  *stream = (struct stream *)calloc(1, sizeof **stream);
  (*stream)->device = here();
  ++streams;
  return 0;
}
static int old_stream(struct stream *stream) {
  const int bad = finished(stream);
  --streams;
  free(stream);
  return bad;
}
static int wait(struct stream *stream) {
  struct stream *s;
  const int bad = stream_of(stream, &s);
  return bad ? bad : finished(s);
}
static int wait_for_all(void) { return finished(&default_streams[here()]); }
CALL(cuStreamCreate, struct stream **stream, unsigned flags) {
  NEED_CONTEXT;
  if (flags != 1) return INVALID;
  LOCKED(new_stream(stream));
}
CALL(cuStreamDestroy_v2, struct stream *stream) {
  NEED_CONTEXT;
  LOCKED(old_stream(stream));
}
CALL(cuStreamSynchronize, struct stream *stream) {
  NEED_CONTEXT;
  if (FAILS("cuStreamSynchronize")) return status();
  LOCKED(wait(stream));
}
CALL(cuCtxSynchronize, void) {
  NEED_CONTEXT;
  LOCKED(wait_for_all());
}
