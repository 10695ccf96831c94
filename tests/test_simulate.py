"""The judge, judged by plain Python: one sample and one gate at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from pass_checks import parse
from strategies import all_inputs, netlists

from gatewright.compiler import Argmax, Builder, Luts, Netlist, Popcount, Tile, simulate
from gatewright.compiler.simulate import simulate_words
from gatewright.runtime.arrays import pack, unpack
from gatewright.runtime.errors import InputError


def evaluate(netlist: Netlist, inputs: list[int]) -> list[int]:
    """The outputs for one sample, by the definition of each cell."""
    value = [0, 1, *inputs]
    for cell in netlist.cells:
        rows = [[value[net] for net in row] for row in cell.fanin.tolist()]
        driven = []
        match cell:
            case Luts():
                for bits, table in zip(rows, cell.table.tolist(), strict=True):
                    driven.append(table >> number(bits) & 1)
            case Popcount():
                for bits in rows:
                    total = sum(bit << int(s) for bit, s in zip(bits, cell.shifts, strict=True))
                    driven += [total >> i & 1 for i in range(cell.width)]
            case Argmax():
                numbers = [number(bits) for bits in rows]
                best = numbers.index(max(numbers))
                driven = [best >> i & 1 for i in range(cell.width)]
            case Tile():
                for bits in rows:
                    driven += evaluate(cell.body, bits)
        value += driven
    return [value[net] for net in netlist.outputs.tolist()]


def number(bits: list[int]) -> int:
    return sum(bit << i for i, bit in enumerate(bits))


@settings(max_examples=200, deadline=None)
@given(netlist=netlists(max_inputs=5))
def test_simulate_is_the_definition(netlist):
    bits = all_inputs(netlist.n_inputs)
    expected = [evaluate(netlist, row) for row in bits.astype(int).tolist()]
    found = simulate(netlist, bits)
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found, np.array(expected, bool).reshape(found.shape))


@pytest.mark.parametrize("samples", [0, 1, 63, 64, 65, 1000])
def test_any_number_of_samples(samples):
    netlist = parse("netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %4 %2\n")
    bits = np.random.default_rng(0).random((samples, 2)) < 0.5
    expected = np.stack([bits.all(axis=1), bits[:, 0]], axis=1)
    np.testing.assert_array_equal(simulate(netlist, bits), expected)


def test_a_constant_netlist_answers_every_sample():
    netlist = parse("netlist inputs=0\n  output %1 %0\n")
    assert simulate(netlist, np.zeros((3, 0), bool)).tolist() == [[True, False]] * 3
    assert simulate(parse("netlist inputs=1\n  output\n"), np.zeros((3, 1), bool)).shape == (3, 0)


def test_large_batches_are_cut():
    builder = Builder(2)
    nets = np.arange(2, 4)
    for _ in range(20):
        nets = builder.luts(np.resize(nets, (5000, 2)), [0x6] * 5000)
    netlist = builder.build(nets[:3])
    bits = np.random.default_rng(0).random((12_000, 2)) < 0.5
    whole = simulate(netlist, bits)
    np.testing.assert_array_equal(whole[:100], simulate(netlist, bits[:100]))
    np.testing.assert_array_equal(whole[-100:], simulate(netlist, bits[-100:]))


def test_argmax_of_numbers_beyond_a_machine_word():
    fanin = np.zeros((2, 70), int)
    fanin[0, 0] = fanin[1, 69] = 2
    netlist = Netlist(1, (Argmax(fanin),), np.array([3]))
    assert simulate(netlist, np.array([[True], [False]])).tolist() == [[True], [False]]


def test_words_and_bits_agree():
    netlist = parse("netlist inputs=3\n  %5..%6 = popcount %2 %3 %4\n  output %5 %6\n")
    bits = all_inputs(3)
    words = simulate_words(netlist, pack(bits))
    np.testing.assert_array_equal(unpack(words, 8), simulate(netlist, bits))


@pytest.mark.parametrize(
    ("bits", "found"),
    [
        (np.zeros((4, 3), bool), r"bool \[4, 3\]"),
        (np.zeros(2, bool), r"bool \[2\]"),
        (np.zeros((4, 2)), r"float64 \[4, 2\]"),
    ],
)
def test_other_shapes_and_dtypes_are_refused(bits, found):
    netlist = parse("netlist inputs=2\n  output %2\n")
    with pytest.raises(InputError, match=f"simulate: {found}; allowed is bool"):
        simulate(netlist, bits)
