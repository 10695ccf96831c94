"""Do two netlists or circuits compute the same?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..runtime.arrays import pack
from ..runtime.errors import NetlistError
from .circuit import Circuit
from .netlist import Netlist
from .simulate import Words, simulate_words
from .tables import WHERE_TRUE

EXHAUSTIVE_INPUTS = 16
RANDOM_SAMPLES = 1 << 14
_CORNER_INPUTS = 1 << 12  # of more inputs, that many are tried alone
_MEMORY = 1 << 28  # bytes of net values held at once
_SEED = 0x6A7E


Method: TypeAlias = Literal["exhaustive", "random"]


@dataclass(frozen=True, eq=False)
class Equivalence:
    """What is known after a comparison; true unless refuted.

    status: "proved", "refuted", or "unproved", which is simulated without finding a difference.
    method: how the answer was found. samples: input patterns compared.
    counterexample: bool [n_inputs], one on which the two differ, if refuted.
    """

    status: Literal["proved", "refuted", "unproved"]
    method: Method
    samples: int
    counterexample: NDArray[np.bool_] | None = None

    def __bool__(self) -> bool:
        return self.status != "refuted"


def equivalent(a: Netlist | Circuit, b: Netlist | Circuit) -> Equivalence:
    """Compare two netlists, or two circuits with equal encoders and decoders.

    Up to 16 inputs all patterns are compared, which proves or refutes. With more inputs the
    patterns are all false, all true, one input true, one input false, and random ones from a fixed
    seed: that refutes, or leaves it unproved. Circuits are compared on all patterns of input bits,
    also on those that their encoder never gives.

    Raises:
        NetlistError: the two have different numbers of inputs or outputs, different encoders or
            decoders, or one is a circuit and the other is not.
    """
    left, right = _netlists(a, b)
    exhaustive = left.n_inputs <= EXHAUSTIVE_INPUTS
    method: Method = "exhaustive" if exhaustive else "random"
    step = max(1, _MEMORY // 8 // max(left.n_nets, right.n_nets))
    samples = 0
    for words, count in (
        _all_patterns(left.n_inputs) if exhaustive else _some_patterns(left.n_inputs)
    ):
        for start in range(0, words.shape[1], step):
            here = min(count - 64 * start, 64 * step)
            found = _difference(left, right, words[:, start : start + step], here)
            samples += here
            if found is not None:
                return Equivalence("refuted", method, samples, found)
    return Equivalence("proved" if exhaustive else "unproved", method, samples)


def _netlists(a: Netlist | Circuit, b: Netlist | Circuit) -> tuple[Netlist, Netlist]:
    """The netlists of two things that can be compared."""
    if isinstance(a, Circuit) and isinstance(b, Circuit):
        _check_borders(a, b)
        a, b = a.netlist, b.netlist
    if isinstance(a, Circuit) or isinstance(b, Circuit):
        raise NetlistError(
            f"equivalent: a {type(a).__name__} and a {type(b).__name__}; allowed are two of a "
            "kind; compare circuit.netlist"
        )
    left, right = ((n.n_inputs, len(n.outputs)) for n in (a, b))
    if left != right:
        raise NetlistError(
            f"equivalent: {left[0]} inputs and {left[1]} outputs against {right[0]} and "
            f"{right[1]}; allowed are equal numbers; compare netlists of one interface"
        )
    return a, b


def _check_borders(a: Circuit, b: Circuit) -> None:
    same_encoder = (
        a.encoder.shape == b.encoder.shape
        and np.array_equal(a.encoder.feature, b.encoder.feature)
        and np.array_equal(a.encoder.threshold, b.encoder.threshold)
    )
    for what, same in (("encoders", same_encoder), ("decoders", a.decoder == b.decoder)):
        if not same:
            raise NetlistError(
                f"equivalent: the circuits have different {what}; allowed are equal ones; "
                "compare a.netlist with b.netlist if only the bits matter"
            )


def _all_patterns(n: int) -> Iterator[tuple[Words, int]]:
    """Every pattern of n inputs: packed words [n, words] and how many samples they hold."""
    index = np.arange(max(1, 1 << n >> 6), dtype=np.uint64)
    words = np.empty((n, len(index)), np.uint64)
    for i in range(n):
        words[i] = WHERE_TRUE[i] if i < 6 else -(index >> np.uint64(i - 6) & np.uint64(1))
    yield words, 1 << n


def _some_patterns(n: int) -> Iterator[tuple[Words, int]]:
    """Corners, then random patterns: even ones, and ones with few and with many inputs true."""
    alone = np.unique(np.linspace(0, n - 1, min(n, _CORNER_INPUTS)).astype(np.intp))
    corners = np.zeros((1 + len(alone), n), np.bool_)
    corners[np.arange(1, 1 + len(alone)), alone] = True
    yield pack(np.concatenate([corners, ~corners])), 2 * len(corners)
    random = np.random.default_rng(_SEED)
    shape = (3, n, RANDOM_SAMPLES // 4 // 64)
    for combine in (None, None, np.bitwise_and, np.bitwise_or):
        drawn = random.integers(0, 1 << 64, shape, dtype=np.uint64)
        words = drawn[0] if combine is None else combine.reduce(drawn)
        yield words, RANDOM_SAMPLES // 4


def _difference(a: Netlist, b: Netlist, words: Words, count: int) -> NDArray[np.bool_] | None:
    """The first of `count` packed patterns on which the two differ, bool [n_inputs]."""
    differing = np.bitwise_or.reduce(simulate_words(a, words) ^ simulate_words(b, words), axis=0)
    bits = np.unpackbits(differing.astype("<u8").view(np.uint8), bitorder="little")[:count]
    if not bits.any():
        return None
    word, bit = divmod(int(bits.argmax()), 64)
    return (words[:, word] >> np.uint64(bit) & np.uint64(1)).astype(np.bool_)
