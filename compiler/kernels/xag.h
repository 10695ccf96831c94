/* A network of AND and XOR gates that is changed in place.

   Node 0 is the constant false, then come the leaves, then the gates. A literal is
   2 * node + inverted. An AND has its smaller literal first, an XOR its larger one; an XOR's inversion
   is the lowest bit of its first literal, so a node whose inputs are inverted stays the same node.
   Whatever a gate reads is an edge, numbered 2 * gate + column, and so is each output; the readers of
   a node are a linked list of edges. Gates with the same inputs are found by hashing. */
#ifndef XAG_H
#define XAG_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

enum { NONE = -1, NO_LITERAL = -1 };

struct xag {
    int32_t first, n, capacity; /* first gate, nodes in use, nodes there is room for */
    int32_t n_outputs, alive;   /* alive: gates */
    uint32_t (*fanin)[2];
    int32_t *refs; /* readers, and those that hold a node for a while */
    int32_t *readers;
    int32_t *next, *before; /* of each edge; outputs are the edges from 2 * capacity on */
    int32_t *same;          /* the next gate in the same bucket; DEAD, or LOOSE if in none */
    int32_t *buckets;
    uint32_t mask;
    int32_t spare; /* freed nodes, linked by `readers` */
    uint32_t *outputs;
    uint32_t *merged; /* of a loose gate: the literal that replaces it */
    int32_t *pending; /* loose gates, last in first out */
    int32_t n_pending, room_pending;
    int failed; /* memory ran out */
};

enum { DEAD = -2, LOOSE = -3 };

static inline int is_gate(const struct xag *x, int32_t node) { return node >= x->first; }
static inline int is_alive(const struct xag *x, int32_t node) { return x->same[node] != DEAD; }
static inline int is_xor(const struct xag *x, int32_t node) {
    return x->fanin[node][0] > x->fanin[node][1];
}
static inline int32_t node_of(const struct xag *x, int32_t gate, int column) {
    return (int32_t)(x->fanin[gate][column] >> 1);
}

static inline void xag_free(struct xag *x) {
    free(x->fanin);
    free(x->refs);
    free(x->readers);
    free(x->next);
    free(x->before);
    free(x->same);
    free(x->buckets);
    free(x->merged);
    free(x->pending);
}

/* Room for `leaves` and `gates`; returns 0 when memory runs out. */
static inline int xag_init(struct xag *x, int32_t leaves, int32_t gates, int32_t n_outputs,
                           uint32_t *outputs) {
    memset(x, 0, sizeof *x);
    x->first = x->n = leaves + 1;
    x->capacity = x->first + gates;
    x->n_outputs = n_outputs;
    x->outputs = outputs;
    x->spare = NONE;
    size_t nodes = (size_t)x->capacity, edges = 2 * nodes + (size_t)n_outputs;
    x->mask = 1023;
    while (x->mask < (uint32_t)gates) x->mask = 2 * x->mask + 1;
    x->fanin = calloc(nodes, sizeof *x->fanin);
    x->refs = calloc(nodes, sizeof *x->refs);
    x->readers = malloc(nodes * sizeof *x->readers);
    x->next = malloc(edges * sizeof *x->next);
    x->before = malloc(edges * sizeof *x->before);
    x->same = malloc(nodes * sizeof *x->same);
    x->merged = malloc(nodes * sizeof *x->merged);
    x->buckets = malloc(((size_t)x->mask + 1) * sizeof *x->buckets);
    x->room_pending = 1024;
    x->pending = malloc((size_t)x->room_pending * sizeof *x->pending);
    if (!x->fanin || !x->refs || !x->readers || !x->next || !x->before || !x->same || !x->merged ||
        !x->buckets || !x->pending) {
        xag_free(x);
        return 0;
    }
    memset(x->readers, 255, nodes * sizeof *x->readers);
    memset(x->same, 255, nodes * sizeof *x->same);
    memset(x->buckets, 255, ((size_t)x->mask + 1) * sizeof *x->buckets);
    return 1;
}

/* Edges */

static inline uint32_t *edge_literal(struct xag *x, int32_t edge) {
    return edge < 2 * x->capacity ? &x->fanin[edge >> 1][edge & 1] : &x->outputs[edge - 2 * x->capacity];
}

static inline void link_edge(struct xag *x, int32_t edge, int32_t node) {
    int32_t old = x->readers[node];
    x->next[edge] = old;
    x->before[edge] = NONE;
    if (old != NONE) x->before[old] = edge;
    x->readers[node] = edge;
    x->refs[node]++;
}

