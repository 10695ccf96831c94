/* Refactoring; arrays as in `compiler.subject`.

   Changes `fanin`, `xor` and `outputs` and returns how many gates are left, or -1 without memory.
   limit: leaves of a cone, 4 to 10. zero: whether to make changes that gain nothing. */
int32_t refactor(int32_t leaves, int32_t gates, uint32_t *fanin, uint8_t *xor, int32_t n_outputs,
                 uint32_t *outputs, int32_t limit, int32_t zero);
