/* What one core of this machine can do at most: the bounds that benchmarks/inference.py divides by. */
#include <stdint.h>
#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

typedef uint64_t word __attribute__((vector_size(64), may_alias));

#if defined(__AVX512F__)
#define TERNARY(a, b, c) \
  ((word)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), 0x96))
#define HOLD(x) __asm__ volatile("" : "+v"(x)) /* so that no operation is left out */
#else
#define HOLD(x) __asm__ volatile("" : "+m"(x))
#define TERNARY(a, b, c) ((a) ^ (b) ^ (c))
#endif

__attribute__((visibility("default"))) uint64_t probe_read(const void *from, int64_t bytes);
__attribute__((visibility("default"))) void probe_ternary(int64_t rounds);
__attribute__((visibility("default"))) void probe_rows(void *room, int64_t words, int64_t rounds);

/* Reads an array once: the least that packing it can take. */
uint64_t probe_read(const void *from, int64_t bytes) {
  const word *x = (const word *)from;
  word sum[4] = {{0}, {0}, {0}, {0}};
  int64_t i;
  uint64_t all = 0;
  for (i = 0; i + 4 <= bytes / 64; i += 4) {
    sum[0] ^= x[i];
    sum[1] ^= x[i + 1];
    sum[2] ^= x[i + 2];
    sum[3] ^= x[i + 3];
  }
  sum[0] ^= sum[1] ^ sum[2] ^ sum[3];
  for (i = 0; i < 8; ++i) all ^= sum[0][i];
  return all;
}

/* 16 operations a round that depend only on the round before. */
void probe_ternary(int64_t rounds) {
  word v[16];
  memset(v, 1, sizeof v);
  {
    word a = v[0], b = v[1], c = v[2], d = v[3], e = v[4], f = v[5], g = v[6], h = v[7];
    word m = v[8], n = v[9], o = v[10], p = v[11], q = v[12], r = v[13], s = v[14], t = v[15];
    const word x = v[0], y = v[1];
    for (; rounds; --rounds) {
#define OF(z) z = TERNARY(z, x, y); HOLD(z)
      OF(a); OF(b); OF(c); OF(d); OF(e); OF(f); OF(g); OF(h);
      OF(m); OF(n); OF(o); OF(p); OF(q); OF(r); OF(s); OF(t);
    }
  }
}

/* As many rows as words: three words are read and one is written, all in order. */
void probe_rows(void *room, int64_t words, int64_t rounds) {
  word *V = (word *)room;
  const int64_t quarter = words / 4;
  int64_t i, k;
  for (; rounds; --rounds)
    for (k = 0; k < 4; ++k) {
      word *to = V + k * quarter;
      const word *a = V + (k + 1) % 4 * quarter, *b = V + (k + 2) % 4 * quarter;
      const word *c = V + (k + 3) % 4 * quarter;
      for (i = 0; i < quarter; ++i) to[i] = TERNARY(a[i], b[i], c[i]);
    }
}
