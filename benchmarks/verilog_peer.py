"""torchlogix's Verilog of a circuit, and how often it answers wrongly in Icarus Verilog."""

from __future__ import annotations

import importlib
import importlib.util
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from peers import exported

from gatewright.compiler import Circuit
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.stats import lut_histogram
from gatewright.runtime.tools import copied, run_tool

_BENCH = """
module bench;
  reg [{inputs}-1:0] vectors [0:{rows}-1];
  reg [{inputs}-1:0] x;
  wire [{bits}-1:0] scores;
  integer i;
  circuit dut (.inp(x), .scores_flat(scores));
  initial begin
    $readmemh("inputs.hex", vectors);
    for (i = 0; i < {rows}; i = i + 1) begin
      x = vectors[i];
      #1 $display("%h", scores);
    end
  end
endmodule
"""


class Wrong(NamedTuple):
    """Of so many vectors, those whose sums are wrong, and those whose class is."""

    vectors: int
    sums: int
    classes: int

    def __str__(self) -> str:
        return f"of {self.vectors:,} vectors {self.sums:,} sums and {self.classes:,} classes wrong"


def by_torchlogix(circuit: Circuit) -> str | None:
    """Its Verilog of the circuit, simplified; None if it is not there or cannot express it."""
    if importlib.util.find_spec("torchlogix") is None:
        return None
    flat = unroll(circuit.netlist)
    if max(lut_histogram(flat)) > 2:
        return None
    theirs = importlib.import_module("torchlogix.circuit").Circuit.from_dict(
        exported(circuit.with_netlist(flat))
    )
    theirs.simplify()
    return theirs.get_verilog_code()


def wrong_answers(text: str, circuit: Circuit, x: NDArray[np.bool_]) -> Wrong:
    """Run its Verilog on x bool [n, inputs] and compare with the circuit, which takes such bits.

    Its sums are compared with counts, so that its leaving out tau and beta is not held against it.
    """
    expected = circuit.counts(x)
    found = re.search(r"output reg +\[(\d+):0\] scores_flat", text)
    assert found is not None
    bits = int(found[1]) + 1
    wide = bits // expected.shape[1]
    lines = ["".join("1" if bit else "0" for bit in row[::-1]) for row in x]
    vectors = "".join(f"{int(line, 2):x}\n" for line in lines)
    bench = _BENCH.format(inputs=x.shape[1], rows=len(x), bits=bits)
    files = {"circuit.v": text.encode(), "bench.v": bench.encode(), "inputs.hex": vectors.encode()}
    with copied(files) as folder:
        run_tool(["iverilog", "-g2012", "-o", "sim.vvp", "circuit.v", "bench.v"], folder, 600)
        log = run_tool(["vvp", "-n", "sim.vvp"], folder, 600)
    numbers = [int(line, 16) for line in log.split()]
    sums = np.array(
        [[n >> wide * g & (1 << wide) - 1 for g in range(bits // wide)] for n in numbers]
    )
    classes = sums.argmax(axis=1) != expected.argmax(axis=1)
    return Wrong(len(x), int((sums != expected).any(axis=1).sum()), int(classes.sum()))
