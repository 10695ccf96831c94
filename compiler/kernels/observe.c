/* Replaces gates by constants or fanins where no output shows the difference on any sample. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "observe.h"

enum { BLOCK = 64, CHOICES = 6, OUTSIDE = 0, WAITING = -1 };

typedef struct {
    int64_t nodes, first, words, window; /* first: the node of gate 0 */
    uint32_t *fanin, *stands;
    const uint8_t *is_xor;
    uint8_t *visible;
    uint64_t *values;
    int64_t *readers, *head, *next, *previous; /* edges out of each node, as doubly linked lists */
    int64_t *place;                            /* 1 + position in the cone, OUTSIDE or WAITING */
    int64_t *heap, waiting;                    /* nodes that may enter the cone, least first */
    int64_t *cone, cone_size;                  /* a node and what reads it, ascending */
    uint8_t *border;                           /* of the cone: seen from outside it */
    uint64_t *changed;                         /* [window][BLOCK], new values of the cone */
    uint64_t care[BLOCK];                      /* samples on which the node is seen */
    int64_t *dying;
} State;

static const uint64_t *row(const State *s, int64_t node) { return s->values + node * s->words; }

static uint64_t inversion(uint32_t literal) { return (uint64_t)0 - (literal & 1); }

static int64_t shorter(int64_t a, int64_t b) { return a < b ? a : b; }

/* Edges: edge 2 * g + i is fanin i of gate g. */

static int64_t reader(const State *s, int64_t edge) { return s->first + edge / 2; }

static void link_edge(State *s, int64_t edge) {
    int64_t node = s->fanin[edge] >> 1, after = s->head[node];
    s->next[edge] = after;
    s->previous[edge] = -1;
    if (after >= 0) s->previous[after] = edge;
    s->head[node] = edge;
    s->readers[node]++;
}

static void unlink_edge(State *s, int64_t edge) {
    int64_t node = s->fanin[edge] >> 1, before = s->previous[edge], after = s->next[edge];
    if (before >= 0)
        s->next[before] = after;
    else
        s->head[node] = after;
    if (after >= 0) s->previous[after] = before;
    s->readers[node]--;
}

static int dead(const State *s, int64_t node) { return !s->readers[node] && !s->visible[node]; }

/* Unlink a gate that nothing reads, and what only it read. */
static void remove_gate(State *s, int64_t node) {
    int64_t count = 0;
    s->dying[count++] = node;
    while (count) {
        int64_t edge = 2 * (s->dying[--count] - s->first);
        for (int64_t end = edge + 2; edge < end; edge++) {
            int64_t source = s->fanin[edge] >> 1;
            unlink_edge(s, edge);
            if (source >= s->first && dead(s, source)) s->dying[count++] = source;
        }
    }
}

/* The cone. */

static void push(State *s, int64_t node) {
    int64_t i = s->waiting++;
    for (; i > 0 && s->heap[(i - 1) / 2] > node; i = (i - 1) / 2) s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = node;
}

static int64_t pop(State *s) {
    int64_t least = s->heap[0], node = s->heap[--s->waiting], i = 0;
    for (int64_t child; (child = 2 * i + 1) < s->waiting; i = child) {
        if (child + 1 < s->waiting && s->heap[child + 1] < s->heap[child]) child++;
        if (s->heap[child] >= node) break;
        s->heap[i] = s->heap[child];
    }
    s->heap[i] = node;
    return least;
}

static int seen_outside(const State *s, int64_t node) {
    int seen = s->visible[node];
    for (int64_t e = s->head[node]; e >= 0 && !seen; e = s->next[e])
        seen = s->place[reader(s, e)] == OUTSIDE;
    return seen;
}

/* The first `window` nodes that depend on `node`, itself included. */
static void enter_cone(State *s, int64_t node) {
    s->cone_size = s->waiting = 0;
    push(s, node);
    while (s->waiting && s->cone_size < s->window) {
        int64_t least = pop(s);
        s->cone[s->cone_size++] = least;
        s->place[least] = s->cone_size;
        for (int64_t e = s->head[least]; e >= 0; e = s->next[e])
            if (s->place[reader(s, e)] == OUTSIDE) {
                s->place[reader(s, e)] = WAITING;
                push(s, reader(s, e));
            }
    }
    for (int64_t i = 0; i < s->waiting; i++) s->place[s->heap[i]] = OUTSIDE;
    for (int64_t i = 0; i < s->cone_size; i++) s->border[i] = (uint8_t)seen_outside(s, s->cone[i]);
}

static void leave_cone(State *s) {
    for (int64_t i = 0; i < s->cone_size; i++) s->place[s->cone[i]] = OUTSIDE;
}

/* Values, `n` words from word `start` on. */

static void gate(const State *s, int64_t g, const uint64_t *x, const uint64_t *y, int64_t n,
                 uint64_t *result) {
    uint64_t p = inversion(s->fanin[2 * g]), q = inversion(s->fanin[2 * g + 1]);
    if (s->is_xor[g])
        for (int64_t w = 0; w < n; w++) result[w] = x[w] ^ y[w] ^ p ^ q;
    else
        for (int64_t w = 0; w < n; w++) result[w] = (x[w] ^ p) & (y[w] ^ q);
}

static const uint64_t *operand(const State *s, uint32_t literal, int64_t start) {
    int64_t place = s->place[literal >> 1];
    return place > 0 ? s->changed + (place - 1) * BLOCK : row(s, literal >> 1) + start;
}

static void evaluate(State *s, int64_t i, int64_t start, int64_t n) {
    int64_t g = s->cone[i] - s->first;
    const uint64_t *x = operand(s, s->fanin[2 * g], start);
    const uint64_t *y = operand(s, s->fanin[2 * g + 1], start);
    gate(s, g, x, y, n, s->changed + i * BLOCK);
}

