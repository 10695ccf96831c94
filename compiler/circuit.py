"""A circuit: values to bits (`Encoder`), bits to bits (`Netlist`), bits to scores (`Decoder`)."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..runtime.arrays import as_batch, binarize
from ..runtime.errors import NetlistError
from .names import Names
from .netlist import Argmax, IntArray, Luts, Netlist, Popcount, Tile, frozen
from .simulate import simulate

_BATCH = 4096


@dataclass(frozen=True, eq=False)
class Encoder:
    """Input bit `i` of the netlist is `x.reshape(-1)[feature[i]] > threshold[i]`.

    shape: of one sample, without the batch. feature: int32 [n]. threshold: float32 [n], not NaN.
    The comparison is in float32, for float64 input in float64, as PyTorch does it; Boolean input is
    threshold 0.5, and NaN in the data compares false.
    """

    shape: tuple[int, ...]
    feature: IntArray
    threshold: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        try:
            feature = frozen(np.atleast_1d(self.feature), np.int32, 1)
        except TypeError as error:
            raise NetlistError(f"encoder: feature: {error}; allowed is int32 [n]") from None
        threshold = np.array(self.threshold, dtype=np.float32, ndmin=1)
        if feature.ndim != 1 or feature.shape != threshold.shape:
            raise NetlistError(
                f"encoder: {feature.shape} features, {threshold.shape} thresholds; allowed is [n]"
            )
        if any(size < 0 for size in self.shape):
            raise NetlistError(f"encoder: shape {self.shape}; allowed are sizes of 0 or more")
        if feature.size and not (feature.min() >= 0 and feature.max() < self.n_features):
            raise NetlistError(
                f"encoder: reads feature {int(feature.min())} to {int(feature.max())}; "
                f"allowed are 0 to {self.n_features - 1}"
            )
        if np.isnan(threshold).any():
            bit = int(np.flatnonzero(np.isnan(threshold))[0])
            raise NetlistError(f"encoder: threshold of bit {bit} is NaN; allowed are numbers")
        for name, array in (("feature", feature), ("threshold", threshold)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @staticmethod
    def boolean(n: int) -> Encoder:
        """The encoder of Boolean input: [n] features, each its own bit."""
        return Encoder((n,), np.arange(n, dtype=np.int32), np.full(n, 0.5, np.float32))

    @property
    def n_features(self) -> int:
        return math.prod(self.shape)

    def __call__(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Bits [n, len(feature)] of a batch; raises InputError as `runtime.arrays.as_batch`."""
        return binarize(as_batch(x, self.shape), self.feature, self.threshold)


@dataclass(frozen=True)
class Decoder:
    """Score `g` is `(count_g + beta) / tau` in float32; the class is the first largest score.

    groups: how many counts the netlist answers with. tau: positive. beta: finite.
    """

    groups: int
    tau: float = 1.0
    beta: float = 0.0

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise NetlistError(f"decoder: {self.groups} groups; allowed is 1 or more")
        if not (np.isfinite(self.tau) and self.tau > 0 and np.isfinite(self.beta)):
            raise NetlistError(
                f"decoder: tau {self.tau}, beta {self.beta}; allowed are a positive finite tau "
                "and a finite beta"
            )

    def scores(self, counts: NDArray[np.int32]) -> NDArray[np.float32]:
        """float32 scores of int32 counts, in the same shape."""
        return (counts.astype(np.float32) + np.float32(self.beta)) / np.float32(self.tau)


