/* Resubstitution (Mishchenko and Brayton, "Scalable logic synthesis using a simple circuit
   structure", IWLS 2006) of AND and XOR gates.

   Around each gate in turn a window is grown: a cut, what lies between it and the gate, and what else
   can be computed of those. Divisors are what stays when the gate goes. Truth tables over the leaves of
   the window say exactly whether the gate is a divisor, or one or two new gates over divisors. */
#include "window.h"

#include "resubstitute.h"

enum { DIVISORS = SIDES, FANOUT = 20, FIRSTS = 6 };

/* Up to two new gates; literals of divisors, then of the gates. */
struct plan {
    int32_t gates;
    uint32_t a[2], b[2], output;
    int xor[2];
};

struct state {
    struct window w;
    int32_t most, added; /* divisors and new gates at most */
    int32_t n_divisors, node[DIVISORS];
    uint64_t *divisor[DIVISORS];
};

static void add_divisor(struct state *s, int32_t node) {
    s->divisor[s->n_divisors] = s->w.table[s->w.slot[node]];
    s->node[s->n_divisors++] = node;
}

/* Adds gates outside the cone whose inputs are divisors. */
static void add_sides(struct state *s) {
    struct window *w = &s->w;
    struct xag *x = &w->x;
    int32_t slot = w->n_leaves + w->n_cone;
    for (int32_t d = 0; d < s->n_divisors; d++) {
        int tried = 0;
        for (int32_t e = x->readers[s->node[d]]; e != NONE && tried < FANOUT; e = x->next[e], tried++) {
            if (s->n_divisors == s->most) return;
            if (e >= 2 * x->capacity) continue;
            int32_t gate = e >> 1, other = node_of(x, gate, !(e & 1));
            if (w->seen[gate] == w->now || w->seen[other] != w->now || w->owned[other] == w->own)
                continue;
            w->seen[gate] = w->now;
            evaluate(w, gate, slot++);
            add_divisor(s, gate);
        }
    }
}

static void find_divisors(struct state *s) {
    struct window *w = &s->w;
    s->n_divisors = 0;
    for (int i = 0; i < w->n_leaves; i++) add_divisor(s, w->leaf[i]);
    for (int i = 0; i < w->n_cone && s->n_divisors < s->most; i++)
        if (w->owned[w->cone[i]] != w->own) add_divisor(s, w->cone[i]);
    add_sides(s);
}

/* Searching. `on` and `off`: where the output must be true, and where false. */

/* Whether (a ^ p) & b is empty. */
static inline int apart(const struct state *s, const uint64_t *a, uint64_t p, const uint64_t *b) {
    for (int i = 0; i < s->w.words; i++)
        if ((a[i] ^ p) & b[i]) return 0;
    return 1;
}

