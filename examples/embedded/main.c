/* Classifies the images in images.h and says how many were right. */
#include "digits.h"
#include "images.h"

void print(const char *text); /* host.c or board.c */

static uint8_t workspace[DIGITS_WORKSPACE_BYTES];

static void print_number(uint32_t number) {
  char digits[12];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do *--at = (char)('0' + number % 10);
  while (number /= 10);
  print(at);
}

int main(void) {
  uint32_t i, right = 0;
  for (i = 0; i < IMAGES; ++i) {
    digits_evaluate(images[i], workspace);
    right += digits_class(workspace) == labels[i];
  }
  print_number(right);
  print(" of ");
  print_number(IMAGES);
  print(" digits right\n");
  return 0;
}
