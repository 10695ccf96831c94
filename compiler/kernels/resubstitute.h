/* Resubstitution; arrays as in `compiler.subject`.

   Changes `fanin`, `xor` and `outputs` and returns how many gates are left, or -1 without memory.
   leaves: of a window, 4 to 10. divisors: at most this many a window. added: at most this many gates
   in place of those that go, 0 to 2. */
int32_t resubstitute(int32_t n_leaves, int32_t gates, uint32_t *fanin, uint8_t *xor,
                     int32_t n_outputs, uint32_t *outputs, int32_t leaves, int32_t divisors,
                     int32_t added);
