"""Counters on carry chains: what their slices add up, and that they are proved."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from strategies import all_inputs
from verilog_checks import check, needs_iverilog, needs_yosys, numbers, refuted

from gatewright.backends.artifact import Artifact
from gatewright.backends.verilog.backend import Verilog
from gatewright.backends.verilog.carries import SLICE, Chain, body_of, layout, levels, luts
from gatewright.backends.verilog.compressors import chained_popcount, popcount_netlist
from gatewright.backends.verilog.head import Parts
from gatewright.compiler import Builder, Circuit, Encoder, Netlist, Tile
from gatewright.compiler.passes.unroll import unroll
from gatewright.compiler.proof.counters import as_count
from gatewright.compiler.simulate import simulate
from gatewright.compiler.stats import n_gates

PRIMITIVES = (Path(__file__).parent / "primitives.v").read_text()


def shapes() -> list[Chain]:
    """Counters of up to three weights, some with constants and with inverted inputs."""
    found = []
    for a, b, c, plus, inverted in product(range(2, 8), range(5), range(7), range(4), range(3)):
        taken = (a, b, c) if c else (a, b) if b else (a,)
        digits = (a + 2 * b + 4 * c + plus).bit_length()
        own = tuple(min(inverted, n) for n in taken)
        if luts(taken, plus, digits) is not None:
            found.append(Chain(taken, plus, digits, own))
    return found


def slices(chain: Chain, bits: np.ndarray) -> np.ndarray:
    """What LUT6_2 and CARRY4 answer of inputs [patterns, inputs]: bits [patterns, digits]."""
    found = layout(chain)
    inverted = np.concatenate(
        [np.arange(n) < some for n, some in zip(chain.taken, chain.inverted, strict=True)]
    )
    pins = bits ^ inverted  # at I5 and as the first carry; at other pins tables invert
    carry = np.zeros(len(bits), np.bool_)
    if found.first is not None:
        carry = pins[:, found.first] if found.first >= 0 else ~carry
    answers = []
    for position in found.positions:
        pattern = sum(bits[:, number].astype(int) << i for i, number in enumerate(position.reads))
        table = np.array([position.table >> i & 1 for i in range(64)], np.bool_)
        last = np.ones(len(bits), int) if position.last is None else pins[:, position.last]
        o6, o5 = table[pattern + 32 * last.astype(int)], table[np.asarray(pattern)]
        answers.append(o6 ^ carry)
        carry = np.where(o6, carry, o5)
    return np.column_stack([*answers, carry])[:, : chain.digits]


def test_every_counter_adds_up_all_patterns() -> None:
    seen = 0
    for chain in shapes():
        bits = all_inputs(chain.inputs) if chain.inputs < 13 else all_inputs(13)
        if chain.inputs > 13 or (chain.inputs > 10 and any(chain.inverted)):
            continue
        weight = np.repeat(1 << np.arange(len(chain.taken)), chain.taken)
        flip = np.concatenate(
            [np.arange(n) < some for n, some in zip(chain.taken, chain.inverted, strict=True)]
        )
        assert np.array_equal(numbers(slices(chain, bits)), (bits ^ flip) @ weight + chain.plus)
        seen += 1
    assert seen > 500


@pytest.mark.parametrize(
    ("taken", "count"), [((3,), 1), ((7,), 2), ((7, 0, 6), 4), ((3, 2, 2, 2), 4), ((4, 1), 2)]
)
def test_a_lut_removes_up_to_two_bits(taken: tuple[int, ...], count: int) -> None:
    digits = sum(n << i for i, n in enumerate(taken)).bit_length()
    assert luts(taken, 0, digits) == count
    assert sum(taken) - digits <= 2 * count


def test_what_no_chain_adds() -> None:
    assert luts((8,), 0, 4) is None
    assert luts((3, 3, 3), 0, 5) is None
    assert luts((7,), 1, 4) is None


def test_digits_come_slice_by_slice() -> None:
    chain = Chain((3, 2, 2, 2, 2, 2), 0, 7, (0,) * 6)
    assert levels(chain) == [2, 2, 2, 2, 3, 3, 3]
    assert levels(Chain((3, 2, 2, 2), 0, 5, (0,) * 4)) == [2] * 5  # the carry of a whole slice


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(0, 20), max_size=3),
    st.integers(0, 40),
    st.integers(0, 99),
    st.sampled_from([1, 2]),
)
@example([9], 3, 0, 1)  # a constant inverts what a chain reads, beside inverted inputs
def test_popcounts_add_up(planes: list[int], offset: int, seed: int, delay: int) -> None:
    assume(sum(planes) + offset)
    random = np.random.default_rng(seed)
    ready = random.integers(0, 4, sum(planes))
    inverted = tuple(int(random.integers(0, n + 1)) for n in planes)
    parts = Parts(late=delay > 1, carry=True)
    body = parts.popcount(tuple(planes), inverted, offset, tuple(ready.tolist()))
    bits = random.random((40, sum(planes))) < random.random((40, 1))
    weights = np.repeat(1 << np.arange(len(planes)), planes)
    flip = np.concatenate([np.arange(n) < k for n, k in zip(planes, inverted, strict=True)] or [[]])
    wanted = (bits ^ flip.astype(np.bool_)) @ weights + offset
    assert np.array_equal(numbers(simulate(body, bits)), wanted)


def taken(netlist: Netlist, chains: dict[Netlist, Chain]) -> int:
    """The LUTs of a popcount."""
    found = 0
    for cell in netlist.cells:
        if isinstance(cell, Tile):
            chain = chains[cell.body]
            found += cell.places * (luts(chain.taken, chain.plus, chain.digits) or 0)
    return found + n_gates(netlist)


@pytest.mark.parametrize("n", [7, 30, 63, 200])
def test_popcounts_take_little_more_than_half_a_lut_for_a_bit(n: int) -> None:
    netlist, chains = chained_popcount((n,), 0, None, (0,), 2)
    removed = n - n.bit_length()
    assert removed <= 2 * taken(netlist, chains) <= 1.2 * removed + 4
    assert taken(netlist, chains) < n_gates(popcount_netlist((n,)))


def test_bits_that_come_late_are_added_late() -> None:
    ready = np.array([[0] * 96 + [4] * 4], np.int32)
    parts = Parts(late=True, carry=True)
    alike = parts.popcount((100,), (0,), 0)
    late = parts.popcount((100,), (0,), 0, tuple(ready[0].tolist()))
    assert parts.arrivals(late, ready).max() < parts.arrivals(alike, ready).max()


def test_a_popcount_on_chains_is_a_sum() -> None:
    netlist, _ = chained_popcount((20, 3), 5, None, (4, 0), 2)
    found = as_count(unroll(netlist))
    assert found is not None
    assert found.offset == 5 + 4
    assert sorted(found.weight.values()) == [-1] * 4 + [1] * 16 + [2] * 3


def test_a_body_answers_what_its_chain_does() -> None:
    for chain in shapes()[::40]:
        bits = np.random.default_rng(0).random((50, chain.inputs)) < 0.5
        assert np.array_equal(simulate(body_of(chain), bits), slices(chain, bits))


OPTIONS = ({}, {"registers_every": 1}, {"registers_every": 3, "answer": "scores"})


def wide() -> Circuit:
    """Two classes of sixty addends."""
    return classifier(widths=(90, 120), classes=2, seed=5)


@pytest.mark.simulator
@needs_iverilog
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("synthesis", [False, True])
def test_simulators_answer_rightly(options: dict, synthesis: bool) -> None:
    """Both what synthesis sees, on models of the primitives, and what simulators see."""
    circuit = wide()
    x = np.random.default_rng(0).integers(0, 256, (100, 20)).astype(np.uint8)
    artifact = Verilog(primitives="xilinx", **options).emit(circuit, "dut", x)
    text = artifact.files["dut.v"].decode()
    assert text.count("  CARRY4") > 3
    if synthesis:
        text = f"`define SYNTHESIS\n{PRIMITIVES}\n{text}"
    files = {**artifact.files, "dut.v": text.encode()}
    check(Artifact("dut", files, artifact.manifest))


@needs_yosys
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_chains_are_proved(options: dict) -> None:
    artifact = Verilog(primitives="xilinx", **options).emit(wide(), "dut", prove=True)
    assert b"CARRY4" in artifact.files["dut.v"]
    assert artifact.manifest["proof"]["latency"] == artifact.manifest["latency"]


@needs_yosys
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"(LUT6_2 #\(.INIT\(64'h)9669", r"\g<1>6669", "adds up no bits"),
        (r"\.CYINIT\(in\[6\]\)", ".CYINIT(1'b0)", "refuted"),
        (r"\.CYINIT\(in\[6\]\)", ".CYINIT(in[5])", "refuted"),
        (r"\.DI\(two\[3:0\]\)", ".DI(one[3:0])", "adds up no bits"),
        (r"\.S\(one\[3:0\]\)", ".S(in[3:0])", "allowed are LUT6_2"),
        (r"assign out = sum\[2:0\]", "assign out = {sum[1:0], sum[2]}", "refuted"),
        (r"\.I5\(in\[5\]\)", ".I5(in[4])", "adds up no bits|refuted"),
        (r"\.CI\(1'b0\)", ".CI(in[0])", "no driver"),
    ],
)
def test_wrong_chains_are_found(old: str, new: str, message: str) -> None:
    refuted(wide(), old, new, message, primitives="xilinx", answer="scores")


@needs_yosys
def test_chains_of_several_slices_are_proved() -> None:
    """One of them goes on from the carry of another; it may take no other one."""
    builder = Builder(200)
    counts = builder.popcount(np.arange(2, 202)[None])
    circuit = Circuit(Encoder.boolean(200), builder.build(counts))
    options = {"primitives": "xilinx", "registers_every": 9}
    assert Verilog(**options).emit(circuit, "dut", prove=True).manifest["proof"]["outputs"] == 8
    above = r"\.CI\(carry\[3\]\), \.CYINIT\(1'b0\)"
    refuted(circuit, above, ".CI(carry[3]), .CYINIT(1'b1)", "two carries", **options)
    refuted(circuit, above, ".CI(carry[2]), .CYINIT(1'b0)", "no bits", **options)


@needs_yosys
def test_chains_that_read_a_bit_again_and_again_are_proved() -> None:
    """Every position reads the same bit and one of its own: 14 bits in all."""
    builder = Builder(14)
    addends = [[net for i in range(13) for net in (2, 3 + i)]]
    counts = builder.popcount(addends, np.repeat(np.arange(13), 2).astype(np.uint8))
    circuit = Circuit(Encoder.boolean(14), builder.build(counts))
    found = Verilog(primitives="xilinx").emit(circuit, "dut", prove=True)
    assert len(re.findall("LUT6_2", found.files["dut.v"].decode())) >= 12
    assert found.manifest["proof"]["outputs"] == 14


def test_slices_of_four() -> None:
    text = Verilog(primitives="xilinx").emit(wide(), "dut").files["dut.v"].decode()
    for module in re.findall(r"module dut_carry.*?endmodule", text, re.DOTALL):
        positions = len(re.findall(r"LUT6_2", module))
        assert positions <= SLICE * len(re.findall(r"CARRY4", module))