static inline void unlink_edge(struct xag *x, int32_t edge, int32_t node) {
    int32_t next = x->next[edge], before = x->before[edge];
    if (before == NONE)
        x->readers[node] = next;
    else
        x->next[before] = next;
    if (next != NONE) x->before[next] = before;
    x->refs[node]--;
}

/* Hashing */

static inline uint32_t bucket_of(const struct xag *x, uint32_t a, uint32_t b) {
    uint64_t key = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(key >> 32) & x->mask;
}

/* The key of a gate: its literals, without the inversion of an XOR. */
static inline uint32_t key_bucket(const struct xag *x, const uint32_t *fanin) {
    return bucket_of(x, fanin[0] > fanin[1] ? fanin[0] & ~1u : fanin[0], fanin[1]);
}

static inline void hash_insert(struct xag *x, int32_t gate) {
    uint32_t bucket = key_bucket(x, x->fanin[gate]);
    x->same[gate] = x->buckets[bucket];
    x->buckets[bucket] = gate;
}

static inline void hash_remove(struct xag *x, int32_t gate) {
    if (x->same[gate] == LOOSE) return;
    int32_t *at = &x->buckets[key_bucket(x, x->fanin[gate])];
    while (*at != gate) at = &x->same[*at];
    *at = x->same[gate];
    x->same[gate] = LOOSE;
}

/* Brings the inputs of a gate in order; returns the literal it comes to if that is simple. */
static inline int64_t arrange(uint32_t *fanin, int xor) {
    uint32_t a = fanin[0], b = fanin[1];
    if (xor) {
        uint32_t inverted = (a ^ b) & 1;
        a &= ~1u;
        b &= ~1u;
        if (a < b) {
            uint32_t swap = a;
            a = b;
            b = swap;
        }
        if (a == b) return inverted;
        if (!b) return a ^ inverted;
        fanin[0] = a ^ inverted;
        fanin[1] = b;
        return NO_LITERAL;
    }
    if (a > b) {
        uint32_t swap = a;
        a = b;
        b = swap;
    }
    fanin[0] = a;
    fanin[1] = b;
    if (a == 0) return 0;
    if (a == 1 || a == b) return b;
    return (a ^ b) == 1 ? 0 : NO_LITERAL;
}

/* The literal of a gate with arranged inputs, or NO_LITERAL. */
static inline int64_t hash_find(const struct xag *x, const uint32_t *fanin) {
    uint32_t odd = fanin[0] > fanin[1] ? fanin[0] & 1 : 0;
    uint32_t a = fanin[0] ^ odd, b = fanin[1];
    int xor = fanin[0] > fanin[1];
    for (int32_t g = x->buckets[bucket_of(x, a, b)]; g != NONE; g = x->same[g]) {
        uint32_t found = x->fanin[g][0];
        if (x->fanin[g][1] != b || (xor ? (found & ~1u) : found) != a || xor != (found > b)) continue;
        return (int64_t)(2 * (uint32_t)g) + (xor ? (found & 1) ^ odd : 0);
    }
    return NO_LITERAL;
}

/* The literal that a gate would have, without making one; NO_LITERAL if it must be made. */
static inline int64_t xag_peek(const struct xag *x, uint32_t a, uint32_t b, int xor) {
    uint32_t fanin[2] = {a, b};
    int64_t literal = arrange(fanin, xor);
    return literal == NO_LITERAL ? hash_find(x, fanin) : literal;
}

/* The literal of a gate, made if there is none; NO_LITERAL when there is no room. */
static inline int64_t xag_make(struct xag *x, uint32_t a, uint32_t b, int xor) {
    uint32_t fanin[2] = {a, b};
    int64_t literal = arrange(fanin, xor);
    if (literal == NO_LITERAL) literal = hash_find(x, fanin);
    if (literal != NO_LITERAL) return literal;
    int32_t gate = x->spare;
    if (gate != NONE)
        x->spare = x->readers[gate];
    else if (x->n < x->capacity)
        gate = x->n++;
    else
        return NO_LITERAL;
    x->alive++;
    x->readers[gate] = NONE;
    x->refs[gate] = 0;
    for (int i = 0; i < 2; i++) {
        x->fanin[gate][i] = fanin[i];
        link_edge(x, 2 * gate + i, (int32_t)(fanin[i] >> 1));
    }
    hash_insert(x, gate);
    return (int64_t)2 * gate;
}

