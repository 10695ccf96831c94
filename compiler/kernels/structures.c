/* Smallest circuits by depth-first search over chains of gates.

   All functions are normal, that is false where all inputs are: a circuit's inversions can be moved to
   its output. The first gate reads inputs 0 and 1 uninverted, since classes are closed under
   permuting and inverting inputs. A chain is left when its unread gates can no longer all be read
   (Knuth, The Art of Computer Programming 4A, 7.1.2). */
#include <stdint.h>
#include <string.h>

#include "export.h"
#include "structures.h"

enum { INPUTS = 4, MAX_GATES = 7, FUNCTIONS = INPUTS + MAX_GATES };

struct gate { uint8_t i, j, operation; };

struct search {
    const uint8_t *classes;
    int32_t gates, keep;
    uint8_t *size;
    int32_t *count;
    uint8_t *circuits;
    uint16_t *table;
    uint64_t *seen; /* circuits met of each class */
    uint64_t random;
    uint16_t function[FUNCTIONS];
    uint8_t readers[FUNCTIONS];
    struct gate chain[MAX_GATES];
};

/* The five normal functions of two normal functions that depend on both. */
static uint16_t apply(int operation, uint16_t a, uint16_t b) {
    switch (operation) {
    case 0: return a & b;
    case 1: return (uint16_t)(~a & b);
    case 2: return (uint16_t)(a & ~b);
    case 3: return a | b;
    default: return a ^ b;
    }
}

/* Writes a gate of a circuit; returns whether it computes the inverse of what the chain has there. */
static uint8_t write_gate(uint8_t *at, struct gate gate, const uint8_t *inverted) {
    uint8_t a = (uint8_t)(2 * (gate.i + 1)), b = (uint8_t)(2 * (gate.j + 1));
    if (gate.operation == 4) {
        at[0] = b;
        at[1] = a;
        return inverted[gate.i] ^ inverted[gate.j];
    }
    a ^= inverted[gate.i] ^ (gate.operation == 1 || gate.operation == 3);
    b ^= inverted[gate.j] ^ (gate.operation == 2 || gate.operation == 3);
    at[0] = a;
    at[1] = b;
    return gate.operation == 3; /* an OR is an AND read inverted */
}

static void record(struct search *s, uint16_t function) {
    int class = s->classes[function];
    if (s->size[class] < s->gates) return;
    s->size[class] = (uint8_t)s->gates;
    uint64_t seen = s->seen[class]++;
    int32_t at = s->count[class];
    if (at < s->keep) {
        s->count[class]++;
    } else { /* reservoir sampling */
        s->random ^= s->random << 13;
        s->random ^= s->random >> 7;
        s->random ^= s->random << 17;
        uint64_t drawn = s->random % (seen + 1);
        if (drawn >= (uint64_t)s->keep) return;
        at = (int32_t)drawn;
    }
    at += class * s->keep;
    uint8_t *circuit = s->circuits + (int64_t)at * MAX_GATES * 2;
    uint8_t inverted[FUNCTIONS] = {0};
    memset(circuit, 0, MAX_GATES * 2);
    for (int g = 0; g < s->gates; g++)
        inverted[INPUTS + g] = write_gate(circuit + 2 * g, s->chain[g], inverted);
    s->table[at] = inverted[INPUTS + s->gates - 1] ? (uint16_t)~function : function;
}

static int is_new(const struct search *s, int n, uint16_t function) {
    if (!function) return 0;
    for (int i = 0; i < n; i++)
        if (s->function[i] == function) return 0;
    return 1;
}

static void extend(struct search *s, int made);

static void try_gate(struct search *s, int made, struct gate gate) {
    int n = INPUTS + made;
    if (made) {
        struct gate last = s->chain[made - 1];
        int before = (last.i * FUNCTIONS + last.j) * 8 + last.operation;
        int now = (gate.i * FUNCTIONS + gate.j) * 8 + gate.operation;
        if (made > 1 && gate.j < n - 1 && now < before) return; /* the two could be swapped */
    }
    uint16_t function = apply(gate.operation, s->function[gate.i], s->function[gate.j]);
    if (!is_new(s, n, function)) return;
    s->chain[made] = gate;
    s->function[n] = function;
    s->readers[n] = 0;
    s->readers[gate.i]++;
    s->readers[gate.j]++;
    if (made + 1 == s->gates)
        record(s, function);
    else
        extend(s, made + 1);
    s->readers[gate.i]--;
    s->readers[gate.j]--;
}

static void extend(struct search *s, int made) {
    int n = INPUTS + made, left = s->gates - made, unread = 0;
    for (int i = INPUTS; i < n; i++) unread += !s->readers[i];
    for (int j = 1; j < n; j++) {
        for (int i = 0; i < j; i++) {
            int uses = (i >= INPUTS && !s->readers[i]) + (j >= INPUTS && !s->readers[j]);
            if (unread - uses + 1 > left) continue;
            if (!made && (i != 0 || j != 1)) continue;
            for (int operation = 0; operation < 5; operation++) {
                if (!made && operation != 0 && operation != 4) continue;
                try_gate(s, made, (struct gate){(uint8_t)i, (uint8_t)j, (uint8_t)operation});
            }
        }
    }
}

EXPORT void enumerate_structures(const uint8_t *classes, int32_t n_classes, int32_t gates, int32_t keep,
                          uint8_t *size, int32_t *count, uint8_t *circuits, uint16_t *table) {
    uint64_t seen[256] = {0};
    struct search s = {.classes = classes, .keep = keep, .size = size, .count = count,
                       .circuits = circuits, .table = table, .seen = seen,
                       .random = 0x9E3779B97F4A7C15u,
                       .function = {0xAAAA, 0xCCCC, 0xF0F0, 0xFF00}};
    memset(size, 255, (size_t)n_classes);
    memset(count, 0, (size_t)n_classes * sizeof *count);
    size[classes[0]] = size[classes[0xAAAA]] = 0;
    for (s.gates = 1; s.gates <= gates; s.gates++) extend(&s, 0);
}
