"""Trained circuits of ours as the peers take them, compiled by the peers' own code.

torchlogix gets a `Circuit`, gate by gate as traced with tiles unrolled, and may `simplify()` it;
difflogic gets its own layers with the same wiring and functions. Both call `gcc`; see
`peer_compiler.py` for what stands in its place.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gatewright.compiler import Circuit
from gatewright.compiler.netlist import FIRST_INPUT, TRUE, Luts, Netlist, Popcount
from gatewright.compiler.passes.unroll import unroll

NAMES = {
    0x0: "CONST_FALSE",
    0x8: "AND",
    0x2: "AND_NOT_B",
    0xA: "WIRE",
    0x4: "AND_NOT_A",
    0xC: "WIRE_B",
    0x6: "XOR",
    0xE: "OR",
    0x1: "NOR",
    0x9: "XNOR",
    0x3: "NOT_B",
    0xB: "OR_NOT_B",
    0x5: "NOT",
    0xD: "OR_NOT_A",
    0x7: "NAND",
    0xF: "CONST_TRUE",
}
SINGLE = {0x0: "CONST_FALSE", 0x1: "NOT", 0x2: "WIRE", 0x3: "CONST_TRUE"}
BITS = (8, 16, 32, 64)


def exported(circuit: Circuit) -> dict[str, Any]:
    """A flat circuit of gates and popcounts as torchlogix's `Circuit.from_dict` takes it.

    Inputs keep their numbers; the net n is gate n - 2, and the sum of group g follows them all.
    """
    netlist = circuit.netlist
    gates = [{"gate_id": netlist.n_nets, "op": "CONST_TRUE", "in0": -1, "in1": -1}]
    sums: list[list[int]] = []

    def name(net: int) -> int:
        return netlist.n_nets if net == TRUE else net - FIRST_INPUT

    for first, cell in netlist.placed():
        if isinstance(cell, Popcount):
            sums += [[name(net) for net in row if net] for row in cell.fanin.tolist()]
            continue
        assert isinstance(cell, Luts), cell
        assert cell.k <= 2, "gates of more than two inputs"
        rows = zip(cell.fanin.tolist(), cell.table.tolist(), strict=True)
        for gate, (fanin, table) in enumerate(rows, first - FIRST_INPUT):
            assert 0 not in fanin, "a gate that reads a constant"
            a, *rest = map(name, fanin)
            op, b = NAMES[table] if rest else SINGLE[table], rest[0] if rest else -1
            if op in ("WIRE_B", "NOT_B"):
                op, a = op.removesuffix("_B"), b
            one = op in ("WIRE", "NOT")
            none = op.startswith("CONST")
            ends = {"in0": -1 if none else a, "in1": -1 if one or none else b}
            gates.append({"gate_id": gate, "op": op, **ends})
    nodes = range(netlist.n_nets + 1, netlist.n_nets + 1 + len(sums))
    decoder = circuit.decoder
    assert decoder is not None
    return {
        "n_inputs": netlist.n_inputs,
        "input_shape": [netlist.n_inputs],
        "gates": gates,
        "outputs": list(nodes),
        "output_shape": [len(sums)],
        "sum_nodes": [
            {"node_id": node, "input_ids": reads, "tau": decoder.tau, "beta": decoder.beta}
            for node, reads in zip(nodes, sums, strict=True)
        ],
    }


Scores = Callable[[np.ndarray], np.ndarray]  # of Boolean rows
Make = Callable[[int, int], Scores]  # bits of a word, level of gcc


@dataclass(frozen=True, eq=False)
class Peer:
    """One way a peer can compile a network, and once it has, the scores and gcc's seconds.

    difflogic answers with counts, as it knows no temperature when compiled.
    """

    name: str
    bits: int
    level: int
    granted: bool
    scores: Scores | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        flags = f"-O{self.level}{' -march=native' if self.granted else ''}"
        taken = f", gcc {self.seconds:.0f} s" if self.scores else ""
        return f"{self.name} {flags} ({self.bits} bits{taken})"


@dataclass
class Compilers:
    """Where the peers' libraries are kept, and after how many seconds a compiler is stopped."""

    folder: Path
    limit: int

    @contextlib.contextmanager
    def granted(self, flags: str) -> Iterator[None]:
        """While this lasts, `gcc` is ours: with `flags`, kept results and a limit."""
        gcc = shutil.which("gcc")
        if gcc is None:
            sys.exit("no gcc on the PATH, which the peers need")
        binary = self.folder / "bin" / "gcc"
        binary.parent.mkdir(parents=True, exist_ok=True)
        script = Path(__file__).with_name("peer_compiler.py")
        binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
        binary.chmod(0o755)
        set_here = {
            "PEER_GCC": gcc,
            "PEER_FLAGS": flags,
            "PEER_LIMIT": str(self.limit),
            "PEER_CACHE": str(self.folder),
            "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}",
        }
        before = {key: os.environ.get(key) for key in set_here}
        os.environ.update(set_here)
        try:
            yield
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})

    def build(self, make: Make, peer: Peer) -> Peer | None:
        """The peer with what it compiled; None if the compiler failed or took long."""
        printed = io.StringIO()  # difflogic prints in between
        with (
            self.granted("-O3 -march=native" if peer.granted else ""),
            contextlib.redirect_stdout(printed),
        ):
            try:
                scores = make(peer.bits, peer.level)
            except RuntimeError:
                return None
        seconds = float((self.folder / "last.seconds").read_text())
        return replace(peer, scores=scores, seconds=seconds)


