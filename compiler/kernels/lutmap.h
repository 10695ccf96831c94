/* What Python calls, in cffi's subset of C. Nodes: 0 is the constant false, then come the leaves,
 * then the gates, each reading earlier nodes. A literal is 2 * node + inverted. */

/* Map AND and XOR gates to LUTs of at most k inputs; the number of LUTs, -1 without memory.
 *
 * widest: inputs of functions that may be split into such LUTs, k to 6; k is meant if fast. limit:
 * cuts kept for each node. rounds: passes of area flow, each followed by `exact` passes of exact
 * area. fast: whether no path may be longer than need be.
 * fanin: literals [gates][2]. is_xor: [gates]. outputs: literals [n_outputs], rewritten to those of
 * the result, whose LUTs are numbered from 1 + leaves on, each reading earlier ones: their inputs
 * [room][k], how many there are [room], and truth tables [room]. room: gates, or 5 * gates if widest
 * is more than k. */
int64_t lutmap_map(int32_t k, int32_t widest, int32_t limit, int32_t rounds, int32_t exact,
                   int32_t fast, int64_t leaves, int64_t gates, const uint32_t *fanin,
                   const uint8_t *is_xor, int64_t n_outputs, uint32_t *outputs, int32_t *inputs,
                   uint8_t *sizes, uint64_t *tables);