@dataclass(frozen=True, eq=False)
class Circuit:
    """What is compiled: raw values in, bits or counts, scores and classes out.

    With a decoder, the netlist's outputs are `groups` unsigned counts of equal width, least
    significant bit first. Without one, they are the answer themselves. `names` says what inputs,
    outputs, features and classes are called; it decides no answer.
    The methods evaluate by `simulate`: they are the reference, not the fast path.
    """

    encoder: Encoder
    netlist: Netlist
    decoder: Decoder | None = None
    names: Names | None = None

    def __post_init__(self) -> None:
        if len(self.encoder.feature) != self.netlist.n_inputs:
            raise NetlistError(
                f"circuit: the encoder gives {len(self.encoder.feature)} bits, "
                f"the netlist takes {self.netlist.n_inputs}; allowed is the same number"
            )
        if self.names is not None:
            self.names.check(
                inputs=self.netlist.n_inputs,
                outputs=len(self.netlist.outputs),
                features=self.encoder.n_features,
                classes=self.decoder.groups if self.decoder else 0,
            )
        if self.decoder is not None:
            self._check_decoder(self.decoder)

    def _check_decoder(self, decoder: Decoder) -> None:
        outputs = len(self.netlist.outputs)
        if outputs == 0 or outputs % decoder.groups:
            raise NetlistError(
                f"circuit: {outputs} outputs for {decoder.groups} groups; "
                "allowed is a positive multiple, one count of equal width a group"
            )
        if self.count_width > 24:
            raise NetlistError(
                f"circuit: counts of {self.count_width} bits; allowed are 24, what float32 holds"
            )
        with np.errstate(all="ignore"):  # tau may be 0 or infinite in float32
            scores = decoder.scores(np.arange(1 << self.count_width, dtype=np.int32))
            distinct = bool((np.diff(scores) > 0).all())
        if not distinct:
            raise NetlistError(
                f"circuit: beta {decoder.beta} and tau {decoder.tau} give different counts "
                "the same float32 score; allowed are those that keep them apart; use a smaller beta"
            )

    def __repr__(self) -> str:
        what = f"{self.decoder.groups} counts" if self.decoder else "bits"
        return f"<Circuit {list(self.encoder.shape)} to {what}, {self.netlist!r}>"

    @property
    def count_width(self) -> int:
        """Bits of one count; 0 without a decoder."""
        return len(self.netlist.outputs) // self.decoder.groups if self.decoder else 0

    def with_netlist(self, netlist: Netlist) -> Circuit:
        """The same circuit with another netlist; itself if the netlist is the same object."""
        return self if netlist is self.netlist else replace(self, netlist=netlist)

    def with_names(
        self,
        *,
        features: Iterable[str | int] | None = None,
        classes: Iterable[str | int] | None = None,
    ) -> Circuit:
        """The same circuit with names for its features and classes, for whoever reads the Verilog.

        Args:
            features: of a sample in row-major order, [features]; None leaves them as they are.
            classes: of each group of the decoder, [groups]; None leaves them as they are.

        Raises:
            NetlistError: they are another number, or not strings and integers.
        """
        given = {"features": features, "classes": classes}
        changed = {
            kind: tuple(str(n) if isinstance(n, (int, np.integer)) else n for n in names)
            for kind, names in given.items()
            if names is not None
        }
        return replace(self, names=replace(self.names or Names(), **changed))

    def count_nets(self) -> IntArray:
        """The output nets as [groups, width].

        Raises:
            NetlistError: there is no decoder.
        """
        if self.decoder is None:
            raise NetlistError("circuit: it has no decoder, so no counts or classes; use bits(x)")
        return self.netlist.outputs.reshape(self.decoder.groups, self.count_width)

    def class_netlist(self) -> Netlist:
        """The netlist with an argmax behind the counts; its outputs are the bits of the class."""
        cell = Argmax(self.count_nets())
        first = self.netlist.n_nets
        outputs = np.arange(first, first + cell.width, dtype=np.int32)
        return Netlist(self.netlist.n_inputs, (*self.netlist.cells, cell), outputs)

    def bits(self, x: ArrayLike) -> NDArray[np.bool_]:
        """The netlist's outputs: bool [n, outputs]."""
        rows = as_batch(x, self.encoder.shape)
        found = [
            simulate(self.netlist, self.encoder(rows[start : start + _BATCH]))
            for start in range(0, len(rows), _BATCH)
        ]
        return np.concatenate(found or [np.zeros((0, len(self.netlist.outputs)), np.bool_)])

    def counts(self, x: ArrayLike) -> NDArray[np.int32]:
        """True addends of each group: int32 [n, groups]."""
        groups, width = self.count_nets().shape
        bits = self.bits(x).reshape(-1, groups, width)
        return (bits * (1 << np.arange(width))).sum(axis=2).astype(np.int32)

    def scores(self, x: ArrayLike) -> NDArray[np.float32]:
        """float32 [n, groups], what the module answers in evaluation mode."""
        counts = self.counts(x)
        assert self.decoder is not None
        return self.decoder.scores(counts)

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """The class: int64 [n], the first largest score, as `torch.argmax`."""
        return self.counts(x).argmax(axis=1).astype(np.int64)

    def digest(self) -> str:
        """SHA-256 of everything that decides an answer, in hexadecimal."""
        found = hashlib.sha256(repr((self.encoder.shape, self.decoder)).encode())
        found.update(self.encoder.feature.tobytes() + self.encoder.threshold.tobytes())
        _hash_netlist(self.netlist, found)
        return found.hexdigest()


def _hash_netlist(netlist: Netlist, found: Any) -> None:
    found.update(json.dumps([netlist.n_inputs, len(netlist.cells)]).encode())
    found.update(netlist.outputs.tobytes())
    for cell in netlist.cells:
        found.update(f"{type(cell).__name__} {cell.fanin.shape}".encode())
        found.update(cell.fanin.tobytes())
        if isinstance(cell, Luts):
            found.update(cell.table.tobytes())
        if isinstance(cell, Popcount) and cell.shift is not None:
            found.update(b"shift" + cell.shift.tobytes())
        if isinstance(cell, Tile):
            _hash_netlist(cell.body, found)