/* Takes a gate that nobody reads out of the network; it is freed by whom the list belongs to. */
static inline void xag_drop(struct xag *x, int32_t node, int32_t *list) {
    if (x->refs[node] || !is_gate(x, node) || !is_alive(x, node)) return;
    int loose = x->same[node] == LOOSE;
    hash_remove(x, node);
    x->same[node] = DEAD;
    if (!loose) x->merged[node] = 0;
    x->readers[node] = *list;
    *list = node;
}

/* Frees a gate that nobody reads or holds, and all that only it needed. */
static inline void xag_release(struct xag *x, int32_t gate) {
    int32_t list = NONE;
    xag_drop(x, gate, &list);
    while (list != NONE) {
        int32_t g = list;
        list = x->readers[g];
        for (int i = 0; i < 2; i++) {
            unlink_edge(x, 2 * g + i, node_of(x, g, i));
            xag_drop(x, node_of(x, g, i), &list);
        }
        int32_t held = (int32_t)(x->merged[g] >> 1); /* by a loose gate; 0 by others */
        if (held) {
            x->refs[held]--;
            xag_drop(x, held, &list);
        }
        x->readers[g] = x->spare;
        x->spare = g;
        x->alive--;
    }
}

/* Says that the loose `gate` is to become `literal`. A gate holds what it is to become until it is
   freed, and is held itself until that is done. */
static inline void postpone(struct xag *x, int32_t gate, uint32_t literal) {
    if (x->n_pending == x->room_pending) {
        size_t room = 2 * (size_t)x->room_pending;
        int32_t *grown = realloc(x->pending, room * sizeof *grown);
        if (!grown) {
            x->failed = 1;
            return;
        }
        x->pending = grown;
        x->room_pending = (int32_t)room;
    }
    x->pending[x->n_pending++] = gate;
    x->merged[gate] = literal;
    x->refs[gate]++;
    x->refs[literal >> 1]++;
}

/* Lets one edge read `literal` instead of `old`. A gate that then equals another becomes loose. */
static inline void move_edge(struct xag *x, int32_t edge, int32_t old, uint32_t literal) {
    uint32_t *at = edge_literal(x, edge);
    if (edge >= 2 * x->capacity) {
        unlink_edge(x, edge, old);
        *at = literal ^ (*at & 1);
        link_edge(x, edge, (int32_t)(literal >> 1));
        return;
    }
    int32_t gate = edge >> 1;
    int xor = is_xor(x, gate), loose = x->same[gate] == LOOSE;
    hash_remove(x, gate);
    for (int i = 0; i < 2; i++) unlink_edge(x, 2 * gate + i, node_of(x, gate, i));
    /* an XOR's inversion may sit on either literal */
    *at = literal ^ (*at & 1);
    int64_t simple = arrange(x->fanin[gate], xor);
    if (simple == NO_LITERAL && !loose) simple = hash_find(x, x->fanin[gate]);
    for (int i = 0; i < 2; i++) link_edge(x, 2 * gate + i, node_of(x, gate, i));
    if (loose) return;
    if (simple == NO_LITERAL)
        hash_insert(x, gate);
    else
        postpone(x, gate, (uint32_t)simple);
}

/* Lets all readers of a gate read `literal` instead, merging gates that come to be equal, and frees
   what nobody reads any more. `literal` must not depend on the gate. */
static inline void xag_replace(struct xag *x, int32_t gate, uint32_t literal) {
    hash_remove(x, gate);
    postpone(x, gate, literal);
    while (x->n_pending && !x->failed) {
        int32_t old = x->pending[--x->n_pending];
        uint32_t held = x->merged[old], to = held;
        while (x->same[to >> 1] == LOOSE) to = x->merged[to >> 1] ^ (to & 1);
        if (to != held) {
            x->merged[old] = to;
            x->refs[to >> 1]++;
            x->refs[held >> 1]--;
            xag_release(x, (int32_t)(held >> 1));
        }
        while (x->readers[old] != NONE && !x->failed) move_edge(x, x->readers[old], old, to);
        x->refs[old]--;
        xag_release(x, old);
    }
}

/* What only a gate needs */

