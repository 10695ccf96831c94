/* Circuits for truth tables: factored sums of products, and decomposition.

   Literals of a plan: 2 * node + inverted; node 0 is the constant false, then the inputs, then the
   gates of the plan. */
#ifndef FACTOR_H
#define FACTOR_H

#include "window.h"

enum { PLAN = 64, CUBES = 64 };

struct plan {
    int inputs, gates;
    int full; /* it did not fit */
    uint32_t a[PLAN], b[PLAN], output;
    uint8_t xor[PLAN];
};

struct table {
    uint64_t bits[WORDS];
};

/* Tables */

static inline struct table cofactor(struct table t, int words, int v, int value) {
    for (int i = 0; i < words; i++) {
        if (v < MAX_FANIN) {
            uint64_t half = (value ? t.bits[i] >> (1 << v) : t.bits[i]) & ~where_true[v];
            t.bits[i] = half | half << (1 << v);
        } else if ((i >> (v - 6) & 1) == value) {
            t.bits[i ^ 1 << (v - 6)] = t.bits[i];
        }
    }
    return t;
}

static inline int equal(const struct table *a, const struct table *b, int words, uint64_t odd) {
    for (int i = 0; i < words; i++)
        if (a->bits[i] != (b->bits[i] ^ odd)) return 0;
    return 1;
}

static inline int constant(const struct table *t, int words, uint64_t value) {
    for (int i = 0; i < words; i++)
        if (t->bits[i] != value) return 0;
    return 1;
}

static inline int within(const struct table *a, const struct table *b, int words) {
    for (int i = 0; i < words; i++)
        if (a->bits[i] & ~b->bits[i]) return 0;
    return 1;
}

/* Plans */

static inline uint32_t plan_gate(struct plan *p, uint32_t a, uint32_t b, int xor) {
    uint32_t fanin[2] = {a, b}, odd = 0;
    int64_t simple = arrange(fanin, xor);
    if (simple != NO_LITERAL) return (uint32_t)simple;
    if (xor) {
        odd = fanin[0] & 1;
        fanin[0] ^= odd;
    }
    uint32_t first = 2 * (uint32_t)(p->inputs + 1);
    for (int g = 0; g < p->gates; g++)
        if (p->a[g] == fanin[0] && p->b[g] == fanin[1]) return (first + 2 * (uint32_t)g) ^ odd;
    if (p->gates == PLAN) {
        p->full = 1;
        return 0;
    }
    p->a[p->gates] = fanin[0];
    p->b[p->gates] = fanin[1];
    p->xor[p->gates] = (uint8_t)xor;
    return (first + 2 * (uint32_t)p->gates++) ^ odd;
}

static inline uint32_t plan_or(struct plan *p, uint32_t a, uint32_t b) {
    return plan_gate(p, a ^ 1, b ^ 1, 0) ^ 1;
}

/* Sums of products: a cube has bit 2 * v + 1 set for input v, bit 2 * v for its inverse. */

struct cover {
    int n, full;
    uint32_t cube[CUBES];
};

/* Adds an irredundant cover between `on` and `most`, and returns its table (Minato, "Fast generation of
   prime-irredundant covers from binary decision diagrams", 1993). */
static inline struct table irredundant(struct table on, struct table most, int words, int v,
                                       struct cover *cover) {
    if (constant(&on, words, 0)) return on;
    if (constant(&most, words, ~(uint64_t)0)) {
        if (cover->n == CUBES)
            cover->full = 1;
        else
            cover->cube[cover->n++] = 0;
        return most;
    }
    struct table on_half[2], most_half[2], part[2], rest = on, both = on;
    do {
        v--;
        for (int i = 0; i < 2; i++) {
            on_half[i] = cofactor(on, words, v, i);
            most_half[i] = cofactor(most, words, v, i);
        }
    } while (equal(&on_half[0], &on_half[1], words, 0) && equal(&most_half[0], &most_half[1], words, 0));
    for (int i = 0; i < 2; i++) {
        struct table need = on_half[i];
        int first = cover->n;
        for (int k = 0; k < words; k++) need.bits[k] &= ~most_half[!i].bits[k];
        part[i] = irredundant(need, most_half[i], words, v, cover);
        for (int c = first; c < cover->n; c++) cover->cube[c] |= 1u << (2 * v + i);
        if (cover->full) return on;
    }
    for (int k = 0; k < words; k++) {
        rest.bits[k] = (on_half[0].bits[k] & ~part[0].bits[k]) | (on_half[1].bits[k] & ~part[1].bits[k]);
        both.bits[k] = most_half[0].bits[k] & most_half[1].bits[k];
    }
    rest = irredundant(rest, both, words, v, cover);
    for (int k = 0; k < words; k++) {
        uint64_t all = truth_input(v, (uint64_t)k);
        rest.bits[k] |= (all & part[1].bits[k]) | (~all & part[0].bits[k]);
    }
    return rest;
}

static inline uint32_t cube_literal(int bit) { return 2 * (uint32_t)(bit / 2 + 1) ^ !(bit & 1); }

/* Divides by the literal in most cubes, again and again. */
static inline uint32_t factored(struct plan *p, const uint32_t *cubes, int n) {
    uint32_t quotient[CUBES], rest[CUBES];
    int best = -1, most = 1, q = 0, r = 0;
    if (!n) return 0;
    for (int bit = 0; bit < 2 * LEAVES; bit++) {
        int count = 0;
        for (int c = 0; c < n; c++) count += cubes[c] >> bit & 1;
        if (count > most) {
            most = count;
            best = bit;
        }
    }
    if (best < 0) {
        uint32_t sum = 0;
        for (int c = 0; c < n; c++) {
            uint32_t product = 1;
            for (int bit = 0; bit < 2 * LEAVES; bit++)
                if (cubes[c] >> bit & 1) product = plan_gate(p, product, cube_literal(bit), 0);
            sum = plan_or(p, sum, product);
        }
        return sum;
    }
    for (int c = 0; c < n; c++) {
        if (cubes[c] >> best & 1)
            quotient[q++] = cubes[c] & ~(1u << best);
        else
            rest[r++] = cubes[c];
    }
    uint32_t product = plan_gate(p, cube_literal(best), factored(p, quotient, q), 0);
    return plan_or(p, product, factored(p, rest, r));
}

