/* A gate's window: a cut of few leaves that reconverges early, and what lies between, as truth tables
   over the leaves. */
#ifndef WINDOW_H
#define WINDOW_H

#include "truth.h"
#include "xag.h"

enum { LEAVES = 10, WORDS = 1 << (LEAVES - 6), CONE = 400, SIDES = 250 };

struct window {
    struct xag x;
    int32_t limit, words; /* leaves at most; words of a table */
    uint32_t *seen, now;  /* marks what is in the window */
    uint32_t *owned, own; /* marks what only the gate at hand needs */
    int32_t *slot;        /* of what is in the window: its row of `table` */
    int32_t n_leaves, leaf[LEAVES];
    int32_t n_cone, cone[CONE]; /* in topological order, the gate last */
    uint64_t table[LEAVES + CONE + SIDES][WORDS];
};

static inline void window_free(struct window *w) {
    free(w->seen);
    free(w->owned);
    free(w->slot);
    xag_free(&w->x);
}

/* Reads a subject graph, with room for `spare` gates more; returns 0 without memory. */
static inline int window_init(struct window *w, int32_t leaves, int32_t gates, int32_t spare,
                              const uint32_t *fanin, const uint8_t *xor, int32_t n_outputs,
                              uint32_t *outputs) {
    if (!xag_init(&w->x, leaves, gates + spare, n_outputs, outputs)) return 0;
    size_t nodes = (size_t)w->x.capacity;
    w->seen = calloc(nodes, sizeof *w->seen);
    w->owned = calloc(nodes, sizeof *w->owned);
    w->slot = malloc(nodes * sizeof *w->slot);
    if (w->seen && w->owned && w->slot && xag_read(&w->x, gates, fanin, xor)) return 1;
    window_free(w);
    return 0;
}

/* By how many leaves the cut grows if this leaf gives way to what it reads. */
static inline int growth(const struct window *w, int32_t leaf) {
    int n = -1;
    for (int i = 0; i < 2; i++) n += w->seen[node_of(&w->x, leaf, i)] != w->now;
    return n;
}

static inline void grow_cut(struct window *w, int32_t gate) {
    w->now++;
    w->seen[gate] = w->now;
    w->n_leaves = 1;
    w->leaf[0] = gate;
    for (int inside = 0; inside < CONE / 2; inside++) {
        int best = NONE, least = 2;
        for (int i = 0; i < w->n_leaves; i++) {
            if (!is_gate(&w->x, w->leaf[i])) continue;
            int n = growth(w, w->leaf[i]);
            if (n > least || (n == least && best != NONE && w->leaf[i] < w->leaf[best])) continue;
            if (w->n_leaves + n > w->limit) continue;
            best = i;
            least = n;
        }
        if (best == NONE) return;
        int32_t leaf = w->leaf[best];
        w->leaf[best] = w->leaf[--w->n_leaves];
        for (int i = 0; i < 2; i++) {
            int32_t node = node_of(&w->x, leaf, i);
            if (w->seen[node] == w->now) continue;
            w->seen[node] = w->now;
            w->leaf[w->n_leaves++] = node;
        }
    }
}

static inline void evaluate(struct window *w, int32_t node, int32_t slot) {
    const uint32_t *fanin = w->x.fanin[node];
    const uint64_t *a = w->table[w->slot[fanin[0] >> 1]], *b = w->table[w->slot[fanin[1] >> 1]];
    uint64_t odd = -(uint64_t)(fanin[0] & 1), even = -(uint64_t)(fanin[1] & 1);
    uint64_t *to = w->table[slot];
    if (fanin[0] > fanin[1])
        for (int i = 0; i < w->words; i++) to[i] = (a[i] ^ odd) ^ (b[i] ^ even);
    else
        for (int i = 0; i < w->words; i++) to[i] = (a[i] ^ odd) & (b[i] ^ even);
    w->slot[node] = slot;
}

static inline void leaf_table(struct window *w, int i) {
    for (int j = 0; j < w->words; j++) w->table[i][j] = truth_input(i, (uint64_t)j);
}

/* Adds what lies between the leaves and `gate`, in topological order; marks it anew. */
static inline void collect(struct window *w, int32_t gate) {
    if (w->seen[gate] == w->now || w->n_cone == CONE) return;
    w->seen[gate] = w->now;
    for (int i = 0; i < 2; i++) collect(w, node_of(&w->x, gate, i));
    evaluate(w, gate, w->n_leaves + w->n_cone);
    w->cone[w->n_cone++] = gate;
}

/* Grows the window of a gate, no divisors yet; returns how many gates only it needs. */
static inline int32_t window_open(struct window *w, int32_t gate) {
    grow_cut(w, gate);
    w->words = w->n_leaves > 6 ? 1 << (w->n_leaves - 6) : 1;
    w->now++;
    w->n_cone = 0;
    for (int i = 0; i < w->n_leaves; i++) {
        w->seen[w->leaf[i]] = w->now;
        w->slot[w->leaf[i]] = i;
        leaf_table(w, i);
    }
    collect(w, gate);
    return mark_owned(&w->x, gate, w->leaf, w->n_leaves, w->owned, ++w->own);
}

#endif
