"""Calling a compiled circuit: input it refuses, tensors, children of a fork."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.compiler import Circuit, Encoder, Netlist
from gatewright.runtime import bench
from gatewright.runtime.arrays import CONVERTED, as_batch
from gatewright.runtime.errors import InputError


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_threads_in_a_forked_child():
    text = _FORK.format(tests=str(Path(__file__).parent))
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


_FORK = """
import os, sys
sys.path.insert(0, {tests!r})
from circuits import classifier, samples
from gatewright.backends.build import build
from gatewright.runtime import bench
circuit = classifier()
compiled = build(circuit, "numpy", "net")
x = samples(circuit, 5000, "uint8")
compiled.predict(x, threads=2)
child = os.fork()
if not child:
    os._exit(int((compiled.predict(x, threads=2) != circuit.predict(x)).any()))
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.parametrize("target", ["c", "numpy"])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 19), np.uint8), r"shape \[3, 19\]; allowed is \[n, 20\]"),
        (np.zeros(20, np.uint8), r"shape \[20\].*x\[None\]"),
        (np.zeros((3, 4, 5), np.uint8), r"shape \[3, 4, 5\]"),
        (np.float32(1), r"float32; allowed is a numpy array"),
        (np.array(1.0), r"shape \[\]"),
        (np.ma.masked_less(np.eye(20), 1), "masked values.*filled"),
        (np.zeros((3, 20), np.complex64), "dtype complex64; allowed are bool, uint8, float32"),
        (np.zeros((3, 20), "M8[s]"), "dtype datetime64"),
        (np.full((3, 20), 2**24 + 1), r"int64 with 16777217; allowed are integers from -2\*\*24"),
        (np.full((3, 20), -(2**24) - 1, np.int32), "int32 with -16777217.*compare it as it is"),
        (np.full((3, 20), 2**64 - 1, np.uint64), "uint64 with 18446744073709551615"),
        (np.full((3, 20), None), "dtype object"),
        (np.full((3, 20), "a"), "dtype <U1"),
        ([[1] * 20], "input: list; allowed is a numpy array or a torch tensor"),
        (None, "input: NoneType"),
    ],
)
def test_bad_input(target, x, message):
    compiled = build(classifier(), target, "net")
    for call in (compiled.bits, compiled.counts, compiled.scores, compiled.predict):
        with pytest.raises(InputError, match=message):
            call(x)


@pytest.mark.parametrize("threads", [0, 1.5, "2", None, True])
def test_bad_threads(threads):
    compiled = build(classifier(), "numpy", "net")
    with pytest.raises(InputError, match=f"threads {threads!r}; allowed are integers from 1"):
        compiled.predict(np.zeros((3, 20), np.uint8), threads=threads)


@pytest.mark.parametrize("target", ["c", "numpy"])
def test_counts_of_a_circuit_without_a_decoder(target):
    circuit = classifier()
    bare = type(circuit)(circuit.encoder, circuit.netlist)
    compiled = build(bare, target, "net")
    x = samples(circuit, 10, "uint8")
    assert np.array_equal(compiled.bits(x), circuit.bits(x))
    for call in (compiled.counts, compiled.scores, compiled.predict):
        with pytest.raises(InputError, match=r"no decoder.*use bits\(x\)"):
            call(x)


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    circuit = classifier()
    compiled = build(circuit, "c", "net")
    x = torch.from_numpy(samples(circuit, 100, "float32"))
    assert np.array_equal(compiled.scores(x), circuit.scores(x.numpy()))
    assert np.array_equal(compiled.scores(x.t().contiguous().t()), circuit.scores(x.numpy()))
    for dtype in (torch.int8, torch.int16, torch.int32, torch.int64, torch.half):
        narrow = x.nan_to_num(7).clamp(-100, 100).to(dtype)
        assert np.array_equal(compiled.scores(narrow), circuit.scores(narrow.float().numpy()))
    with pytest.raises(InputError, match="dtype complex64"):
        compiled.scores(x.cfloat())
    for strange in (x.bfloat16(), x.to_sparse(), x.to("meta")):
        with pytest.raises(InputError, match=r"a tensor that numpy cannot hold: .*x.float\(\)"):
            compiled.scores(strange)


@pytest.mark.parametrize("target", ["c", "numpy"])
@pytest.mark.parametrize("dtype", [*CONVERTED, ">i4", ">f2"])
def test_other_dtypes_are_converted_exactly(target, dtype):
    """Thresholds on both sides of integers, of zero and of a byte's end; strides of any kind."""
    edges = np.float32([-(2**24), -129, -1, -0.5, 0, 0.5, 127, 254.5, 255, 256, 65535, 2**24 - 1])
    encoder = Encoder((1,), np.zeros(len(edges), np.int32), edges)
    circuit = Circuit(encoder, Netlist(len(edges), (), np.arange(2, 2 + len(edges))))
    compiled = build(circuit, target, "net")
    kind = np.dtype(dtype)
    info = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    whole = np.concatenate([edges, edges + 1, [3, -3, 1000, 2**24]])
    inside = whole[(whole >= float(info.min)) & (whole <= float(info.max))]
    for values in (inside, inside[(inside >= 0) & (inside < 256)], inside[:0]):
        x = values.astype(kind)[:, None]
        want = x.astype(np.float64) > edges.astype(np.float64)
        for given in (x, np.repeat(x, 3, axis=1)[:, 1:2], x[::-1][::-1]):
            assert np.array_equal(compiled.bits(given), want)
            assert np.array_equal(circuit.bits(given), want)


def test_bytes_in_other_integers_are_read_as_bytes():
    assert as_batch(np.full((2, 3), 255), (3,)).dtype == np.uint8
    assert as_batch(np.full((2, 3), 256), (3,)).dtype == np.float32
    assert as_batch(np.zeros((0, 3), np.int64), (3,)).shape == (0, 3)


def test_stages_on_a_busy_machine(monkeypatch):
    """What a call takes longer than the fastest is not charged to a stage, and none is negative."""
    compiled = build(classifier(), "numpy", "net")
    times = iter([900, 300, 400, 100, 300, 290])
    monkeypatch.setattr(bench, "_nanoseconds", lambda call, x: next(times))
    x = np.zeros((1, 20), np.uint8)
    assert bench.stages([compiled] * 3, x, repeats=2) == (100, 200, 0)
