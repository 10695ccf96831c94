"""What CUDA kernels read: rows against bank conflicts, slots, counts in parts, windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from circuits import classifier, samples, with_encoder
from cuda_loops import each_form, looped
from hypothesis import given, settings, strategies
from strategies import netlists

from gatewright.backends.cuda import banks, steps
from gatewright.backends.cuda.backend import Cuda
from gatewright.backends.cuda.banks import arrange, block_words, spread, wavefronts
from gatewright.backends.cuda.counts import split_counts
from gatewright.backends.cuda.orders import smallest_tables, symmetries
from gatewright.backends.cuda.runs import runs_of
from gatewright.backends.cuda.slots import Slots
from gatewright.backends.cuda.windows import plan_windows
from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Popcount, simulate

ALL = np.arange(256, dtype=np.uint64)


def value(table: int, inputs: tuple[int, ...]) -> int:
    return table >> sum(bit << i for i, bit in enumerate(inputs)) & 1


def test_the_smallest_table_of_reordered_inputs_says_the_same():
    fanin, least = smallest_tables(np.tile([10, 20, 30], (256, 1)), ALL)
    assert len(set(least.tolist())) == 80
    for table, row, small in zip(ALL.tolist(), fanin.tolist(), least.tolist(), strict=True):
        for bits in product((0, 1), repeat=3):
            of = dict(zip((10, 20, 30), bits, strict=True))
            assert value(table, bits) == value(small, tuple(of[net] for net in row))


def test_inputs_that_nothing_depends_on_come_last_and_read_the_first():
    fanin, least = smallest_tables(np.array([[10, 20, 30]] * 2), np.array([0x5A, 0x0F], np.uint64))
    assert fanin.tolist() == [[10, 30, 10], [30, 30, 30]]
    assert least.tolist() == [0x66, 0x55]


@pytest.mark.parametrize(("table", "orders"), [(0x96, 6), (0xE8, 6), (0xCA, 1), (0x66, 2), (0, 1)])
def test_symmetries(table, orders):
    found = symmetries(table)
    assert len(found) == orders
    assert found[0] == (0, 1, 2)
    for order, bits in product(found, product((0, 1), repeat=3)):
        assert value(table, bits) == value(table, tuple(bits[i] for i in order))


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    table = random.choice([0x66, 0x88, 0x96, 0xCA], n).astype(np.uint64)
    operand = random.integers(0, 5000, (n, 3))
    operand[table < 0x90, 2] = operand[table < 0x90, 0]
    return table, operand, np.where(random.random(n) < 0.3, operand[:, 0], -1)


@pytest.mark.parametrize("phase", [2, 4, 8, 32])
def test_rows_that_read_together_read_different_banks(phase):
    table, operand, own = rows(3000)
    order, columns, wishes = arrange(table, operand, own, phase)
    assert sorted(order) == list(range(3000))
    moved = np.take_along_axis(operand[order], columns, axis=1)
    assert (np.sort(moved) == np.sort(operand[order])).all()
    for before, after in ((operand[:, 0], moved[:, 0]), (operand[:, 1], moved[:, 1])):
        assert wavefronts(after, phase) - 1 < 0.4 * (wavefronts(before, phase) - 1)
    whole = table[order][: 2900 // phase * phase].reshape(-1, phase)
    assert (whole == whole[:, :1]).all()
    has_own = own[order] >= 0
    assert (np.array(wishes)[has_own] == own[order][has_own] % phase).all()


@pytest.mark.parametrize("phase", [1, 4, 8])
def test_groups_that_count_together_read_different_banks(phase):
    slots = np.random.default_rng(0).integers(0, 5000, (64, 31)).astype(np.uint32)
    found = spread(slots, phase)
    assert (np.sort(found) == np.sort(slots)).all()
    before = np.mean([wavefronts(column, phase) for column in slots.T])
    after = np.mean([wavefronts(column, phase) for column in found.T])
    assert after - 1 <= 0.7 * (before - 1)
    assert spread(slots[:, :0], phase).shape == (64, 0)


def test_wavefronts():
    assert wavefronts(np.array([0, 1, 2, 3, 4, 8, 12, 3]), 4) == 2  # 1, and 3 of bank 0
    assert wavefronts(np.array([5, 5, 5, 5]), 4) == 1
    assert wavefronts(np.zeros(0, int), 4) == 1


def test_a_block_holds_as_many_words_as_fit_and_from_8_on_leaves_room_for_another():
    assert [block_words(n) for n in (1, 900, 1800, 3600, 7000, 14_000, 29_000, 58_000, 60_000)] == [
        *(32, 32, 16, 8, 8, 4, 2, 1, 0)
    ]


def test_slots_are_used_again_after_the_step_or_by_the_only_reader():
    builder = Builder(3)
    x = builder.luts([[2, 3], [3, 4]], [6, 6])  # 3 has two readers, 2 and 4 have one
    y = builder.luts([[x[0], x[1]]], [8])
    netlist = builder.build(y)
    runs, _ = runs_of(netlist, len(netlist.cells))
    slots = Slots(netlist, runs, np.arange(3))
    assert slots.heirs(0, np.array([[2, 3], [3, 4]])).tolist() == [2, 4]
    slots.inherit(x, np.array([2, 4]))
    slots.release(0)
    assert slots.of[x].tolist() == slots.of[[2, 4]].tolist()
    assert slots.take(y, [1], 2).tolist() == slots.of[[3]].tolist()
    assert slots.count == 3


@settings(max_examples=40, deadline=None)
@given(netlist=netlists(), most=strategies.sampled_from([2, 3, 7, 31]))
def test_counts_in_parts(netlist, most):
    split, begins = split_counts(netlist, max(most, 3))
    assert begins[-1] == len(split.cells)
    for cell in split.cells:
        if isinstance(cell, Popcount):
            assert max(cell.planes) <= max(most, 3)
    bits = np.random.default_rng(0).integers(0, 2, (200, netlist.n_inputs)).astype(np.bool_)
    assert np.array_equal(simulate(split, bits), simulate(netlist, bits))


@pytest.mark.parametrize("addends", [31, 32, 500, 5000])
def test_many_addends_in_parts(addends):
    builder = Builder(50)
    random = np.random.default_rng(addends)
    counts = builder.popcount(random.integers(0, 52, (3, addends)))
    netlist = builder.build(counts)
    split, _ = split_counts(netlist)
    assert (len(split.cells) > 1) == (addends > 31)
    bits = random.integers(0, 2, (100, 50)).astype(np.bool_)
    assert np.array_equal(simulate(split, bits), simulate(netlist, bits))


def test_windows_hold_each_input_once_the_lowest_threshold_first():
    encoder = Encoder(
        (11,), np.array([9, 2, 2, 0, 2, 10]), np.array([7, 300, 5, -3, 255, 6], np.float32)
    )
    builder = Builder(6)
    windows = plan_windows(encoder, builder.build(np.arange(2, 8)))
    assert windows.feature.tolist() == [0, 0, 0, 8]
    assert windows.begin.tolist() == [0, 3, 4]
    assert windows.inputs.tolist() == [
        [3, -1, 2, -1],
        [-1, -1, 4, -1],
        [-1, -1, 1, -1],
        [-1, 0, 5, -1],
    ]
    records = windows.records(encoder)
    assert records[0, 1] & 0xFF == 0  # -3: always
    assert records[0, 1] >> 16 & 0xFF == 6
    assert records[2, 2] == records[2, 2] | 4  # 255: never, of bytes
    assert windows.order.tolist() == [3, 0, 2, 5, 4, 1]


@pytest.mark.parametrize("words", [1, 2, 4, 8])
def test_phases_of_any_size_answer_the_same(monkeypatch, words):
    monkeypatch.setattr(steps, "block_words", lambda *_: words)
    circuit = classifier(features=40, widths=(300, 200, 100))
    library = looped(circuit)
    x = samples(circuit, 700, "uint8")
    for _ in each_form(library):
        assert np.array_equal(library.counts(x), circuit.counts(x))
        assert np.array_equal(library.predict(x), circuit.predict(x))


@pytest.mark.parametrize("classes", [1, 16, 17, 100, 300])
def test_the_class_of_many_is_found_in_a_tournament(classes):
    builder = Builder(40)
    random = np.random.default_rng(classes)
    netlist = builder.build(
        builder.popcount(random.integers(2, 42, (classes, 3)))
    )  # many are equal
    circuit = Circuit(Encoder.boolean(40), netlist, Decoder(classes))
    library = looped(circuit, Cuda())
    x = samples(circuit, 300, "bool")
    for _ in each_form(library):
        assert np.array_equal(library.predict(x), circuit.predict(x))


def test_planning_many_rows_is_not_exhaustive(monkeypatch):
    monkeypatch.setattr(banks, "_MANY", 10)
    table, operand, own = rows(200)
    order, _, _ = arrange(table, operand, own, 8)
    assert sorted(order) == list(range(200))


def test_a_random_encoder_is_packed_as_it_says():
    builder = Builder(30)
    circuit = with_encoder(builder.build(np.arange(2, 32)))
    library = looped(circuit)
    for dtype in ("uint8", "float32", "float64"):
        x = samples(circuit, 70, dtype)
        for _ in each_form(library):
            assert np.array_equal(library.bits(x), circuit.bits(x)), dtype
            assert np.array_equal(library.bits(x[::-1]), circuit.bits(x[::-1])), dtype
