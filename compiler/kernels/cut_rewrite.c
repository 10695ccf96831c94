/* DAG-aware rewriting (Mishchenko, Chatterjee, Brayton, DAC 2006) of AND and XOR gates.

   Each gate in turn is computed anew from the leaves of its best cut, by the circuit that needs the
   fewest gates besides those that stay. What stays is found by hashing; what goes are the gates
   that only this gate needs. */
#include "xag.h"

#include "cut_rewrite.h"

enum { LEAVES = 4, WIDE = 6, CUTS = 48, SLOTS = 7 };

struct cut {
    int32_t n, leaf[WIDE];
};

struct state {
    struct xag x;
    const uint8_t *class_of, *permutation, *phase, *circuits, *sizes, *roots;
    const int32_t *start;
    int32_t zero, seed;
    uint32_t *stamp, now; /* marks the cone of a cut */
    uint16_t *table;
    uint32_t *owned, own; /* marks what only the gate at hand needs */
    struct cut cuts[CUTS];
    int32_t n_cuts;
};

struct choice {
    int32_t gain, circuit;
    uint32_t leaf[LEAVES + 1], inverted; /* literals of the circuit's nodes 0 to 4 */
};

/* Cuts */

static int same_cut(const struct cut *a, const struct cut *b) {
    return a->n == b->n && !memcmp(a->leaf, b->leaf, (size_t)a->n * sizeof *a->leaf);
}

/* Puts a leaf in its place; 0 if there is no room. */
static int add_leaf(struct cut *cut, int32_t leaf) {
    int at = 0;
    while (at < cut->n && cut->leaf[at] < leaf) at++;
    if (at < cut->n && cut->leaf[at] == leaf) return 1;
    if (cut->n == WIDE) return 0;
    memmove(cut->leaf + at + 1, cut->leaf + at, (size_t)(cut->n - at) * sizeof *cut->leaf);
    cut->leaf[at] = leaf;
    cut->n++;
    return 1;
}

static void expand(struct state *s, const struct cut *cut, int at) {
    const struct xag *x = &s->x;
    struct cut made = {0, {0}};
    if (s->n_cuts == CUTS) return;
    for (int i = 0; i < cut->n; i++)
        if (i != at) made.leaf[made.n++] = cut->leaf[i];
    for (int i = 0; i < 2; i++)
        if (!add_leaf(&made, node_of(x, cut->leaf[at], i))) return;
    for (int i = 0; i < s->n_cuts; i++)
        if (same_cut(&s->cuts[i], &made)) return;
    s->cuts[s->n_cuts++] = made;
}

static void find_cuts(struct state *s, int32_t gate) {
    struct cut trivial = {1, {gate}};
    s->n_cuts = 0;
    expand(s, &trivial, 0);
    for (int i = 0; i < s->n_cuts; i++) {
        struct cut cut = s->cuts[i];
        for (int j = cut.n - 1; j >= 0; j--)
            if (is_gate(&s->x, cut.leaf[j])) expand(s, &cut, j);
    }
}

static uint16_t table_of(struct state *s, int32_t node) {
    if (s->stamp[node] == s->now) return s->table[node];
    const uint32_t *fanin = s->x.fanin[node];
    uint16_t a = table_of(s, (int32_t)(fanin[0] >> 1)), b = table_of(s, (int32_t)(fanin[1] >> 1));
    if (fanin[0] & 1) a = (uint16_t)~a;
    if (fanin[1] & 1) b = (uint16_t)~b;
    s->stamp[node] = s->now;
    return s->table[node] = fanin[0] > fanin[1] ? a ^ b : a & b;
}

static uint16_t cut_table(struct state *s, int32_t gate, const struct cut *cut) {
    static const uint16_t input[LEAVES] = {0xAAAA, 0xCCCC, 0xF0F0, 0xFF00};
    s->now++;
    for (int i = 0; i < cut->n; i++) {
        s->stamp[cut->leaf[i]] = s->now;
        s->table[cut->leaf[i]] = input[i];
    }
    return table_of(s, gate);
}

/* Circuits */

static uint32_t literal_in(const int64_t *value, uint8_t literal) {
    return (uint32_t)value[literal >> 1] ^ (literal & 1);
}

/* How many gates a circuit adds, up to `limit`; more than that if it reads the gate itself. */
static int32_t cost_of(struct state *s, int32_t gate, int32_t circuit, const uint32_t *leaf,
                       int32_t limit) {
    const uint8_t *gates = s->circuits + (int64_t)circuit * SLOTS * 2;
    int64_t value[LEAVES + 1 + SLOTS];
    int32_t cost = 0, size = s->sizes[circuit];
    for (int i = 0; i <= LEAVES; i++) value[i] = leaf[i];
    for (int g = 0; g < size; g++, gates += 2) {
        int64_t found = NO_LITERAL;
        if (value[gates[0] >> 1] != NO_LITERAL && value[gates[1] >> 1] != NO_LITERAL)
            found = xag_peek(&s->x, literal_in(value, gates[0]), literal_in(value, gates[1]),
                             gates[0] > gates[1]);
        value[LEAVES + 1 + g] = found;
        if (found == NO_LITERAL)
            cost++;
        else if (found >> 1 == gate)
            return limit + 1;
        else if (s->owned[found >> 1] == s->own)
            cost++;
        if (cost > limit) return cost;
    }
    return cost;
}

