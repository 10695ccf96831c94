/* Functional reduction of AND/XOR graphs: structural hashing, classes of equal signatures, and
 * proofs by truth tables over small cuts. Literals are 2 * node + inverted; node 0 is the constant
 * false, then come the leaves, then the gates. Every index is checked by the caller. */
struct fraig;

/* fanin: [n_gates][2] literals. exclusive: [n_gates], XOR rather than AND. stage: [n_nodes], set for
 * the leaves; a node is replaced only by one of no later stage. rep: [n_nodes], set for constant and
 * leaves; becomes the literal that stands for each node. read: [n_gates][2], becomes the literals
 * that each gate reads. An XOR reads no inverted ones: where it did, it stands for itself inverted.
 * The arrays stay the caller's and must outlive the graph. NULL without memory. */
struct fraig *fraig_new(int32_t n_leaves, int32_t n_gates, const uint32_t *fanin,
                        const uint8_t *exclusive, int32_t *stage, uint32_t *rep, uint32_t *read);
void fraig_free(struct fraig *graph);

/* Simulate leaves: [n_leaves][words] and split classes by what it shows. 0, or -1 without memory. */
int32_t fraig_simulate(struct fraig *graph, const uint64_t *leaves, int32_t words);

/* Reduce gate after gate. answer: 0 at the start and to try the next candidate, 1 if the pair of
 * the last stop is equal, 2 if signatures have changed. window: the most leaves of a cut, 6 to 14.
 * candidates: pairs tried for each gate. ask: stop at pairs that no window decides.
 * stop: [18]: two literals that may be equal, and after a window has refuted them how many leaves it
 * had and a literal for each, inverted where it is false.
 * 0 at the end, 1 for an open pair, 2 for a refuted one. */
int32_t fraig_run(struct fraig *graph, int32_t answer, int32_t window, int32_t candidates,
                  int32_t ask, uint32_t *stop);

/* The gates in the cones of two nodes that are not yet in seen: [n_nodes], at most `room` of them;
 * marks them there and writes them in no order. Their number, or -1 where there are more. */
int32_t fraig_cone(const struct fraig *graph, const uint32_t *pair, uint8_t *seen, int32_t *nodes,
                   int32_t room);
