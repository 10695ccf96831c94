"""Emitted Verilog in simulators and under lint, and small circuits to emit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog import backend
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.proof import Given, Proof, prove_module
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist
from gatewright.runtime import yosys
from gatewright.runtime.errors import NetlistError
from gatewright.runtime.simulators import available, lint, simulate_testbench

needs_iverilog = pytest.mark.skipif(
    "iverilog" not in available(), reason="needs Debian's package iverilog"
)
needs_verilator = pytest.mark.skipif(
    "verilator" not in available(), reason="needs Debian's package verilator"
)
needs_either = pytest.mark.skipif(
    not available(), reason="needs Debian's package iverilog or verilator"
)
needs_yosys = pytest.mark.skipif(not yosys.available(), reason="needs the extra rewrite, or yosys")


def check(artifact: Artifact, simulator: str = "iverilog") -> None:
    """The testbench passes, with as many vectors as the manifest says."""
    result = simulate_testbench(simulator, artifact.files, f"{artifact.name}_tb")
    assert result.passed, result.log
    assert result.vectors == artifact.manifest["vectors"] > 0


def check_lint(artifact: Artifact, folder: Path) -> None:
    """Verilator finds nothing to say about the module, written to a folder."""
    file = folder / f"{artifact.name}.v"
    file.write_bytes(artifact.files[file.name])
    lint(file, artifact.name)


def boolean(netlist: Netlist, decoder: Decoder | None = None) -> Circuit:
    """A circuit that takes the netlist's inputs as they are."""
    return Circuit(Encoder.boolean(netlist.n_inputs), netlist, decoder)


def thermometer() -> Circuit:
    """A small image classifier: 3 thresholds a pixel, 3 levels, 5 classes."""
    random = np.random.default_rng(3)
    features, levels, classes = 36, 3, 5
    encoder = Encoder(
        (1, 6, 6),
        np.repeat(np.arange(features), levels),
        np.tile(np.float32([63.5, 127.5, 191.5]), features),
    )
    builder = Builder(features * levels)
    nets = np.arange(2, 2 + features * levels)
    for width in (200, 150, 100):
        nets = builder.luts(random.choice(nets, (width, 2)), random.integers(0, 16, width))
    counts = builder.popcount(nets.reshape(classes, -1))
    return Circuit(encoder, builder.build(counts), Decoder(classes, 4.0, -2.0))


def tiny() -> Circuit:
    """Every kind of cell on two features: a full adder as a tile, a count, a comparison."""
    body = Builder(3)
    adder = body.build(body.luts([[2, 3, 4], [2, 3, 4]], [0x96, 0xE8]))
    builder = Builder(4)
    sums = builder.tile(adder, [[2, 3, 4], [3, 4, 5]])
    wide = builder.luts([[2, 3, 4, 5]], [0xCA35])
    largest = builder.argmax(sums)
    counts = builder.popcount([[*sums[0], wide[0]], [largest[0], 5, 0]])
    return Circuit(
        Encoder((2,), [0, 0, 1, 1], np.float32([9.5, 99, 9.5, 49])),
        builder.build(counts),
        Decoder(2, tau=2.0, beta=0.5),
    )


def numbers(bits: np.ndarray) -> np.ndarray:
    """Bits [n, digits], the lowest first, as numbers [n]."""
    return (bits * (1 << np.arange(bits.shape[1]))).sum(axis=1)


def refuted(circuit: Circuit, old: str, new: str, message: str, **options: object) -> None:
    """A text in which `old` became `new`, once, is no longer proved."""
    seen = []

    def changed(text: bytes, circuit: Circuit, given: Given) -> Proof:
        wrong, changes = re.subn(old, new, text.decode(), count=1)
        assert changes == 1
        seen.append(given)
        return prove_module(wrong.encode(), circuit, given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "prove_module", changed)
        with pytest.raises(NetlistError, match=message):
            Verilog(**options).emit(circuit, "dut", prove=True)  # type: ignore[arg-type]
    assert seen