static void try_cut(struct state *s, int32_t gate, const struct cut *cut, struct choice *best) {
    uint16_t table = cut_table(s, gate, cut);
    const uint8_t *permutation = s->permutation + (int64_t)table * LEAVES;
    struct choice choice = {.inverted = s->phase[table] >> LEAVES};
    for (int i = 0; i < LEAVES; i++) {
        int from = permutation[i];
        uint32_t leaf = from < cut->n ? 2 * (uint32_t)cut->leaf[from] : 0;
        choice.leaf[i + 1] = leaf ^ (s->phase[table] >> i & 1);
    }
    int32_t owned = mark_owned(&s->x, gate, cut->leaf, cut->n, s->owned, ++s->own);
    int32_t class = s->class_of[table];
    int32_t first = s->start[class], n = s->start[class + 1] - first;
    for (int32_t i = 0; i < n; i++) {
        choice.circuit = first + (int32_t)((uint32_t)(i + s->seed) % (uint32_t)n);
        int32_t limit = owned - best->gain - 1;
        if (limit < 0) return;
        choice.gain = owned - cost_of(s, gate, choice.circuit, choice.leaf, limit);
        if (choice.gain > best->gain) *best = choice;
    }
}

/* Makes the circuit and puts it in the place of the gate; 0 without room. */
static int put_in(struct state *s, int32_t gate, const struct choice *choice) {
    const uint8_t *gates = s->circuits + (int64_t)choice->circuit * SLOTS * 2;
    int32_t size = s->sizes[choice->circuit];
    int64_t value[LEAVES + 1 + SLOTS];
    for (int i = 0; i <= LEAVES; i++) value[i] = choice->leaf[i];
    for (int g = 0; g < size; g++, gates += 2) {
        int64_t made = xag_make(&s->x, literal_in(value, gates[0]), literal_in(value, gates[1]),
                                gates[0] > gates[1]);
        if (made == NO_LITERAL) return 0;
        value[LEAVES + 1 + g] = made;
    }
    uint32_t root = literal_in(value, s->roots[choice->circuit]) ^ choice->inverted;
    if ((int32_t)(root >> 1) != gate) xag_replace(&s->x, gate, root);
    for (int g = size - 1; g >= 0; g--)
        xag_release(&s->x, (int32_t)(value[LEAVES + 1 + g] >> 1));
    return !s->x.failed;
}

static int rewrite_gate(struct state *s, int32_t gate) {
    struct choice best = {.gain = s->zero ? -1 : 0, .circuit = NONE};
    find_cuts(s, gate);
    for (int i = 0; i < s->n_cuts; i++)
        if (s->cuts[i].n <= LEAVES) try_cut(s, gate, &s->cuts[i], &best);
    return best.circuit == NONE || put_in(s, gate, &best);
}

EXPORT int32_t cut_rewrite(int32_t leaves, int32_t gates, uint32_t *fanin, uint8_t *xor,
                           int32_t n_outputs, uint32_t *outputs, const uint8_t *class_of,
                           const uint8_t *permutation, const uint8_t *phase, const int32_t *start,
                           const uint8_t *circuits, const uint8_t *sizes, const uint8_t *roots,
                           int32_t zero, int32_t seed) {
    struct state s = {.class_of = class_of, .permutation = permutation, .phase = phase,
                      .start = start, .circuits = circuits, .sizes = sizes, .roots = roots,
                      .zero = zero, .seed = seed};
    if (!xag_init(&s.x, leaves, gates + 2 * SLOTS, n_outputs, outputs)) return -1;
    size_t nodes = (size_t)s.x.capacity;
    s.stamp = calloc(nodes, sizeof *s.stamp);
    s.table = malloc(nodes * sizeof *s.table);
    s.owned = calloc(nodes, sizeof *s.owned);
    int done = s.stamp && s.table && s.owned && xag_read(&s.x, gates, fanin, xor);
    int32_t last = s.x.n, left = -1;
    for (int32_t gate = s.x.first; done && gate < last; gate++)
        if (is_alive(&s.x, gate)) done = rewrite_gate(&s, gate);
    if (done) left = xag_write(&s.x, fanin, xor);
    free(s.stamp);
    free(s.table);
    free(s.owned);
    xag_free(&s.x);
    return left;
}
