/* A Cortex-M3 without anything: its vector table, and output through a debugger (semihosting). */
#include <stdint.h>

int main(void);
void print(const char *text);
void reset(void);

extern uint32_t stack_top[], bss_start[], bss_end[];

static void semihosting(uint32_t operation, uint32_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uint32_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt #0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void print(const char *text) { semihosting(0x04, (uint32_t)text); } /* SYS_WRITE0 */

void reset(void) {
  volatile uint32_t *word;
  for (word = bss_start; word < bss_end; ++word) *word = 0;
  main();
  semihosting(0x18, 0x20026); /* SYS_EXIT, ADP_Stopped_ApplicationExit */
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {
    (uintptr_t)stack_top, (uintptr_t)reset};
