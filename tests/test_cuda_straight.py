"""Straight-line CUDA kernels: operations, registers, pieces, words a thread, and the budget."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, samples, with_encoder
from cuda_loops import each_form, looped
from hypothesis import given, settings, strategies
from strategies import netlists

from gatewright.backends.cuda import parts, straight
from gatewright.backends.cuda.backend import Cuda
from gatewright.backends.cuda.gather import gather
from gatewright.backends.cuda.operations import operations_of
from gatewright.backends.cuda.registers import (
    FETCH,
    KEEP,
    LOAD,
    OPERATE,
    SET,
    STORE,
    Allocation,
    allocate,
)
from gatewright.backends.cuda.straight import Straight, plan_body
from gatewright.compiler import Builder, Circuit, Luts, Netlist, Popcount, Tile, simulate


def executed(found: Allocation, inputs: np.ndarray, outputs: int) -> np.ndarray:
    """What the instructions store for bool [n, inputs]; nothing is in registers between pieces."""
    made = np.zeros((len(inputs), outputs), np.bool_)
    memory: dict[int, np.ndarray] = {}
    for piece in found.pieces:
        registers: dict[int, np.ndarray] = {}
        for kind, register, at, operands in piece:
            assert register < found.registers
            if kind == LOAD:
                registers[register] = inputs[:, at]
            elif kind == STORE:
                made[:, at] = registers[register]
            elif kind == FETCH:
                registers[register] = memory[at]
            elif kind == KEEP:
                assert at < found.kept
                memory[at] = registers[register]
            elif kind == SET:
                registers[register] = np.full(len(inputs), bool(at))
            else:
                pattern = sum(registers[r].astype(int) << i for i, r in enumerate(operands))
                registers[register] = (at >> pattern & 1).astype(np.bool_)
    return made


@settings(max_examples=60, deadline=None)
@given(
    netlist=netlists(kinds=("luts", "popcount"), max_k=3),
    registers=strategies.sampled_from([4, 7, 160]),
    piece=strategies.sampled_from([None, 1, 5, 1000]),
)
def test_instructions_compute_what_the_netlist_says(netlist, registers, piece):
    operations, outputs = operations_of(netlist)
    found = allocate(operations, outputs, netlist.n_inputs, registers, piece)
    bits = np.random.default_rng(0).integers(0, 2, (100, netlist.n_inputs)).astype(np.bool_)
    assert np.array_equal(executed(found, bits, len(outputs)), simulate(netlist, bits))
    if piece:
        assert found.registers <= registers
        assert len(found.pieces) == max(1, -(-len(operations) // piece))
    else:
        assert not found.count(FETCH, KEEP)


def test_the_fewer_registers_the_more_is_loaded():
    netlist = classifier(features=40, widths=(200, 100)).netlist
    operations, outputs = operations_of(netlist)
    found = [allocate(operations, outputs, 40, registers, 10_000) for registers in (8, 16, 160)]
    loads = [allocation.count(LOAD, FETCH) for allocation in found]
    assert loads[0] > loads[1] > loads[2] >= 30
    assert [allocation.count(OPERATE, SET) for allocation in found] == [len(operations)] * 3


def test_a_sum_of_seven_takes_four_adders():
    builder = Builder(7)
    operations, _ = operations_of(builder.build(builder.popcount([np.arange(2, 9)])))
    assert sorted(operation.table for operation in operations) == [0x96] * 4 + [0xE8] * 4


@settings(max_examples=40, deadline=None)
@given(netlist=netlists(), where=strategies.floats(0, 1))
def test_gathered_runs_answer_the_same(netlist, where):
    cut = round(where * len(netlist.cells))
    gathered, bodies, new_cut = gather(netlist, cut)
    bits = np.random.default_rng(0).integers(0, 2, (100, netlist.n_inputs)).astype(np.bool_)
    assert np.array_equal(simulate(gathered, bits), simulate(netlist, bits))
    assert not any(isinstance(cell, Luts | Popcount) for cell in gathered.cells)
    tiles = [cell for cell in gathered.cells if isinstance(cell, Tile)]
    assert [cell.body for cell in tiles if any(cell.body is body for body in bodies)] == bodies
    assert new_cut <= len(gathered.cells)


def test_no_run_crosses_the_cut():
    builder = Builder(4)
    nets = builder.luts([[2, 3], [4, 5]], [6, 8])
    nets = builder.luts([[2, nets[0]], [nets[0], nets[1]]], [6, 8])
    counted = builder.popcount([[*nets, 3]])
    netlist = builder.build([*counted.ravel(), nets[1]])
    gathered, bodies, cut = gather(netlist, 1)
    assert [len(body.cells) for body in bodies] == [1, 2]
    assert [len(body.outputs) for body in bodies] == [2, 3]
    assert (cut, len(gathered.cells)) == (1, 2)


def convolution(luts: int, places: int = 50, seed: int = 0) -> Circuit:
    """A body of so many LUTs over nine inputs, each read again and again, at places."""
    random = np.random.default_rng(seed)
    inner = Builder(9)
    nets = [*range(2, 11)]
    for _ in range(luts):
        fanin = random.choice(nets[-30:], (1, 3))
        nets += inner.luts(fanin, random.integers(1, 255, 1)).tolist()
    builder = Builder(60)
    body = inner.build([*nets[-4:], 1, 4])
    made = builder.tile(body, random.integers(0, 62, (places, 9)))
    return with_encoder(builder.build(made.reshape(-1)))


def planned(circuit: Circuit, backend: Cuda) -> Straight | None:
    return backend.plan(backend.prepare(circuit))[1]


@pytest.mark.parametrize("words", [1, 2, 4])
def test_a_thread_evaluates_several_words(monkeypatch, words):
    monkeypatch.setattr(straight, "_BY_WORDS", {words: 1000, 1: 1000})
    circuit = convolution(60)
    found = planned(circuit, Cuda())
    assert found
    assert [kernel.words for kernel in found.kernels] == [words]
    library = looped(circuit)
    for n in (1, 31, 1025, 3000):
        x = samples(circuit, n, "uint8")
        for _ in each_form(library):
            assert np.array_equal(library.bits(x), circuit.bits(x))


def test_large_bodies_take_fewer_words_a_thread():
    sizes = (10, 900, 1400, 2500, 4000)
    bodies = [convolution(n).netlist.cells[0] for n in sizes]
    kernels = [plan_body(cell.body)[0] for cell in bodies if isinstance(cell, Tile)]
    assert [kernel.words for kernel in kernels] == [4, 2, 2, 1, 1]


def test_long_runs_are_kernels_in_turn(monkeypatch):
    monkeypatch.setattr(straight, "PIECE", 50)
    monkeypatch.setattr(straight, "REGISTERS", 20)
    circuit = classifier(features=50, widths=(150, 100))
    found = planned(circuit, Cuda())
    assert found
    assert found.whole
    assert len(found.texts()) >= 5
    assert found.slots > found.steps.n_slots
    library = looped(circuit)
    x = samples(circuit, 2100, "uint8")
    for _ in each_form(library):
        assert np.array_equal(library.counts(x), circuit.counts(x))
        assert np.array_equal(library.predict(x), circuit.predict(x))


def test_what_exceeds_the_budget_is_driven_by_tables():
    random = np.random.default_rng(0)
    tiled = convolution(60).netlist
    first = tiled.n_nets
    rows = Luts(random.integers(2, first, (500, 2)), np.full(500, 6, np.uint8))
    netlist = Netlist(60, (*tiled.cells, rows), np.arange(first, first + 500))
    circuit = with_encoder(netlist)
    assert planned(circuit, Cuda(straight=0)) is None
    assert planned(circuit, Cuda(straight=60)) is None  # less than a word of the body fits
    part = planned(circuit, Cuda(straight=300))
    assert part
    assert not part.whole
    whole = planned(circuit, Cuda())
    assert whole
    assert whole.whole
    dense = with_encoder(Netlist(60, (Luts(rows.fanin % 60 + 2, rows.table),), np.arange(62, 300)))
    assert planned(dense, Cuda(straight=100)) is None
    library = looped(circuit, Cuda(straight=300))
    x = samples(circuit, 100, "uint8")
    for _ in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x))
    assert looped(circuit, Cuda(straight=0)).engine.isas() == ("cpu-resident", "cpu-streamed")


def forest(outputs: int, places: int = 30) -> Circuit:
    """A body of gates that each are an output, over inputs of their own."""
    inner = Builder(2 * outputs)
    nets = np.arange(2, 2 + 2 * outputs).reshape(-1, 2)
    made = inner.luts(nets, np.random.default_rng(0).integers(1, 15, outputs))
    builder = Builder(60)
    fanin = np.random.default_rng(1).integers(0, 62, (places, 2 * outputs))
    tiled = builder.tile(inner.build([*made, 1, 2]), fanin)
    return with_encoder(builder.build(tiled.reshape(-1)))


def test_long_bodies_are_kernels_of_some_outputs_each(monkeypatch):
    circuit = forest(40)
    whole = planned(circuit, Cuda())
    assert whole
    assert len(whole.kernels) == 1
    monkeypatch.setattr(parts, "LONG", 120)
    found = planned(circuit, Cuda())
    assert found
    stored = [position for kernel in found.kernels for position in kernel.positions]
    assert stored == list(range(42))
    assert len(found.kernels) == 4
    assert min(len(kernel.positions) for kernel in found.kernels) >= 9
    library = looped(circuit)
    x = samples(circuit, 3000, "uint8")
    for _ in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x))


def test_a_body_whose_parts_would_repeat_much_is_one_kernel(monkeypatch):
    monkeypatch.setattr(parts, "LONG", 120)
    found = planned(convolution(200), Cuda())
    assert found
    assert len(found.kernels) == 1
