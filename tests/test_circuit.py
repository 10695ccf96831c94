"""Encoder, decoder and circuit: what they mean, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import BATCHES, DTYPES, classifier, samples

from gatewright.compiler import Builder, Circuit, Decoder, Encoder, Netlist
from gatewright.runtime.errors import InputError, NetlistError


def popcounts(groups: int, m: int):
    builder = Builder(groups * m)
    return builder.build(builder.popcount(np.arange(2, 2 + groups * m).reshape(groups, m)))


def test_the_encoder_compares_as_torch_does():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    thresholds = np.array([0.1, 1 / 3, 0.5, 2.0, -np.inf, np.inf], np.float32)
    encoder = Encoder((6,), np.arange(6), thresholds)
    x = random.normal(0, 1, (500, 6))
    x[random.random(x.shape) < 0.1] = np.nan
    x[:50] = thresholds  # as float64 these are exactly the float32 thresholds
    x[50:60] = 0.1  # and this lies just below its float32 neighbour
    for dtype in (np.float64, np.float32, np.uint8, np.bool_):
        with np.errstate(invalid="ignore"):
            data = x.astype(dtype)
        want = (torch.from_numpy(data) > torch.from_numpy(thresholds)).numpy()
        assert np.array_equal(encoder(data), want), dtype


@pytest.mark.parametrize("n", BATCHES)
def test_answers_of_every_batch(n):
    circuit = classifier()
    for dtype in DTYPES:
        x = samples(circuit, n, dtype)
        counts, scores = circuit.counts(x), circuit.scores(x)
        assert counts.shape == scores.shape == (n, 4)
        assert (counts.dtype, scores.dtype) == (np.int32, np.float32)
        assert np.array_equal(scores, ((counts.astype(np.float32) - 1.5) / 3).astype(np.float32))
        assert np.array_equal(circuit.predict(x), scores.argmax(1))
        assert circuit.bits(x).shape == (n, 16)


def test_counts_mean_what_they_say():
    circuit = Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(2))
    x = np.array([[1, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]], np.bool_)
    assert circuit.counts(x).tolist() == [[2, 3], [0, 0]]
    assert circuit.predict(x).tolist() == [1, 0]


def test_the_digest_changes_with_whatever_decides_an_answer():
    netlist = popcounts(2, 3)
    base = Circuit(Encoder.boolean(6), netlist, Decoder(2))
    other = [
        Circuit(Encoder.boolean(6), netlist),
        Circuit(Encoder.boolean(6), netlist, Decoder(2, tau=2)),
        Circuit(Encoder((6,), np.arange(6)[::-1], np.full(6, 0.5)), netlist, Decoder(2)),
        Circuit(Encoder((6,), np.arange(6), np.full(6, 0.6)), netlist, Decoder(2)),
        Circuit(Encoder((2, 3), np.arange(6), np.full(6, 0.5)), netlist, Decoder(2)),
        classifier(),
        classifier(seed=1),
    ]
    assert len({circuit.digest() for circuit in [base, *other]}) == 1 + len(other)
    assert Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(2)).digest() == base.digest()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Encoder((3,), [0, 3], [0, 0]), "reads feature 0 to 3; allowed are 0 to 2"),
        (lambda: Encoder((3,), [-1], [0]), "reads feature -1"),
        (lambda: Encoder((3,), [0, 1], [0]), r"\(2,\) features, \(1,\) thresholds"),
        (lambda: Encoder((-3,), [0], [0]), r"shape \(-3,\); allowed are sizes"),
        (lambda: Encoder((3,), [0, 1], [0, np.nan]), "threshold of bit 1 is NaN"),
        (lambda: Decoder(0), "0 groups; allowed is 1 or more"),
        (lambda: Decoder(2, tau=0), "tau 0"),
        (lambda: Decoder(2, tau=-1), "tau -1"),
        (lambda: Decoder(2, tau=np.nan), "tau nan"),
        (lambda: Decoder(2, beta=np.inf), "beta inf"),
        (lambda: Circuit(Encoder.boolean(5), popcounts(2, 3)), "gives 5 bits, the netlist takes 6"),
        (
            lambda: Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(3)),
            "4 outputs for 3 groups; allowed is a positive multiple",
        ),
        (
            lambda: Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(2, beta=1e9)),
            "the same float32 score.*use a smaller beta",
        ),
        (
            lambda: Circuit(Encoder.boolean(50), Builder(50).build(np.arange(2, 52)), Decoder(2)),
            "counts of 25 bits; allowed are 24",
        ),
        (lambda: Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(2, 1e39)), "keep them apart"),
        (
            lambda: Circuit(Encoder.boolean(6), popcounts(2, 3), Decoder(2, 1e-50)),
            "keep them apart",
        ),
        (lambda: Encoder((9,), np.array([1 << 32]), [0.5]), "feature: values do not fit int32"),
        (lambda: Encoder((9,), [1.5], [0.5]), "feature: expected integers, found dtype float64"),
        (
            lambda: Circuit(Encoder.boolean(6), popcounts(2, 3)).count_nets(),
            r"no decoder, so no counts or classes; use bits\(x\)",
        ),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises(NetlistError, match=message):
        make()


def test_input_is_checked():
    circuit = classifier()
    with pytest.raises(InputError, match=r"shape \[2, 19\]"):
        circuit.predict(np.zeros((2, 19), np.uint8))


def test_the_same_netlist_gives_the_same_circuit():
    circuit = classifier()
    assert circuit.with_netlist(circuit.netlist) is circuit


def test_a_circuit_prints_in_one_line():
    netlist = Netlist(2, (), np.array([2, 3], np.int32))
    encoder = Encoder((1, 2), [0, 1], [0.5, 0.5])
    body = "<Netlist 2 inputs, 0 cells, 4 nets, 2 outputs>"
    assert str(Circuit(encoder, netlist)) == f"<Circuit [1, 2] to bits, {body}>"
    assert str(Circuit(encoder, netlist, Decoder(2))) == f"<Circuit [1, 2] to 2 counts, {body}>"
