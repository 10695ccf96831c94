"""What a published network consists of, and how many gates that makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

_POOL = 2  # height and width of every pooling window
_LOGITS = 16  # of a gate of two inputs


@dataclass(frozen=True)
class Block:
    """A convolution with kernels of depth `depth`, then pooling by OR, 2 by 2.

    kernels: channels of the output. window, padding: as in LogicConv2d.
    """

    kernels: int
    window: int
    padding: int
    depth: int = 3

    @property
    def tree(self) -> int:
        """Gates of one kernel."""
        return 2**self.depth - 1

    def size(self, before: int) -> int:
        """Height and width of the convolution's output."""
        return before + 2 * self.padding - self.window + 1


@dataclass(frozen=True)
class ModelSpec:
    """A network as it was published: binarisation, blocks, dense layers, group sum.

    name: what `build_model` takes. source: the publication.
    data: what `load_dataset` calls its data. input_shape, classes: of that.
    binarisation: in words. thresholds: a value becomes one bit each; None for Boolean data.
    blocks, widths: convolutions, and gates of each dense layer.
    tau: temperature of the scores.
    training: how it was trained, arguments of `fit`.
    published_gates: however counted there; None if nowhere said.
    published_accuracy: of the test part, percent; None if nowhere said.
    connections: of dense layers, "random", or "unique" as `compat.LogicLayer` has it.
    conv_init, dense_init: `weight_init` of the layers.
    tree_channels: channels that one kernel reads; None for any.
    groups: parts of the network that share nothing but the input and the scores.
    """

    name: str
    source: str
    data: str
    input_shape: tuple[int, ...]
    classes: int
    binarisation: str
    thresholds: tuple[float, ...] | None
    widths: tuple[int, ...]
    tau: float
    training: dict[str, Any] = field(hash=False)
    published_gates: int | None = None
    published_accuracy: float | None = None
    blocks: tuple[Block, ...] = ()
    connections: str = "random"
    conv_init: str = "residual"
    dense_init: str = "residual"
    tree_channels: int | None = None
    groups: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Height and width of each block's input, and of the last one's output."""
        found = list(self.input_shape[-1:])
        for block in self.blocks:
            found.append(block.size(found[-1]) // _POOL)
        return tuple(found)

    @property
    def learned_gates(self) -> int:
        """Gates with weights, those of a kernel once for every place."""
        pairs = zip(self.blocks, self.sizes, strict=False)
        return sum(b.kernels * b.tree * b.size(n) ** 2 for b, n in pairs) + sum(self.widths)

    @property
    def or_gates(self) -> int:
        """Two-input ORs of the pooling."""
        pairs = zip(self.blocks, self.sizes[1:], strict=True)
        return sum(b.kernels * n**2 * (_POOL**2 - 1) for b, n in pairs)

    @property
    def parameters(self) -> int:
        """Trained numbers: 16 a gate, those of a kernel once."""
        return _LOGITS * (sum(b.kernels * b.tree for b in self.blocks) + sum(self.widths))

    @property
    def features(self) -> int | None:
        """What the first dense layer reads after blocks; None without blocks."""
        return self.blocks[-1].kernels * self.sizes[-1] ** 2 if self.blocks else None

    def input_bits(self, thresholds: int | None = None) -> int:
        """Bits of one sample, with that many thresholds instead of its own."""
        own = len(self.thresholds) if self.thresholds else 1
        return prod(self.input_shape) * (own if thresholds is None else thresholds)

    def __str__(self) -> str:
        convs = [f"{b.kernels} {b.window}x{b.window}" for b in self.blocks]
        dense = [f"{width:,}" for width in self.widths]
        if len(set(dense)) == 1:
            dense = [f"{len(dense)} x {dense[0]}"]
        return "; ".join(
            f"{kind} {', '.join(parts)}"
            for kind, parts in (("conv", convs), ("dense", dense))
            if parts
        )
