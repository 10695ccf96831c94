/* Rewriting of small cuts; arrays as in `compiler.subject` and `compiler.structures`.

   Changes `fanin`, `xor` and `outputs` and returns how many gates are left, or -1 without memory.
   zero: whether to make changes that gain nothing, to leave a local minimum. seed: which of equally
   good circuits comes first. */
int32_t cut_rewrite(int32_t leaves, int32_t gates, uint32_t *fanin, uint8_t *xor, int32_t n_outputs,
                    uint32_t *outputs, const uint8_t *class_of, const uint8_t *permutation,
                    const uint8_t *phase, const int32_t *start, const uint8_t *circuits,
                    const uint8_t *sizes, const uint8_t *roots, int32_t zero, int32_t seed);
