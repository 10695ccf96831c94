/* Refactoring: each gate with all that only it needs is made anew from the truth table over the leaves
   of its window, by factored sums of products or by decomposition, whichever adds the fewest gates
   (Brayton and McMullen, "The decomposition and factorization of Boolean expressions", 1982; as a
   DAG-aware step Mishchenko, Chatterjee and Brayton, DAC 2006). */
#include "factor.h"

#include "refactor.h"

static uint32_t value_of(const int64_t *value, uint32_t literal) {
    return (uint32_t)value[literal >> 1] ^ (literal & 1);
}

static void inputs_of(const struct window *w, int64_t *value) {
    value[0] = 0;
    for (int i = 0; i < w->n_leaves; i++) value[i + 1] = 2 * (int64_t)w->leaf[i];
}

/* How many gates a plan adds, up to `limit`; more than that if it reads the gate itself. */
static int32_t cost_of(const struct window *w, int32_t gate, const struct plan *p, int32_t limit) {
    int64_t value[1 + LEAVES + PLAN];
    int32_t cost = 0;
    inputs_of(w, value);
    for (int g = 0; g < p->gates && cost <= limit; g++) {
        int64_t found = NO_LITERAL;
        if (value[p->a[g] >> 1] != NO_LITERAL && value[p->b[g] >> 1] != NO_LITERAL)
            found = xag_peek(&w->x, value_of(value, p->a[g]), value_of(value, p->b[g]), p->xor[g]);
        if (found != NO_LITERAL && found >> 1 == gate) return limit + 1;
        value[p->inputs + 1 + g] = found;
        cost += found == NO_LITERAL || w->owned[found >> 1] == w->own;
    }
    return cost;
}

/* Makes the gates of a plan and puts them in the place of the gate; 0 without room. */
static int put_in(struct window *w, int32_t gate, const struct plan *p) {
    int64_t value[1 + LEAVES + PLAN];
    inputs_of(w, value);
    for (int g = 0; g < p->gates; g++) {
        int64_t made = xag_make(&w->x, value_of(value, p->a[g]), value_of(value, p->b[g]), p->xor[g]);
        if (made == NO_LITERAL) return 0;
        value[p->inputs + 1 + g] = made;
    }
    uint32_t root = value_of(value, p->output);
    if ((int32_t)(root >> 1) != gate) xag_replace(&w->x, gate, root);
    for (int g = p->gates - 1; g >= 0; g--)
        xag_release(&w->x, (int32_t)(value[p->inputs + 1 + g] >> 1));
    return !w->x.failed;
}

static int refactor_gate(struct window *w, int32_t gate, int32_t zero) {
    struct plan plans[3];
    struct table table;
    int best = -1;
    int32_t goes = window_open(w, gate), limit = goes - !zero;
    if (goes < 2 || w->n_cone == CONE) return 1;
    memcpy(table.bits, w->table[w->slot[gate]], sizeof table.bits);
    for (int i = 0; i < 3 && limit >= 0; i++) {
        plans[i].inputs = w->n_leaves;
        plans[i].gates = plans[i].full = 0;
        if (i < 2)
            plan_products(&plans[i], table, w->words, i);
        else
            plan_decomposed(&plans[i], table, w->words);
        if (plans[i].full) continue;
        int32_t cost = cost_of(w, gate, &plans[i], limit);
        if (cost > limit) continue;
        best = i;
        limit = cost - 1;
    }
    return best < 0 || put_in(w, gate, &plans[best]);
}

EXPORT int32_t refactor(int32_t leaves, int32_t gates, uint32_t *fanin, uint8_t *xor,
                        int32_t n_outputs, uint32_t *outputs, int32_t limit, int32_t zero) {
    struct window *w = calloc(1, sizeof *w);
    int32_t left = -1;
    if (!w) return left;
    w->limit = limit;
    if (window_init(w, leaves, gates, PLAN, fanin, xor, n_outputs, outputs)) {
        int done = 1;
        int32_t last = w->x.n;
        for (int32_t gate = w->x.first; done && gate < last; gate++)
            if (is_alive(&w->x, gate)) done = refactor_gate(w, gate, zero);
        if (done) left = xag_write(&w->x, fanin, xor);
        window_free(w);
    }
    free(w);
    return left;
}
