"""Kernels of trees of two-input gates at many places, with or without OR pooling.

A program holds the whole tree of one kernel at one place, for as many samples (lanes) as it has
threads, in registers; with pooling it goes through the window and keeps the maximum, of equals the
first.

The values of a tree are a tuple of [lanes], the leaves first and then the gates, level by level. So
gate `i` of all levels reads values `2 * i` and `2 * i + 1`, and is value `leaves + i` itself.

Sizes: `leaves` [2, gates, kernels, places], `windows` [pooled, WINDOW], `c` [4, nodes, kernels]
with the levels one after the other, `out` and `winner` [kernels, pooled, batch], `ends` [leaves,
kernels, pooled, width] with the leaves in the order of `leaves`.
"""

# The checker may lack triton, and knows nothing of its language.
# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _numbers(c, kernel, kernels, LEAVES: tl.constexpr):
    """Coefficients of one kernel's tree: c0, c1, c2, c3 for each gate."""
    found = ()
    for gate in tl.static_range(LEAVES - 1):
        for q in tl.static_range(4):
            number = tl.load(c + (q * (LEAVES - 1) + gate) * kernels + kernel)
            found += (number.to(tl.float32),)
    return found


@triton.jit
def _climb(x, leaves, place, lane, last, numbers, kernel, kernels, places, features, batch, LEAVES):
    """The values of one kernel's tree at `place`, one for all lanes or one each, up to lane `last`.

    Features from `features` on are padding, zero.
    """
    found = ()
    for leaf in tl.static_range(LEAVES):
        at = ((leaf % 2) * (LEAVES // 2) + leaf // 2) * kernels + kernel
        row = tl.load(leaves + at * places + place)
        real = lane < tl.where(row < features, last, 0)
        value = tl.load(x + row * batch + lane, mask=real, other=0)
        found += (value.to(tl.float32),)
    for gate in tl.static_range(LEAVES - 1):
        a, b = found[2 * gate], found[2 * gate + 1]
        slope = numbers[4 * gate + 1] + numbers[4 * gate + 3] * b
        found += (numbers[4 * gate] + numbers[4 * gate + 2] * b + slope * a,)
    return found


@triton.jit
def _descend(grad, found, numbers, sums, LEAVES: tl.constexpr):
    """Gradients of all values, and `sums` plus those of the coefficients; both last value first."""
    down, added = (grad,), ()
    for i in tl.static_range(LEAVES - 1):
        a, b = found[2 * (LEAVES - 2 - i)], found[2 * (LEAVES - 2 - i) + 1]
        given, c3 = down[i], numbers[4 * (LEAVES - 2 - i) + 3]
        ga = given * a
        added += (sums[4 * i] + given, sums[4 * i + 1] + ga)
        added += (sums[4 * i + 2] + given * b, sums[4 * i + 3] + ga * b)
        right = given * (numbers[4 * (LEAVES - 2 - i) + 2] + c3 * a)
        left = given * (numbers[4 * (LEAVES - 2 - i) + 1] + c3 * b)
        down += (right, left)
    return down, added


@triton.jit
def tree_forward(
    x,
    c,
    leaves,
    windows,
    out,
    winner,
    kernels,
    places,
    pooled,
    features,
    batch,
    WINDOW: tl.constexpr,
    LANES: tl.constexpr,
    LEAVES: tl.constexpr,
):
    """One kernel at one window."""
    tree = tl.program_id(0).to(tl.int64)
    kernel, window = tree // pooled, tree % pooled
    lane = tl.program_id(1) * LANES + tl.arange(0, LANES)
    here = lane < batch
    numbers = _numbers(c, kernel, kernels, LEAVES)
    best = tl.zeros((LANES,), tl.float32)
    won = tl.zeros((LANES,), tl.int32)
    for i in tl.static_range(WINDOW):
        place = tl.load(windows + window * WINDOW + i)
        sizes = (kernel, kernels, places, features, batch)
        value = _climb(x, leaves, place, lane, batch, numbers, *sizes, LEAVES)[2 * LEAVES - 2]
        better = (value > best) | (value != value) | (i == 0)
        best = tl.where(better, value, best)
        won = tl.where(better, i, won)
    tl.store(out + tree * batch + lane, best, mask=here)
    if WINDOW > 1:
        tl.store(winner + tree * batch + lane, won.to(tl.int8), mask=here)


@triton.jit
def tree_backward(
    x,
    c,
    leaves,
    windows,
    winner,
    up,
    ends,
    partial,
    kernels,
    places,
    pooled,
    features,
    batch,
    first,
    width,
    run,
    WINDOW: tl.constexpr,
    LANES: tl.constexpr,
    LEAVES: tl.constexpr,
):
    """One kernel at `run` windows: gradients of the leaves, and sums for the coefficients.

    Samples from `first` on are written to `ends`, `width` of them at most. Sums go to `partial`
    [lane blocks, runs, 4, gates, kernels].
    """
    kernel = tl.program_id(0).to(tl.int64)
    begin = tl.program_id(1) * run
    at_end = tl.program_id(2) * LANES + tl.arange(0, LANES)
    lane, last = at_end + first, min(first + width, batch)
    here = lane < last
    numbers = _numbers(c, kernel, kernels, LEAVES)
    sums = ()
    for _ in tl.static_range(4 * (LEAVES - 1)):
        sums += (tl.zeros((LANES,), tl.float32),)
    for window in range(begin, min(begin + run, pooled)):
        at = (kernel * pooled + window) * batch + lane
        place = windows + window * WINDOW
        if WINDOW > 1:
            place += tl.load(winner + at, mask=here, other=0).to(tl.int32)
        sizes = (kernel, kernels, places, features, batch)
        found = _climb(x, leaves, tl.load(place), lane, last, numbers, *sizes, LEAVES)
        grad = tl.load(up + at, mask=here, other=0).to(tl.float32)
        down, sums = _descend(grad, found, numbers, sums, LEAVES)
        for leaf in tl.static_range(LEAVES):
            row = ((leaf % 2) * (LEAVES // 2) + leaf // 2) * kernels + kernel
            to = ends + (row * pooled + window) * width + at_end
            tl.store(to, down[2 * LEAVES - 2 - leaf], mask=here)
    block = (first // LANES + tl.program_id(2)) * tl.num_programs(1) + tl.program_id(1)
    for i in tl.static_range(LEAVES - 1):
        for q in tl.static_range(4):
            row = (block * 4 + q) * (LEAVES - 1) + LEAVES - 2 - i
            tl.store(partial + row * kernels + kernel, tl.sum(sums[4 * i + q], 0))


@triton.jit
def leaf_sums(
    ends,
    winner,
    sources,
    start,
    grad,
    readers,
    features,
    trees,
    batch,
    first,
    width,
    factor,
    WINDOW: tl.constexpr,
    LANES: tl.constexpr,
):
    """One feature: the sum over its readers, in order, of the gradients in `ends`.

    A source is a row of `ends` times WINDOW, plus the place in the window; `trees` is how many
    rows of `winner` there are.
    """
    f = tl.program_id(0).to(tl.int64)
    at_end = tl.program_id(1) * LANES + tl.arange(0, LANES)
    lane = at_end + first
    here = lane < min(first + width, batch)
    total = tl.zeros((LANES,), tl.float32)
    end = tl.load(start + f + 1, mask=f + 1 < features, other=readers)
    for i in range(tl.load(start + f), end):
        source = tl.load(sources + i)
        row = source // WINDOW
        value = tl.load(ends + row * width + at_end, mask=here, other=0)
        if WINDOW > 1:
            won = tl.load(winner + (row % trees) * batch + lane, mask=here, other=0)
            value = tl.where(won == source % WINDOW, value, 0.0)
        total += value
    tl.store(grad + f * batch + lane, total * factor, mask=here)
