"""Popcount and argmax in Verilog: trees of adders and of comparators.

Every node is a net of its own, and wide inputs are cut into words first: an event-driven simulator
passes a whole vector to each of its readers whenever one bit of it changes.
"""

from __future__ import annotations

from itertools import count

from .verilog_text import ZERO, Port, module_text, plural, unused

_WORD = 32


def popcount_module(module: str, addends: int) -> str:
    """The module that counts the true bits of `in`: pairwise sums until one is left."""
    width = addends.bit_length()
    lines, sums = _input_bits(addends)
    wide = 1
    for level in count(1):
        if len(sums) == 1:
            break
        narrow, wide = wide, min(wide + 1, width)  # no sum exceeds `addends`
        head = "{1'b0, %s}" if wide > narrow else "%s"
        lines.append(f"  // {plural(-(-len(sums) // 2), 'sum')} of {wide} bits")
        names = []
        for i in range(0, len(sums), 2):
            names.append(f"s{level}_{i // 2}")
            text = " + ".join(head % addend for addend in sums[i : i + 2])
            lines.append(f"  wire [{wide - 1}:0] {names[-1]} = {text};")
        sums = names
    lines.append(f"  assign count = {sums[0]};")
    comment = f"How many of {plural(addends, 'input')} are true."
    ports = [Port("in", "input", addends), Port("count", "output", width)]
    return module_text(module, comment, ports, lines)


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
