/* Resubstitution (Mishchenko and Brayton, "Scalable logic synthesis using a simple circuit
   structure", IWLS 2006) of AND and XOR gates.

   Around each gate in turn a window is grown: a cut, what lies between it and the gate, and what else
   can be computed of those. Divisors are what stays when the gate goes. Truth tables over the leaves of
   the window say exactly whether the gate is a divisor, or one or two new gates over divisors. */
#include "xag.h"

#include "resubstitute.h"

enum { LEAVES = 10, WORDS = 1 << (LEAVES - 6), DIVISORS = 250, CONE = 400, FANOUT = 20, FIRSTS = 6 };

struct window {
    int32_t n_leaves, leaf[LEAVES];
    int32_t n_cone, cone[CONE];        /* inside, in topological order */
    int32_t n_divisors, node[DIVISORS];
};

/* Up to two new gates; literals of divisors, then of the gates. */
struct plan {
    int32_t gates;
    uint32_t a[2], b[2], output;
    int xor[2];
};

struct state {
    struct xag x;
    int32_t leaves, divisors, added, words;
    uint32_t *seen, now;   /* marks what is in the window */
    uint32_t *owned, own;  /* marks what only the gate at hand needs */
    int32_t *slot;         /* of what is in the window: its row of `table` */
    struct window w;
    uint64_t table[LEAVES + CONE + DIVISORS][WORDS];
    uint64_t *divisor[DIVISORS];
};

/* Windows */

/* By how many leaves the cut grows if this leaf gives way to what it reads. */
static int growth(const struct state *s, int32_t leaf) {
    int n = -1;
    for (int i = 0; i < 2; i++) n += s->seen[node_of(&s->x, leaf, i)] != s->now;
    return n;
}

static void grow_cut(struct state *s, int32_t gate) {
    struct window *w = &s->w;
    s->now++;
    s->seen[gate] = s->now;
    w->n_leaves = 1;
    w->leaf[0] = gate;
    for (int inside = 0; inside < CONE / 2; inside++) {
        int best = NONE, least = 2;
        for (int i = 0; i < w->n_leaves; i++) {
            if (!is_gate(&s->x, w->leaf[i])) continue;
            int n = growth(s, w->leaf[i]);
            if (n > least || (n == least && best != NONE && w->leaf[i] < w->leaf[best])) continue;
            if (w->n_leaves + n > s->leaves) continue;
            best = i;
            least = n;
        }
        if (best == NONE) return;
        int32_t leaf = w->leaf[best];
        w->leaf[best] = w->leaf[--w->n_leaves];
        for (int i = 0; i < 2; i++) {
            int32_t node = node_of(&s->x, leaf, i);
            if (s->seen[node] == s->now) continue;
            s->seen[node] = s->now;
            w->leaf[w->n_leaves++] = node;
        }
    }
}

static void evaluate(struct state *s, int32_t node, int32_t slot) {
    const uint32_t *fanin = s->x.fanin[node];
    const uint64_t *a = s->table[s->slot[fanin[0] >> 1]], *b = s->table[s->slot[fanin[1] >> 1]];
    uint64_t odd = -(uint64_t)(fanin[0] & 1), even = -(uint64_t)(fanin[1] & 1);
    uint64_t *to = s->table[slot];
    if (fanin[0] > fanin[1])
        for (int i = 0; i < s->words; i++) to[i] = (a[i] ^ odd) ^ (b[i] ^ even);
    else
        for (int i = 0; i < s->words; i++) to[i] = (a[i] ^ odd) & (b[i] ^ even);
    s->slot[node] = slot;
}

static void leaf_table(struct state *s, int i) {
    static const uint64_t input[6] = {0xAAAAAAAAAAAAAAAAu, 0xCCCCCCCCCCCCCCCCu, 0xF0F0F0F0F0F0F0F0u,
                                      0xFF00FF00FF00FF00u, 0xFFFF0000FFFF0000u, 0xFFFFFFFF00000000u};
    for (int j = 0; j < s->words; j++)
        s->table[i][j] = i < 6 ? input[i] : -(uint64_t)(j >> (i - 6) & 1);
}

/* Adds what lies between the leaves and `gate`, in topological order; marks it anew. */
static void collect(struct state *s, int32_t gate) {
    struct window *w = &s->w;
    if (s->seen[gate] == s->now || w->n_cone == CONE) return;
    s->seen[gate] = s->now;
    for (int i = 0; i < 2; i++) collect(s, node_of(&s->x, gate, i));
    evaluate(s, gate, w->n_leaves + w->n_cone);
    w->cone[w->n_cone++] = gate;
}

