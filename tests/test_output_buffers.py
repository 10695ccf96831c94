"""Answers written into arrays that the caller hands over."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import classifier, samples

from gatewright.backends.build import build
from gatewright.runtime.errors import InputError

_METHODS = ("bits", "counts", "scores", "predict")


@pytest.mark.parametrize("target", ["c", "numpy"])
@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n", [0, 1, 65, 2000])
def test_answers_go_where_asked(target, method, threads, n):
    circuit = classifier()
    call = getattr(build(circuit, target, "net"), method)
    x = samples(circuit, n, "uint8")
    want = call(x)
    around = np.full((n + 2, *want.shape[1:]), 1, want.dtype)
    out = around[1:-1]
    assert call(x, out=out, threads=threads) is out
    assert np.array_equal(out, want)
    assert (around[[0, -1]] == 1).all()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ([0] * 9, "out: list; allowed is a numpy array or a torch CPU tensor"),
        (np.zeros(8, np.int64), r"int64 \[8\]; allowed is int64 \[9\]"),
        (np.zeros((9, 1), np.int64), r"int64 \[9, 1\]; allowed is int64 \[9\]"),
        (np.zeros(9, np.int32), r"int32 \[9\]; allowed is int64 \[9\]"),
        (np.zeros(9, ">i8"), r">i8|>int64"),
        (np.zeros(18, np.int64)[::2], "not C-contiguous"),
        (np.broadcast_to(np.int64(0), 9), "not C-contiguous, aligned and writable"),
        (np.frombuffer(bytes(72), np.int64), "writable"),
        (np.zeros(73, np.uint8)[1:].view(np.int64), "aligned"),
    ],
)
def test_what_cannot_take_answers(out, message):
    circuit = classifier()
    compiled = build(circuit, "numpy", "net")
    with pytest.raises(InputError, match=message):
        compiled.predict(samples(circuit, 9, "uint8"), out=out)


def test_answers_over_the_input():
    circuit = classifier()
    memory = np.zeros(20 * 64, np.uint8)
    x = memory.reshape(64, 20)
    out = memory[: 8 * 64].view(np.int64)
    with pytest.raises(InputError, match="overlaps with the input"):
        build(circuit, "numpy", "net").predict(x, out=out)


def test_tensors_take_answers():
    torch = pytest.importorskip("torch")
    circuit = classifier()
    compiled = build(circuit, "c", "net")
    x = samples(circuit, 100, "uint8")
    out = torch.zeros(100, dtype=torch.int64)
    assert compiled.predict(x, out=out) is out
    assert np.array_equal(out.numpy(), compiled.predict(x))
    with pytest.raises(InputError, match="a tensor on meta; allowed is cpu"):
        compiled.predict(x, out=out.to("meta"))
