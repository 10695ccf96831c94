/* A whole program for a 32-bit Linux emulator, without a C library: evaluates the rows in rows.h and
 * writes bits, then counts and classes if there are any, one sample at a time and 32 at once.
 * For counting instructions: ALONE rows one at a time, and 32 at once TOGETHER or not; classes only. */
#include "net.h"
#include "rows.h"

#if defined(__arm__)
enum { WRITE = 4, EXIT = 1 };
void __aeabi_unwind_cpp_pr0(void);
void __aeabi_unwind_cpp_pr0(void) {}
void __aeabi_unwind_cpp_pr1(void);
void __aeabi_unwind_cpp_pr1(void) {}

static void call(long number, long a, long b, long c) {
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = a;
  register long r1 __asm__("r1") = b;
  register long r2 __asm__("r2") = c;
  __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2) : "memory");
}
#elif defined(__riscv)
enum { WRITE = 64, EXIT = 93 };

static void call(long number, long a, long b, long c) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
}
#endif

static void put(const void *data, uint32_t bytes) { call(WRITE, 1, (long)data, (long)bytes); }

static uint8_t workspace[NET_WORKSPACE_BYTES];
static uint32_t workspace_32[NET_WORKSPACE_WORDS];
#ifdef NET_GROUPS
static uint32_t classes[32];
#endif
#ifndef ALONE
static uint8_t bits[32 * NET_OUTPUTS + 1];
#ifdef NET_GROUPS
static int32_t counts[32 * NET_GROUPS];
#endif
#endif

static void one_by_one(int n) {
  int i;
  for (i = 0; i < n; ++i) {
    net_evaluate(rows + i * NET_FEATURES, workspace);
#ifndef ALONE
    net_bits(workspace, bits + i * NET_OUTPUTS);
#endif
#ifdef NET_GROUPS
#ifndef ALONE
    net_counts(workspace, counts + i * NET_GROUPS);
#endif
    classes[i] = net_class(workspace);
#endif
  }
}

static void together(void) {
  net_evaluate_32(rows, NET_FEATURES, 32, workspace_32);
#ifndef ALONE
  net_bits_32(workspace_32, 32, bits);
#endif
#ifdef NET_GROUPS
#ifndef ALONE
  net_counts_32(workspace_32, 32, counts);
#endif
  net_classes_32(workspace_32, 32, classes);
#endif
}

static void put_answers(void) {
#ifndef ALONE
  put(bits, 32 * NET_OUTPUTS);
#endif
#ifdef NET_GROUPS
#ifndef ALONE
  put(counts, sizeof counts);
#endif
  put(classes, sizeof classes);
#endif
}

void _start(void);
void _start(void) {
#ifdef ALONE
  one_by_one(ALONE);
  if (TOGETHER) together();
#else
  one_by_one(32);
  put_answers();
  together();
#endif
  put_answers();
  call(EXIT, 0, 0, 0);
}