static int32_t take_away(struct state *s, int32_t gate) {
    struct xag *x = &s->x;
    int32_t n = 1;
    s->owned[gate] = s->own;
    for (int i = 0; i < 2; i++) {
        int32_t node = node_of(x, gate, i);
        if (!--x->refs[node] && is_gate(x, node)) n += take_away(s, node);
    }
    return n;
}

static void put_back(struct state *s, int32_t gate) {
    struct xag *x = &s->x;
    for (int i = 0; i < 2; i++) {
        int32_t node = node_of(x, gate, i);
        if (!x->refs[node]++ && is_gate(x, node)) put_back(s, node);
    }
}

/* Marks what only `gate` needs inside the window; returns how many gates. */
static int32_t mark_owned(struct state *s, int32_t gate) {
    s->own++;
    for (int i = 0; i < s->w.n_leaves; i++) s->x.refs[s->w.leaf[i]]++;
    int32_t n = take_away(s, gate);
    put_back(s, gate);
    for (int i = 0; i < s->w.n_leaves; i++) s->x.refs[s->w.leaf[i]]--;
    return n;
}

static void add_divisor(struct state *s, int32_t node) {
    struct window *w = &s->w;
    s->divisor[w->n_divisors] = s->table[s->slot[node]];
    w->node[w->n_divisors++] = node;
}

/* Adds gates outside the cone whose inputs are divisors. */
static void add_sides(struct state *s) {
    struct window *w = &s->w;
    struct xag *x = &s->x;
    int32_t slot = w->n_leaves + w->n_cone;
    for (int32_t d = 0; d < w->n_divisors; d++) {
        int tried = 0;
        for (int32_t e = x->readers[w->node[d]]; e != NONE && tried < FANOUT; e = x->next[e], tried++) {
            if (w->n_divisors == s->divisors) return;
            if (e >= 2 * x->capacity) continue;
            int32_t gate = e >> 1, other = node_of(x, gate, !(e & 1));
            if (s->seen[gate] == s->now || s->seen[other] != s->now || s->owned[other] == s->own)
                continue;
            s->seen[gate] = s->now;
            evaluate(s, gate, slot++);
            add_divisor(s, gate);
        }
    }
}

/* Grows the window of a gate; returns how many gates go with it. */
static int32_t open_window(struct state *s, int32_t gate) {
    struct window *w = &s->w;
    grow_cut(s, gate);
    s->words = w->n_leaves > 6 ? 1 << (w->n_leaves - 6) : 1;
    s->now++;
    w->n_cone = w->n_divisors = 0;
    for (int i = 0; i < w->n_leaves; i++) {
        s->seen[w->leaf[i]] = s->now;
        s->slot[w->leaf[i]] = i;
        leaf_table(s, i);
    }
    collect(s, gate);
    int32_t goes = mark_owned(s, gate);
    for (int i = 0; i < w->n_leaves; i++) add_divisor(s, w->leaf[i]);
    for (int i = 0; i < w->n_cone && w->n_divisors < s->divisors; i++)
        if (s->owned[w->cone[i]] != s->own) add_divisor(s, w->cone[i]);
    add_sides(s);
    return goes;
}

/* Searching. `on` and `off`: where the output must be true, and where false. */

/* Whether (a ^ p) & b is empty. */
static inline int apart(const struct state *s, const uint64_t *a, uint64_t p, const uint64_t *b) {
    for (int i = 0; i < s->words; i++)
        if ((a[i] ^ p) & b[i]) return 0;
    return 1;
}

static int find_none(const struct state *s, const uint64_t *on, const uint64_t *off,
                     struct plan *plan) {
    for (int32_t d = 0; d < s->w.n_divisors; d++) {
        for (uint32_t p = 0; p < 2; p++) {
            uint64_t inverted = -(uint64_t)p;
            if (!apart(s, s->divisor[d], ~inverted, on) || !apart(s, s->divisor[d], inverted, off))
                continue;
            plan->output = 2 * (uint32_t)d ^ p;
            return 1;
        }
    }
    return 0;
}

/* Whether two of the literals, ANDed, are apart from `set`. */
static int find_pair(const struct state *s, const uint32_t *literals, int n, const uint64_t *set,
                     uint32_t *pair) {
    for (int i = 0; i < n; i++) {
        const uint64_t *a = s->divisor[literals[i] >> 1];
        uint64_t p = -(uint64_t)(literals[i] & 1), left[WORDS];
        for (int k = 0; k < s->words; k++) left[k] = (a[k] ^ p) & set[k];
        for (int j = i + 1; j < n; j++) {
            if (!apart(s, s->divisor[literals[j] >> 1], -(uint64_t)(literals[j] & 1), left)) continue;
            pair[0] = literals[i];
            pair[1] = literals[j];
            return 1;
        }
    }
    return 0;
}

