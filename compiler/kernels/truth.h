/* Truth tables of up to six inputs, repeated so that all 64 bits are used: bit j is the output for
 * the pattern j, input 0 being the least significant bit of j. An input that a table does not
 * depend on may be taken away or added without a change of its bits. */
#ifndef TRUTH_H
#define TRUTH_H
#include <stdint.h>

enum { MAX_FANIN = 6 };

static const uint64_t where_true[MAX_FANIN] = {
    0xAAAAAAAAAAAAAAAAu, 0xCCCCCCCCCCCCCCCCu, 0xF0F0F0F0F0F0F0F0u,
    0xFF00FF00FF00FF00u, 0xFFFF0000FFFF0000u, 0xFFFFFFFF00000000u,
};

/* Word `word` of the table of input i, of as many words as it takes. */
static inline uint64_t truth_input(int i, uint64_t word) {
  return i < MAX_FANIN ? where_true[i] : 0 - (word >> (i - MAX_FANIN) & 1);
}

/* The bits of a table that tell it from others of n inputs. */
static inline uint64_t truth_mask(int n) {
  return n == MAX_FANIN ? ~(uint64_t)0 : ((uint64_t)1 << (1 << n)) - 1;
}

static inline int truth_depends(uint64_t table, int i) {
  return ((table >> (1 << i) ^ table) & ~where_true[i]) != 0;
}

/* The table with inputs i < j exchanged. */
static inline uint64_t truth_swap(uint64_t table, int i, int j) {
  const uint64_t low = where_true[i] & ~where_true[j];
  const int distance = (1 << j) - (1 << i);
  const uint64_t moved = (table >> distance ^ table) & low;
  return table ^ moved ^ moved << distance;
}

/* Input i of n moves to place[i]; places ascend and are no lower. */
static inline uint64_t truth_spread(uint64_t table, const uint8_t *place, int n) {
  for (int i = n - 1; i >= 0 && place[i] != i; --i) table = truth_swap(table, i, place[i]);
  return table;
}

/* The table without input i of n, which it does not depend on; later inputs move down. */
static inline uint64_t truth_drop(uint64_t table, int i, int n) {
  for (; i + 1 < n; ++i) table = truth_swap(table, i, i + 1);
  return table;
}

#endif
