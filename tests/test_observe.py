"""Don't-cares from data: outputs stay on the samples, and on those alone."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, samples
from hypothesis import given, settings
from hypothesis import strategies as st
from pass_checks import assert_pass, dense, parse
from strategies import all_inputs, netlists

import gatewright as gw
from gatewright.compiler import Builder, simulate, unseen, verify
from gatewright.compiler.passes.observe import Observe
from gatewright.compiler.samples import Samples
from gatewright.compiler.stats import n_gates
from gatewright.compiler.subject_split import split
from gatewright.compiler.unseen import drop_unseen


def observed(netlist, bits):
    """The netlist after `Observe`, having checked the pass's contract on the samples."""
    printed = str(netlist)
    result = verify(Observe(bits)(netlist))
    assert str(netlist) == printed
    assert result.n_inputs == netlist.n_inputs
    np.testing.assert_array_equal(simulate(result, bits), simulate(netlist, bits))
    return result


def drawn(n_inputs: int, n: int, seed: int) -> np.ndarray:
    """Samples of which some bits hardly vary and some copy others."""
    random = np.random.default_rng(seed)
    bits = random.random((n, n_inputs)) < random.choice([0.0, 0.02, 0.5, 1.0], n_inputs)
    copies = random.random(n_inputs) < 0.3
    bits[:, copies] = bits[:, random.integers(0, max(1, n_inputs), int(copies.sum()))]
    return bits


@settings(max_examples=100, deadline=None)
@given(netlist=netlists(), n=st.integers(1, 130), seed=st.integers(0, 2**32 - 1))
def test_outputs_stay_on_the_samples(netlist, n, seed):
    observed(netlist, drawn(netlist.n_inputs, n, seed))


@settings(max_examples=80, deadline=None)
@given(netlist=netlists(max_inputs=8, max_cells=14, max_k=2), seed=st.integers(0, 2**32 - 1))
def test_outputs_stay_on_the_samples_where_much_is_equal(netlist, seed):
    observed(netlist, drawn(netlist.n_inputs, 40, seed))


@settings(max_examples=100, deadline=None)
@given(netlist=netlists())
def test_with_every_pattern_observed_the_function_stays(netlist):
    assert_pass(Observe(all_inputs(netlist.n_inputs)), netlist, idempotent=False)


def test_a_wrong_merge_is_noticed(monkeypatch):
    """The checks above can fail: nets that differ on the last sample alone must stay apart."""
    netlist = parse("netlist inputs=2\n  %4 = lut 0x8 %2 %3\n  output %4\n")
    bits = np.zeros((65, 2), np.bool_)
    assert not observed(netlist, bits).cells
    bits[64] = True
    assert str(Observe(bits)(netlist).outputs) != "[0]"
    monkeypatch.setattr(Samples, "chunks", lambda self, nets: iter([self.words[:, :1]]))
    with pytest.raises(AssertionError):
        observed(netlist, bits)


def shown(before: str, bits: list[list[int]]) -> str:
    return str(observed(parse(before), np.array(bits, np.bool_)))


def test_constant_equal_and_complementary():
    before = """
        netlist inputs=4
          %6 = lut 0x8 %2 %3
          %7 = lut 0x6 %2 %4
          %8 = lut 0x1 %3 %4

          %9 = lut 0x6 %6 %7
          %10 = lut 0x8 %8 %5
          output %9 %10 %6
    """
    after = """
        netlist inputs=4
          %6 = lut 0x8 %2 %3
          %7 = lut 0x9 %2 %3

          %8 = lut 0x6 %6 %7
          output %8 %0 %6
    """
    # Input 2 is always the inverse of input 1, and input 3 is false.
    bits = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]]
    assert shown(before, bits) == str(parse(after))


def test_a_gate_that_no_output_shows_goes():
    before = """
        netlist inputs=3
          %5 = lut 0x6 %2 %3

          %6 = lut 0x8 %5 %4
          output %6
    """
    after = """
        netlist inputs=3
          %5 = lut 0x8 %2 %4
          output %5
    """
    # Where input 2 is true, input 1 is false; elsewhere the XOR is not seen.
    bits = [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]]
    assert shown(before, bits) == str(parse(after))


def test_a_body_is_merged_where_all_places_agree():
    before = """
        netlist inputs=4
          tile
            netlist inputs=2
              %4 = lut 0x8 %2 %3
              %5 = lut 0x6 %2 %3
              output %4 %5
          %6..%7 = place %2 %3
          %8..%9 = place %4 %5
          output %6 %7 %8 %9
    """
    bits = all_inputs(4)
    first, second = bits[:, :2].all(axis=1), bits[:, 2:].all(axis=1)
    assert n_gates(observed(parse(before), bits[~first])) == 4  # the other place needs the AND
    assert n_gates(observed(parse(before), bits[~first & ~second])) == 2


def test_popcounts_do_not_come_to_read_what_they_drive():
    before = """
        netlist inputs=2
          %4..%5 = popcount %2 %3
          %6 = lut 0x8 %2 %3

          %7 = lut 0x6 %6 %5
          %8..%9 = popcount %7 %6
          output %8 %9 %4 %5
    """
    observed(parse(before), all_inputs(2))
    observed(parse(before), all_inputs(2)[:2])


@settings(max_examples=60, deadline=None)
@given(netlist=netlists(max_inputs=8, max_cells=14, max_k=2), seed=st.integers(0, 2**32 - 1))
def test_native_and_numpy_agree(netlist, seed):
    agree(netlist, drawn(netlist.n_inputs, 70, seed))


@pytest.mark.parametrize("window", [1, 2, 5, 256])
def test_native_and_numpy_agree_in_small_windows(window, monkeypatch):
    monkeypatch.setattr(unseen, "_WINDOW", window)
    netlist = dense(12, 60, 5, seed=window)
    agree(netlist, drawn(12, 5000, window))


def agree(netlist, bits):
    if unseen.library("observe") is None:
        pytest.skip("no C compiler")
    subject, _ = split(netlist)
    random = np.random.default_rng(len(bits))
    words = Samples.of_bits(random.random((len(bits), subject.n_leaves)) < 0.2).words
    native = drop_unseen(subject, words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unseen, "library", lambda name: None)
        plain = drop_unseen(subject, words)
    assert native[1] == plain[1]
    for name in ("fanin", "xor", "outputs"):
        np.testing.assert_array_equal(getattr(native[0], name), getattr(plain[0], name))


def test_three_thousand_levels():
    builder = Builder(3)
    net = np.int32(2)
    for i in range(3000):
        net = builder.luts([[net, 3 + i % 2]], [0x6 if i % 3 else 0xE])[0]
    netlist = builder.build(net)
    observed(netlist, drawn(3, 100, 1))


def test_large_values_are_merged_without_the_search(monkeypatch):
    from gatewright.compiler.passes import observe as module

    monkeypatch.setattr(module, "_MEMORY", 8)
    circuit = classifier()
    result = gw.observe(circuit, samples(circuit, 64, "uint8"))
    assert result.report.merged.too_large == 1
    assert any("too large" in text for text in result.report.warnings)