/* Literals that are true on all of `on` and false on some of `off`. */
static int covers(const struct state *s, const uint64_t *on, const uint64_t *off, uint32_t *literals) {
    int n = 0;
    for (int32_t d = 0; d < s->w.n_divisors; d++)
        for (uint32_t p = 0; p < 2; p++) {
            uint64_t inverted = -(uint64_t)p;
            if (apart(s, s->divisor[d], ~inverted, on) && !apart(s, s->divisor[d], ~inverted, off))
                literals[n++] = 2 * (uint32_t)d ^ p;
        }
    return n;
}

static int find_xor(const struct state *s, const uint64_t *on, const uint64_t *off, struct plan *plan,
                    int g) {
    int32_t n = s->w.n_divisors;
    for (int32_t i = 0; i < n; i++) {
        const uint64_t *a = s->divisor[i];
        for (int32_t j = i + 1; j < n; j++) {
            const uint64_t *b = s->divisor[j];
            uint64_t flip = 0;
            int k = 0;
            if ((a[0] ^ b[0]) & off[0] || ~(a[0] ^ b[0]) & on[0]) flip = ~(uint64_t)0;
            while (k < s->words && !((a[k] ^ b[k] ^ flip) & off[k]) &&
                   !(~(a[k] ^ b[k] ^ flip) & on[k]))
                k++;
            if (k < s->words) continue;
            plan->a[g] = 2 * (uint32_t)i;
            plan->b[g] = 2 * (uint32_t)j;
            plan->xor[g] = 1;
            plan->output = 2 * (uint32_t)(n + g) ^ (uint32_t)(flip & 1);
            return 1;
        }
    }
    return 0;
}

static int find_one(const struct state *s, const uint64_t *on, const uint64_t *off, struct plan *plan) {
    uint32_t literals[2 * DIVISORS], pair[2];
    for (uint32_t p = 0; p < 2; p++) { /* an AND; an OR is an AND for the inverse */
        const uint64_t *yes = p ? off : on, *no = p ? on : off;
        int n = covers(s, yes, no, literals);
        if (!find_pair(s, literals, n, no, pair)) continue;
        plan->a[0] = pair[0];
        plan->b[0] = pair[1];
        plan->xor[0] = 0;
        plan->output = 2 * (uint32_t)s->w.n_divisors ^ p;
        plan->gates = 1;
        return 1;
    }
    plan->gates = 1;
    return find_xor(s, on, off, plan, 0);
}

static int count_ones(const struct state *s, uint32_t literal, const uint64_t *set) {
    uint64_t p = -(uint64_t)(literal & 1);
    int n = 0;
    for (int i = 0; i < s->words; i++) n += __builtin_popcountll((s->divisor[literal >> 1][i] ^ p) & set[i]);
    return n;
}

/* Leaves the FIRSTS literals that are true on the least of `set`. */
static int most_useful(const struct state *s, uint32_t *literals, int n, const uint64_t *set) {
    int ones[FIRSTS], kept = 0;
    for (int i = 0; i < n; i++) {
        uint32_t literal = literals[i];
        int count = count_ones(s, literal, set), at = kept < FIRSTS ? kept++ : FIRSTS;
        while (at > 0 && ones[at - 1] > count) {
            if (at < FIRSTS) {
                ones[at] = ones[at - 1];
                literals[at] = literals[at - 1];
            }
            at--;
        }
        if (at < FIRSTS) {
            ones[at] = count;
            literals[at] = literal;
        }
    }
    return kept;
}

/* An AND or OR of a divisor and a new gate, or an XOR of them. */
static int find_two(const struct state *s, const uint64_t *on, const uint64_t *off, struct plan *plan) {
    uint32_t literals[2 * DIVISORS];
    uint64_t rest[WORDS], other[WORDS];
    uint32_t made = 2 * (uint32_t)s->w.n_divisors;
    for (uint32_t p = 0; p < 2; p++) {
        const uint64_t *yes = p ? off : on, *no = p ? on : off;
        int n = most_useful(s, literals, covers(s, yes, no, literals), no);
        for (int i = 0; i < n; i++) {
            const uint64_t *d = s->divisor[literals[i] >> 1];
            uint64_t inverted = -(uint64_t)(literals[i] & 1);
            for (int k = 0; k < s->words; k++) rest[k] = (d[k] ^ inverted) & no[k];
            if (!find_one(s, yes, rest, plan)) continue;
            plan->a[1] = literals[i];
            plan->b[1] = plan->output;
            plan->xor[1] = 0;
            plan->output = made + 2 + p;
            plan->gates = 2;
            return 1;
        }
    }
    for (int32_t d = 0; d < s->w.n_divisors && d < 2 * FIRSTS; d++) {
        const uint64_t *t = s->divisor[d];
        for (int k = 0; k < s->words; k++) {
            rest[k] = (on[k] & ~t[k]) | (off[k] & t[k]);
            other[k] = (off[k] & ~t[k]) | (on[k] & t[k]);
        }
        if (!find_one(s, rest, other, plan)) continue;
        plan->a[1] = 2 * (uint32_t)d;
        plan->b[1] = plan->output;
        plan->xor[1] = 1;
        plan->output = made + 2;
        plan->gates = 2;
        return 1;
    }
    return 0;
}

