/* Simplifies gates by what samples show. For nodes and literals see subject.py.

leaves, gates: how many. fanin: [gates][2], literals; changed. is_xor: [gates]. visible: [nodes], what
outputs read; changed. values: [nodes][words], of the constant and of leaves given, of gates found.
window: how many nodes are looked at behind a gate. stands: [nodes], itself for each node; literals
that take their place. Returns how many nodes were replaced, or -1 without memory. */
int64_t observe(int64_t leaves, int64_t gates, uint32_t *fanin, const uint8_t *is_xor,
                uint8_t *visible, uint64_t *values, int64_t words, int64_t window,
                uint32_t *stands);
