"""Popcount and argmax in Verilog: trees of adders and of comparators.

Every node is a net of its own, and wide inputs are cut into words first: an event-driven simulator
passes a whole vector to each of its readers whenever one bit of it changes.
"""

from __future__ import annotations

from itertools import accumulate, count

from .text import ZERO, Port, module_text, plural, unused

_WORD = 32


def popcount_module(module: str, planes: tuple[int, ...]) -> str:
    """The module that adds up the bits of `in`: the first `planes[0]` count one, the next
    `planes[1]` two, and so on.
    """
    addends = sum(planes)
    lines, bits = _input_bits(addends)
    if len(planes) == 1:
        sums, total, width = _tree(bits, "s")
        comment = f"How many of {plural(addends, 'input')} are true."
    else:
        sums, total, width = _weighted(bits, planes)
        weights = [f"{n} of weight {1 << s}" for s, n in enumerate(planes) if n]
        comment = f"The sum of {plural(addends, 'input')}: {', '.join(weights)}."
    lines += [*sums, f"  assign count = {total};"]
    ports = [Port("in", "input", addends), Port("count", "output", width)]
    return module_text(module, comment, ports, lines)


def _weighted(bits: list[str], planes: tuple[int, ...]) -> tuple[list[str], str, int]:
    """Lines that add up bits of each weight, and these sums from the heaviest to the lightest;
    the name and width of the total.
    """
    lines, total, width, largest = [], "", 0, 0
    ends = list(accumulate(planes))
    for shift in reversed(range(len(planes))):
        some = bits[ends[shift] - planes[shift] : ends[shift]]
        tree, name, narrow = _tree(some, f"s{shift}_")
        lines += tree
        largest = 2 * largest + planes[shift]
        wide = largest.bit_length()
        if total:
            parts = [_extended(f"{{{total}, {ZERO}}}", width + 1, wide)]
            parts += [_extended(name, narrow, wide)] if some else []
            name = f"t{shift}"
            lines.append(f"  wire [{wide - 1}:0] {name} = {' + '.join(parts)};")
        total, width = name, wide
    return lines, total, width


def _tree(bits: list[str], prefix: str) -> tuple[list[str], str, int]:
    """Lines that add up `bits` pairwise, and the name and width of the sum; no name for no bits."""
    lines, sums, wide = [], bits, 1
    for level in count(1):
        if len(sums) <= 1:
            break
        narrow, wide = wide, min(wide + 1, len(bits).bit_length())  # no sum exceeds all of them
        lines.append(f"  // {plural(-(-len(sums) // 2), 'sum')} of {wide} bits")
        names = []
        for i in range(0, len(sums), 2):
            names.append(f"{prefix}{level}_{i // 2}")
            text = " + ".join(_extended(addend, narrow, wide) for addend in sums[i : i + 2])
            lines.append(f"  wire [{wide - 1}:0] {names[-1]} = {text};")
        sums = names
    return lines, sums[0] if sums else "", wide


def _extended(number: str, narrow: int, wide: int) -> str:
    """A number of `narrow` bits as one of `wide` bits."""
    return number if wide == narrow else f"{{{wide - narrow}'b0, {number}}}"


def _input_bits(n: int) -> tuple[list[str], list[str]]:
    """Lines that cut port `in` of `n` bits into words, and the name of each bit."""
    if n <= _WORD:
        return [], [f"in[{i}]" for i in range(n)]
    lines = [
        f"  wire [{min(_WORD, n - i) - 1}:0] w{i // _WORD} = in[{i} +: {min(_WORD, n - i)}];"
        for i in range(0, n, _WORD)
    ]
    return lines, [f"w{i // _WORD}[{i % _WORD}]" for i in range(n)]


def argmax_module(module: str, candidates: int, bits: int) -> str:
    """The module that finds the largest number in `in`: a tournament, the left wins ties.

    In round `r` the winner's index gains bit `r - 1`: whether it came from the right.
    """
    width = max(1, (candidates - 1).bit_length())
    values = [f"in[{bits * i} +: {bits}]" for i in range(candidates)]
    indices = [""] * candidates
    lines = []
    for level in count(1):
        if len(values) == 1:
            break
        lines.append(f"  // round {level}")
        for i in range(0, len(values), 2):
            lines += _match(level, i // 2, bits, values[i : i + 2], indices[i : i + 2])
        values = [f"v{level}_{i}" for i in range(-(-len(values) // 2))]
        indices = [f"i{level}_{i}" for i in range(len(values))]
    lines += [f"  assign index = {indices[0] or ZERO};"]
    lines += unused(["in"] if candidates == 1 else [values[0]])
    comment = f"The index of the largest of {candidates} numbers of {plural(bits, 'bit')}; "
    ports = [Port("in", "input", candidates * bits), Port("index", "output", width)]
    return module_text(module, comment + "of equal ones the lowest.", ports, lines)


def _match(level: int, i: int, bits: int, values: list[str], indices: list[str]) -> list[str]:
    """One match of a round: who wins, its value and its index; alone, the left wins."""
    value, index = f"  wire [{bits - 1}:0] v{level}_{i}", f"  wire [{level - 1}:0] i{level}_{i}"
    if len(values) == 1:
        rest = f"{{{ZERO}, {indices[0]}}}" if indices[0] else ZERO
        return [f"{value} = {values[0]};", f"{index} = {rest};"]
    right = f"r{level}_{i}"
    rest = f"{{{right}, {right} ? {indices[1]} : {indices[0]}}}" if indices[0] else right
    return [
        f"  wire {right} = {values[1]} > {values[0]};",
        f"{value} = {right} ? {values[1]} : {values[0]};",
        f"{index} = {rest};",
    ]