static int find_plan(struct state *s, int32_t gate, int32_t goes, struct plan *plan) {
    const uint64_t *on = s->table[s->slot[gate]];
    uint64_t off[WORDS];
    for (int i = 0; i < s->words; i++) off[i] = ~on[i];
    plan->gates = 0;
    return find_none(s, on, off, plan) || (s->added > 0 && goes > 1 && find_one(s, on, off, plan)) ||
           (s->added > 1 && goes > 2 && find_two(s, on, off, plan));
}

static int replaced(struct state *s, int32_t gate, uint32_t literal) {
    xag_replace(&s->x, gate, literal);
    return !s->x.failed;
}

/* Makes the new gates and puts them in the place of the gate; 0 without room. */
static int put_in(struct state *s, int32_t gate, const struct plan *plan) {
    int64_t made[2];
    uint32_t n = (uint32_t)s->w.n_divisors;
#define LITERAL(l) \
    ((uint32_t)((l) >> 1 < n ? 2 * (int64_t)s->w.node[(l) >> 1] : made[((l) >> 1) - n]) ^ ((l) & 1))
    for (int g = 0; g < plan->gates; g++) {
        made[g] = xag_make(&s->x, LITERAL(plan->a[g]), LITERAL(plan->b[g]), plan->xor[g]);
        if (made[g] == NO_LITERAL) return 0;
    }
    uint32_t root = LITERAL(plan->output);
#undef LITERAL
    if ((int32_t)(root >> 1) != gate && !replaced(s, gate, root)) return 0;
    for (int g = plan->gates - 1; g >= 0; g--) xag_release(&s->x, (int32_t)(made[g] >> 1));
    return 1;
}

/* The literal of a gate that is constant, or equal to one that only it needs. */
static int64_t find_inside(const struct state *s, int32_t gate) {
    const uint64_t *table = s->table[s->slot[gate]];
    for (int32_t c = -1; c < s->w.n_cone - 1; c++) {
        const uint64_t *other = c < 0 ? NULL : s->table[s->slot[s->w.cone[c]]];
        uint64_t odd = -((table[0] ^ (other ? other[0] : 0)) & 1);
        int k = 0;
        while (k < s->words && table[k] == ((other ? other[k] : 0) ^ odd)) k++;
        if (k == s->words) return (c < 0 ? 0 : 2 * (int64_t)s->w.cone[c]) + (int64_t)(odd & 1);
    }
    return NO_LITERAL;
}

static int resubstitute_gate(struct state *s, int32_t gate) {
    struct plan plan;
    int32_t goes = open_window(s, gate);
    if (s->w.n_cone == CONE) return 1;
    int64_t simple = find_inside(s, gate);
    if (simple != NO_LITERAL) return replaced(s, gate, (uint32_t)simple);
    return !find_plan(s, gate, goes, &plan) || put_in(s, gate, &plan);
}

EXPORT int32_t resubstitute(int32_t n_leaves, int32_t gates, uint32_t *fanin, uint8_t *xor,
                            int32_t n_outputs, uint32_t *outputs, int32_t leaves, int32_t divisors,
                            int32_t added) {
    struct state *s = calloc(1, sizeof *s);
    if (!s) return -1;
    s->leaves = leaves;
    s->divisors = divisors;
    s->added = added;
    int32_t left = -1;
    if (!xag_init(&s->x, n_leaves, gates + 4, n_outputs, outputs)) {
        free(s);
        return -1;
    }
    size_t nodes = (size_t)s->x.capacity;
    s->seen = calloc(nodes, sizeof *s->seen);
    s->owned = calloc(nodes, sizeof *s->owned);
    s->slot = malloc(nodes * sizeof *s->slot);
    int done = s->seen && s->owned && s->slot && xag_read(&s->x, gates, fanin, xor);
    int32_t last = s->x.n;
    for (int32_t gate = s->x.first; done && gate < last; gate++)
        if (is_alive(&s->x, gate)) done = resubstitute_gate(s, gate);
    if (done) left = xag_write(&s->x, fanin, xor);
    free(s->seen);
    free(s->owned);
    free(s->slot);
    xag_free(&s->x);
    free(s);
    return left;
}