static int find_none(const struct state *s, const uint64_t *on, const uint64_t *off,
                     struct plan *plan) {
    for (int32_t d = 0; d < s->n_divisors; d++) {
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
        for (int k = 0; k < s->w.words; k++) left[k] = (a[k] ^ p) & set[k];
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
    for (int32_t d = 0; d < s->n_divisors; d++)
        for (uint32_t p = 0; p < 2; p++) {
            uint64_t inverted = -(uint64_t)p;
            if (apart(s, s->divisor[d], ~inverted, on) && !apart(s, s->divisor[d], ~inverted, off))
                literals[n++] = 2 * (uint32_t)d ^ p;
        }
    return n;
}

static int find_xor(const struct state *s, const uint64_t *on, const uint64_t *off, struct plan *plan,
                    int g) {
    int32_t n = s->n_divisors;
    for (int32_t i = 0; i < n; i++) {
        const uint64_t *a = s->divisor[i];
        for (int32_t j = i + 1; j < n; j++) {
            const uint64_t *b = s->divisor[j];
            uint64_t flip = 0;
            int k = 0;
            if ((a[0] ^ b[0]) & off[0] || ~(a[0] ^ b[0]) & on[0]) flip = ~(uint64_t)0;
            while (k < s->w.words && !((a[k] ^ b[k] ^ flip) & off[k]) &&
                   !(~(a[k] ^ b[k] ^ flip) & on[k]))
                k++;
            if (k < s->w.words) continue;
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
        plan->output = 2 * (uint32_t)s->n_divisors ^ p;
        plan->gates = 1;
        return 1;
    }
    plan->gates = 1;
    return find_xor(s, on, off, plan, 0);
}

static int count_ones(const struct state *s, uint32_t literal, const uint64_t *set) {
    uint64_t p = -(uint64_t)(literal & 1);
    int n = 0;
    for (int i = 0; i < s->w.words; i++) n += __builtin_popcountll((s->divisor[literal >> 1][i] ^ p) & set[i]);
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
    uint32_t made = 2 * (uint32_t)s->n_divisors;
    for (uint32_t p = 0; p < 2; p++) {
        const uint64_t *yes = p ? off : on, *no = p ? on : off;
        int n = most_useful(s, literals, covers(s, yes, no, literals), no);
        for (int i = 0; i < n; i++) {
            const uint64_t *d = s->divisor[literals[i] >> 1];
            uint64_t inverted = -(uint64_t)(literals[i] & 1);
            for (int k = 0; k < s->w.words; k++) rest[k] = (d[k] ^ inverted) & no[k];
            if (!find_one(s, yes, rest, plan)) continue;
            plan->a[1] = literals[i];
            plan->b[1] = plan->output;
            plan->xor[1] = 0;
            plan->output = made + 2 + p;
            plan->gates = 2;
            return 1;
        }
    }
    for (int32_t d = 0; d < s->n_divisors && d < 2 * FIRSTS; d++) {
        const uint64_t *t = s->divisor[d];
        for (int k = 0; k < s->w.words; k++) {
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
    const uint64_t *on = s->w.table[s->w.slot[gate]];
    uint64_t off[WORDS];
    for (int i = 0; i < s->w.words; i++) off[i] = ~on[i];
    plan->gates = 0;
    return find_none(s, on, off, plan) || (s->added > 0 && goes > 1 && find_one(s, on, off, plan)) ||
           (s->added > 1 && goes > 2 && find_two(s, on, off, plan));
}

static int replaced(struct state *s, int32_t gate, uint32_t literal) {
    xag_replace(&s->w.x, gate, literal);
    return !s->w.x.failed;
}

/* Makes the new gates and puts them in the place of the gate; 0 without room. */
static int put_in(struct state *s, int32_t gate, const struct plan *plan) {
    int64_t made[2];
    uint32_t n = (uint32_t)s->n_divisors;
#define LITERAL(l) \
    ((uint32_t)((l) >> 1 < n ? 2 * (int64_t)s->node[(l) >> 1] : made[((l) >> 1) - n]) ^ ((l) & 1))
    for (int g = 0; g < plan->gates; g++) {
        made[g] = xag_make(&s->w.x, LITERAL(plan->a[g]), LITERAL(plan->b[g]), plan->xor[g]);
        if (made[g] == NO_LITERAL) return 0;
    }
    uint32_t root = LITERAL(plan->output);
#undef LITERAL
    if ((int32_t)(root >> 1) != gate && !replaced(s, gate, root)) return 0;
    for (int g = plan->gates - 1; g >= 0; g--) xag_release(&s->w.x, (int32_t)(made[g] >> 1));
    return 1;
}

/* The literal of a gate that is constant, or equal to one that only it needs. */
static int64_t find_inside(const struct state *s, int32_t gate) {
    const uint64_t *table = s->w.table[s->w.slot[gate]];
    for (int32_t c = -1; c < s->w.n_cone - 1; c++) {
        const uint64_t *other = c < 0 ? NULL : s->w.table[s->w.slot[s->w.cone[c]]];
        uint64_t odd = -((table[0] ^ (other ? other[0] : 0)) & 1);
        int k = 0;
        while (k < s->w.words && table[k] == ((other ? other[k] : 0) ^ odd)) k++;
        if (k == s->w.words) return (c < 0 ? 0 : 2 * (int64_t)s->w.cone[c]) + (int64_t)(odd & 1);
    }
    return NO_LITERAL;
}

static int resubstitute_gate(struct state *s, int32_t gate) {
    struct plan plan;
    int32_t goes = window_open(&s->w, gate);
    if (s->w.n_cone == CONE) return 1;
    int64_t simple = find_inside(s, gate);
    if (simple != NO_LITERAL) return replaced(s, gate, (uint32_t)simple);
    find_divisors(s);
    return !find_plan(s, gate, goes, &plan) || put_in(s, gate, &plan);
}

EXPORT int32_t resubstitute(int32_t n_leaves, int32_t gates, uint32_t *fanin, uint8_t *xor,
                            int32_t n_outputs, uint32_t *outputs, int32_t leaves, int32_t divisors,
                            int32_t added) {
    struct state *s = calloc(1, sizeof *s);
    int32_t left = -1;
    if (!s) return left;
    s->w.limit = leaves;
    s->most = divisors;
    s->added = added;
    if (window_init(&s->w, n_leaves, gates, 4, fanin, xor, n_outputs, outputs)) {
        int done = 1;
        int32_t last = s->w.x.n;
        for (int32_t gate = s->w.x.first; done && gate < last; gate++)
            if (is_alive(&s->w.x, gate)) done = resubstitute_gate(s, gate);
        if (done) left = xag_write(&s->w.x, fanin, xor);
        window_free(&s->w);
    }
    free(s);
    return left;
}