/* Takes the references that a gate needs away, and marks what nobody else needs in `owned`. */
static inline int32_t take_away(struct xag *x, int32_t gate, uint32_t *owned, uint32_t mark) {
    int32_t n = 1;
    owned[gate] = mark;
    for (int i = 0; i < 2; i++) {
        int32_t node = node_of(x, gate, i);
        if (!--x->refs[node] && is_gate(x, node)) n += take_away(x, node, owned, mark);
    }
    return n;
}

static inline void put_back(struct xag *x, int32_t gate) {
    for (int i = 0; i < 2; i++) {
        int32_t node = node_of(x, gate, i);
        if (!x->refs[node]++ && is_gate(x, node)) put_back(x, node);
    }
}

/* Marks the gates that only `gate` needs of those above a cut; returns how many. */
static inline int32_t mark_owned(struct xag *x, int32_t gate, const int32_t *leaf, int32_t n_leaves,
                                 uint32_t *owned, uint32_t mark) {
    for (int32_t i = 0; i < n_leaves; i++) x->refs[leaf[i]]++;
    int32_t n = take_away(x, gate, owned, mark);
    put_back(x, gate);
    for (int32_t i = 0; i < n_leaves; i++) x->refs[leaf[i]]--;
    return n;
}

/* Reading and writing */

/* Fills the network with gates in topological order; literals of `outputs` are changed to its own. */
static inline int xag_read(struct xag *x, int32_t gates, const uint32_t *fanin, const uint8_t *xor) {
    uint32_t *literal = malloc(((size_t)x->first + (size_t)gates) * sizeof *literal);
    if (!literal) return 0;
    for (int32_t i = 0; i < x->first; i++) literal[i] = 2 * (uint32_t)i;
    for (int32_t g = 0; g < gates; g++) {
        uint32_t a = literal[fanin[2 * g] >> 1] ^ (fanin[2 * g] & 1);
        uint32_t b = literal[fanin[2 * g + 1] >> 1] ^ (fanin[2 * g + 1] & 1);
        literal[x->first + g] = (uint32_t)xag_make(x, a, b, xor[g] != 0);
    }
    for (int32_t i = 0; i < x->n_outputs; i++) {
        x->outputs[i] = literal[x->outputs[i] >> 1] ^ (x->outputs[i] & 1);
        link_edge(x, 2 * x->capacity + i, (int32_t)(x->outputs[i] >> 1));
    }
    free(literal);
    for (int32_t g = x->n - 1; g >= x->first; g--) xag_release(x, g);
    return 1;
}

/* Writes the gates in topological order, changing `outputs`; returns how many, or -1 without
   memory. */
static inline int32_t xag_write(struct xag *x, uint32_t *fanin, uint8_t *xor) {
    uint32_t *literal = malloc((size_t)x->n * sizeof *literal);
    int32_t *stack = malloc(((size_t)x->n + 1) * sizeof *stack), n = 0;
    if (!literal || !stack) {
        free(literal);
        free(stack);
        return -1;
    }
    const uint32_t open = ~0u;
    for (int32_t i = 0; i < x->n; i++) literal[i] = i < x->first ? 2 * (uint32_t)i : open;
    for (int32_t o = 0; o < x->n_outputs; o++) {
        int32_t top = 0;
        stack[top++] = (int32_t)(x->outputs[o] >> 1);
        while (top) {
            int32_t g = stack[top - 1];
            if (literal[g] != open) {
                top--;
                continue;
            }
            int32_t a = node_of(x, g, 0), b = node_of(x, g, 1);
            if (literal[a] == open) {
                stack[top++] = a;
            } else if (literal[b] == open) {
                stack[top++] = b;
            } else {
                uint32_t *to = fanin + 2 * n;
                int kind = is_xor(x, g);
                to[0] = literal[a] ^ (x->fanin[g][0] & 1);
                to[1] = literal[b] ^ (x->fanin[g][1] & 1);
                uint32_t odd = 0;
                if (kind) { /* the smaller first here too, and inversions at the output */
                    odd = (to[0] ^ to[1]) & 1;
                    to[0] &= ~1u;
                    to[1] &= ~1u;
                }
                if (to[0] > to[1]) {
                    uint32_t swap = to[0];
                    to[0] = to[1];
                    to[1] = swap;
                }
                xor[n] = (uint8_t)kind;
                literal[g] = 2 * (uint32_t)(x->first + n++) ^ odd;
                top--;
            }
        }
        x->outputs[o] = literal[x->outputs[o] >> 1] ^ (x->outputs[o] & 1);
    }
    free(literal);
    free(stack);
    return n;
}

#endif