def torchlogix(circuit: Circuit) -> Make | None:
    """How torchlogix compiles its simplified circuit for words of so many bits; None if absent."""
    try:
        module = importlib.import_module("torchlogix.circuit")
    except (ImportError, SyntaxError):  # torchlogix 0.2.2 needs Python 3.12
        return None
    flat = circuit.with_netlist(unroll(circuit.netlist))
    simplified = module.Circuit.from_dict(exported(flat))
    simplified.simplify()

    def make(bits: int, level: int) -> Scores:
        one = copy.copy(simplified)
        one.compile(opt_level=level, pack_bits=bits)
        return lambda rows: one(rows, use_compiled=True)

    return make


def difflogic(circuit: Circuit) -> Make | None:
    """How difflogic compiles the layers for words of so many bits; None if absent or no layers."""
    layers = dense_layers(circuit.netlist)
    if layers is None or circuit.decoder is None:
        return None
    try:
        module = importlib.import_module("difflogic")
    except ImportError:
        return None
    torch = importlib.import_module("torch")
    model = []
    size = circuit.netlist.n_inputs
    with contextlib.redirect_stdout(io.StringIO()):
        for fanin, table in layers:
            layer = module.LogicLayer(size, len(fanin), device="cpu", implementation="python")
            layer.indices = tuple(torch.from_numpy(fanin.T.astype(np.int64)))
            number = sum((table >> bit & 1) << place for place, bit in enumerate((3, 1, 2, 0)))
            layer.weights.data = torch.eye(16)[torch.from_numpy(number.astype(np.int64))]
            model.append(layer)
            size = len(fanin)
        model.append(module.GroupSum(circuit.decoder.groups, circuit.decoder.tau))

    def make(bits: int, level: int) -> Scores:
        net = module.CompiledLogicNet(torch.nn.Sequential(*model), num_bits=bits)
        net.compile(opt_level=level)
        return lambda rows: net(rows).numpy()

    return make


def dense_layers(netlist: Netlist) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Fanin, as positions in the layer before, and table of each layer; None if it has others."""
    *cells, (_, last) = netlist.placed()
    before = FIRST_INPUT, FIRST_INPUT + netlist.n_inputs
    layers = []
    for first, cell in cells:
        if not isinstance(cell, Luts) or cell.k != 2:
            return None
        if cell.fanin.min() < before[0] or cell.fanin.max() >= before[1]:
            return None
        layers.append((cell.fanin - before[0], cell.table.astype(np.int64)))
        before = first, first + cell.n_nets
    straight = np.arange(*before).reshape(-1)
    if not isinstance(last, Popcount) or not np.array_equal(last.fanin.reshape(-1), straight):
        return None
    return layers


def candidates(
    circuit: Circuit, compilers: Compilers, levels: list[int], words: list[int]
) -> Iterator[Peer | str]:
    """Every way of every peer that compiles, or a line that says why there is none."""
    for name, find in (("torchlogix", torchlogix), ("difflogic", difflogic)):
        make = find(circuit)
        if make is None:
            yield f"{name}: not installed, or cannot express the network"
            continue
        for level, granted in [*((level, False) for level in levels), (3, True)]:
            for bits in words:
                peer = Peer(name, bits, level, granted)
                found = compilers.build(make, peer)
                yield found or f"{peer}: gcc failed, or took more than {compilers.limit} s"