/* On which samples inverting the node changes the border of its cone. */
static void find_care(State *s, int64_t start, int64_t n) {
    const uint64_t *own = row(s, s->cone[0]) + start;
    memset(s->care, s->border[0] ? 0xFF : 0, sizeof s->care);
    if (s->border[0]) return;
    for (int64_t w = 0; w < n; w++) s->changed[w] = ~own[w];
    for (int64_t i = 1; i < s->cone_size; i++) {
        evaluate(s, i, start, n);
        const uint64_t *old = row(s, s->cone[i]) + start, *new = s->changed + i * BLOCK;
        for (int64_t w = 0; s->border[i] && w < n; w++) s->care[w] |= old[w] ^ new[w];
    }
}

static int fits(const State *s, uint32_t literal, int64_t start, int64_t n) {
    const uint64_t *own = row(s, s->cone[0]) + start, *other = row(s, literal >> 1) + start;
    uint64_t wrong = 0;
    for (int64_t w = 0; w < n; w++) wrong |= (own[w] ^ other[w] ^ inversion(literal)) & s->care[w];
    return !wrong;
}

static void take_value(State *s, uint32_t literal) {
    int64_t node = s->cone[0];
    for (int64_t start = 0; start < s->words; start += BLOCK) {
        int64_t n = shorter(BLOCK, s->words - start);
        const uint64_t *source = row(s, literal >> 1) + start;
        for (int64_t w = 0; w < n; w++) s->changed[w] = source[w] ^ inversion(literal);
        for (int64_t i = 1; i < s->cone_size; i++) evaluate(s, i, start, n);
        for (int64_t i = 0; i < s->cone_size; i++)
            memcpy(s->values + s->cone[i] * s->words + start, s->changed + i * BLOCK,
                   (size_t)n * sizeof *s->changed);
    }
    s->stands[node] = literal;
}

static void hand_over(State *s, int64_t node, uint32_t literal) {
    while (s->head[node] >= 0) {
        int64_t edge = s->head[node];
        unlink_edge(s, edge);
        s->fanin[edge] = literal ^ (s->fanin[edge] & 1);
        link_edge(s, edge);
    }
    s->visible[literal >> 1] |= s->visible[node];
    s->visible[node] = 0;
    if (node >= s->first) remove_gate(s, node);
}

/* Constants first, then fanins. */
static int choices(const State *s, int64_t node, uint32_t *literal) {
    literal[0] = 0;
    literal[1] = 1;
    if (node < s->first) return 2;
    for (int i = 0; i < 4; i++)
        literal[2 + i] = s->fanin[2 * (node - s->first) + i / 2] ^ (uint32_t)(i & 1);
    return CHOICES;
}

static int simplify(State *s, int64_t node) {
    uint32_t literal[CHOICES];
    int count = choices(s, node, literal);
    enter_cone(s, node);
    for (int64_t start = 0; count && start < s->words; start += BLOCK) {
        int64_t n = shorter(BLOCK, s->words - start);
        int left = 0;
        find_care(s, start, n);
        for (int i = 0; i < count; i++)
            if (fits(s, literal[i], start, n)) literal[left++] = literal[i];
        count = left;
    }
    if (count) {
        take_value(s, literal[0]);
        hand_over(s, node, literal[0]);
    }
    leave_cone(s);
    return count > 0;
}

static int64_t run(State *s) {
    int64_t replaced = 0;
    for (int64_t node = 0; node < s->nodes; node++) s->head[node] = -1;
    for (int64_t g = 0; g < s->nodes - s->first; g++) {
        const uint64_t *x = row(s, s->fanin[2 * g] >> 1), *y = row(s, s->fanin[2 * g + 1] >> 1);
        gate(s, g, x, y, s->words, s->values + (s->first + g) * s->words);
        link_edge(s, 2 * g);
        link_edge(s, 2 * g + 1);
    }
    for (int64_t node = s->nodes - 1; node > 0; node--)
        if (!dead(s, node)) replaced += simplify(s, node);
    return replaced;
}

static void *make(int64_t count, size_t size) { return calloc((size_t)count + 1, size); }

EXPORT int64_t observe(int64_t leaves, int64_t gates, uint32_t *fanin, const uint8_t *is_xor,
                       uint8_t *visible, uint64_t *values, int64_t words, int64_t window,
                       uint32_t *stands) {
    State s = {.nodes = 1 + leaves + gates, .first = 1 + leaves, .words = words, .window = window};
    s.fanin = fanin;
    s.is_xor = is_xor;
    s.visible = visible;
    s.values = values;
    s.stands = stands;
    s.readers = make(s.nodes, sizeof *s.readers);
    s.head = make(s.nodes, sizeof *s.head);
    s.next = make(2 * gates, sizeof *s.next);
    s.previous = make(2 * gates, sizeof *s.previous);
    s.place = make(s.nodes, sizeof *s.place);
    s.heap = make(s.nodes, sizeof *s.heap);
    s.cone = make(window, sizeof *s.cone);
    s.border = make(window, sizeof *s.border);
    s.changed = make(window * BLOCK, sizeof *s.changed);
    s.dying = make(s.nodes, sizeof *s.dying);
    int ready = s.readers && s.head && s.next && s.previous && s.place && s.heap && s.cone &&
                s.border && s.changed && s.dying;
    int64_t replaced = ready ? run(&s) : -1;
    free(s.readers);
    free(s.head);
    free(s.next);
    free(s.previous);
    free(s.place);
    free(s.heap);
    free(s.cone);
    free(s.border);
    free(s.changed);
    free(s.dying);
    return replaced;
}