static inline void plan_products(struct plan *p, struct table t, int words, int inverted) {
    struct cover cover = {0};
    if (inverted)
        for (int k = 0; k < words; k++) t.bits[k] = ~t.bits[k];
    irredundant(t, t, words, p->inputs, &cover);
    p->full = cover.full;
    if (!p->full) p->output = factored(p, cover.cube, cover.n) ^ (uint32_t)inverted;
}

/* Decomposition */

static inline int support(struct table t, int words, int n) {
    int mask = 0;
    for (int v = 0; v < n; v++) {
        struct table low = cofactor(t, words, v, 0);
        if (!equal(&low, &t, words, 0)) mask |= 1 << v;
    }
    return mask;
}

static inline struct table choose(struct table low, struct table high, int words, int v) {
    struct table t = low;
    for (int k = 0; k < words; k++) {
        uint64_t all = truth_input(v, (uint64_t)k);
        t.bits[k] = (low.bits[k] & ~all) | (high.bits[k] & all);
    }
    return t;
}

/* Merges two inputs that only matter by one function of them; 0 if there are none. */
static inline int merge_inputs(struct plan *p, struct table *t, int words, int mask, uint32_t *literal) {
    for (int a = 0; a < p->inputs; a++) {
        if (!(mask >> a & 1)) continue;
        for (int b = a + 1; b < p->inputs; b++) {
            struct table f[4];
            if (!(mask >> b & 1)) continue;
            for (int i = 0; i < 4; i++) f[i] = cofactor(cofactor(*t, words, a, i & 1), words, b, i >> 1);
            int same01 = equal(&f[0], &f[1], words, 0);
            int same02 = equal(&f[0], &f[2], words, 0), same13 = equal(&f[1], &f[3], words, 0);
            int same03 = equal(&f[0], &f[3], words, 0), same12 = equal(&f[1], &f[2], words, 0);
            int odd = -1; /* the pattern whose cofactor is unlike the others */
            if (same01 && same02) odd = 3;
            else if (same01 && same03) odd = 2;
            else if (same02 && same03) odd = 1;
            else if (same12 && same13) odd = 0;
            if (odd >= 0) {
                literal[a] = plan_gate(p, literal[a] ^ !(odd & 1), literal[b] ^ !(odd >> 1), 0);
                *t = choose(f[odd ^ 3], f[odd], words, a);
                return 1;
            }
            if (same03 && same12) {
                literal[a] = plan_gate(p, literal[a], literal[b], 1);
                *t = choose(f[0], f[1], words, a);
                return 1;
            }
        }
    }
    return 0;
}

/* A circuit for the table of inputs that are `given` as literals. */
static inline uint32_t decomposed(struct plan *p, struct table t, int words, const uint32_t *given) {
    uint32_t literal[LEAVES];
    int mask = support(t, words, p->inputs), best = -1, least = 1 << 20;
    memcpy(literal, given, sizeof literal);
    if (!mask) return (uint32_t)(t.bits[0] & 1);
    if (p->full) return 0;
    struct table half[2];
    for (int v = 0; v < p->inputs; v++) {
        if (!(mask >> v & 1)) continue;
        for (int i = 0; i < 2; i++) half[i] = cofactor(t, words, v, i);
        for (int i = 0; i < 2; i++) { /* one half constant */
            uint64_t value = -(half[i].bits[0] & 1);
            if (!constant(&half[i], words, value)) continue;
            uint32_t other = decomposed(p, half[!i], words, literal) ^ (uint32_t)(value & 1);
            return plan_gate(p, literal[v] ^ (uint32_t)i, other, 0) ^ (uint32_t)(value & 1);
        }
        if (equal(&half[0], &half[1], words, ~(uint64_t)0))
            return plan_gate(p, literal[v], decomposed(p, half[0], words, literal), 1);
        int cost = __builtin_popcount((unsigned)support(half[0], words, p->inputs)) +
                   __builtin_popcount((unsigned)support(half[1], words, p->inputs));
        cost = 2 * cost - (within(&half[0], &half[1], words) || within(&half[1], &half[0], words));
        if (cost < least) {
            least = cost;
            best = v;
        }
    }
    if (merge_inputs(p, &t, words, mask, literal)) return decomposed(p, t, words, literal);
    for (int i = 0; i < 2; i++) half[i] = cofactor(t, words, best, i);
    uint32_t low = decomposed(p, half[0], words, literal), high = decomposed(p, half[1], words, literal);
    uint32_t v = literal[best];
    if (within(&half[0], &half[1], words)) return plan_or(p, low, plan_gate(p, v, high, 0));
    if (within(&half[1], &half[0], words)) return plan_or(p, high, plan_gate(p, v ^ 1, low, 0));
    return plan_gate(p, plan_gate(p, v, plan_gate(p, low, high, 1), 0), low, 1);
}

static inline void plan_decomposed(struct plan *p, struct table t, int words) {
    uint32_t literal[LEAVES];
    for (int v = 0; v < LEAVES; v++) literal[v] = 2 * (uint32_t)(v + 1);
    p->output = decomposed(p, t, words, literal);
}

#endif
