"""Input whose bits are packed already, and input that must not be copied, on every target."""

from __future__ import annotations

import numpy as np
import pytest
from circuits import BATCHES, classifier, samples, with_encoder

from gatewright.backends.build import build
from gatewright.compiler import Netlist
from gatewright.runtime.arrays import as_batch, pack
from gatewright.runtime.batch import read_batch
from gatewright.runtime.errors import InputError


def packed_forms(bits: np.ndarray) -> list[tuple[np.ndarray, dict]]:
    """The same bits as rows and as planes, plain, strided, and with garbage in the padding."""
    n, inputs = bits.shape
    rows = np.packbits(bits, axis=1, bitorder="little")
    planes = pack(bits)
    dirty_rows, dirty_planes = rows.copy(), planes.copy()
    if inputs % 8:
        dirty_rows[:, -1:] |= np.uint8(0xFF << inputs % 8 & 0xFF)
    if n % 64:
        dirty_planes[:, -1:] |= np.uint64((1 << 64) - (1 << n % 64))
    forms = [(x, {"packed": "rows"}) for x in (rows, np.asfortranarray(rows), dirty_rows)]
    spread = np.repeat(planes, 2, axis=1)[:, ::2]
    apart = np.concatenate([planes, ~planes], axis=1)[:, : planes.shape[1]]
    for x in (planes, spread, apart, dirty_planes, planes.astype(">u8")):
        forms.append((x, {"packed": "planes", "n": n}))
    return forms


@pytest.fixture(scope="module", params=["c", "numpy"])
def pair(request):
    circuit = classifier(features=77)
    return circuit, build(circuit, request.param, "net")


@pytest.mark.parametrize("n", BATCHES)
def test_packed_bits_answer_as_values_do(pair, n):
    circuit, compiled = pair
    x = samples(circuit, n, "uint8")
    for data, how in packed_forms(circuit.encoder(x)):
        how["threads"] = 1 + n % 2
        assert np.array_equal(compiled.bits(data, **how), circuit.bits(x))
        assert np.array_equal(compiled.counts(data, **how), circuit.counts(x))
        assert np.array_equal(compiled.scores(data, **how), circuit.scores(x))
        assert np.array_equal(compiled.predict(data, **how), circuit.predict(x))


@pytest.mark.parametrize("target", ["c", "numpy"])
@pytest.mark.parametrize("inputs", [0, 1, 9])
def test_packed_bits_of_narrow_circuits(target, inputs):
    circuit = with_encoder(Netlist(inputs, (), np.arange(inputs + 2)))
    compiled = build(circuit, target, "net")
    x = samples(circuit, 70, "uint8")
    for data, how in packed_forms(circuit.encoder(x)):
        assert np.array_equal(compiled.bits(data, **how), circuit.bits(x))


ROWS, PLANES = np.zeros((3, 10), np.uint8), np.zeros((77, 2), np.uint64)


@pytest.mark.parametrize(
    ("x", "how", "message"),
    [
        (ROWS, {"packed": "columns"}, "packed 'columns'; allowed are None, 'rows' and 'planes'"),
        (ROWS, {"packed": "rows", "n": 3}, r"n 3; allowed is n with packed='planes' only.*x\[:n\]"),
        (ROWS, {"n": 3}, "n 3; allowed is n with packed='planes' only"),
        (ROWS[:, 1:], {"packed": "rows"}, r"uint8 \[3, 9\]; allowed is uint8 \[n, 10\], 77 bits"),
        (ROWS[0], {"packed": "rows"}, r"uint8 \[10\]; allowed is uint8 \[n, 10\]"),
        (ROWS.astype(bool), {"packed": "rows"}, r"bool \[3, 10\]; allowed.*numpy\.packbits"),
        (None, {"packed": "rows"}, "input: NoneType; allowed is a numpy array or a torch tensor"),
        (PLANES, {"packed": "planes"}, "n None; allowed is the number of samples.*n=1000"),
        (PLANES, {"packed": "planes", "n": -1}, "n -1; allowed is the number of samples"),
        (PLANES, {"packed": "planes", "n": 100.0}, "n 100.0; allowed is the number of samples"),
        (PLANES, {"packed": "planes", "n": 129}, r"uint64 \[77, 2\]; allowed is uint64 \[77, 3\]"),
        (PLANES[1:], {"packed": "planes", "n": 99}, r"\[76, 2\]; allowed is uint64 \[77, 2\]"),
        (PLANES.view(np.int64), {"packed": "planes", "n": 99}, r"int64 \[77, 2\]; allowed is uint"),
    ],
)
def test_what_is_not_packed_so(pair, x, how, message):
    _, compiled = pair
    for call in (compiled.bits, compiled.counts, compiled.scores, compiled.predict):
        with pytest.raises(InputError, match=message):
            call(x, **how)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32", "float64"])
def test_contiguous_rows_are_read_where_they_lie(dtype):
    x = np.zeros((20, 4, 5), dtype)
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    wide = np.zeros((20, 30), dtype)[:, 3:23]
    for same in (x, x.reshape(20, 20), x[::2], x[::-1], wide, wide[::3], unaligned, x[:0], x[:1]):
        assert np.shares_memory(as_batch(same, (4, 5)), same) or not same.size
    assert not np.shares_memory(as_batch(np.asfortranarray(x), (4, 5)), x)


def test_packed_input_is_read_where_it_lies():
    for x, packed, n in (
        (np.zeros((20, 3), np.uint8), "rows", None),
        (np.zeros((20, 9), np.uint8)[::-2, 4:7], "rows", None),
        (np.zeros((20, 2), np.uint64), "planes", 100),
        (np.zeros((40, 5), np.uint64)[1::2, 2:4], "planes", 128),
    ):
        assert np.shares_memory(read_batch(x, (4, 5), 20, packed, n).data, x)


def test_tensors_are_read_where_they_lie():
    torch = pytest.importorskip("torch")
    for dtype in (torch.bool, torch.uint8, torch.float32, torch.float64):
        x = torch.zeros(20, 4, 5, dtype=dtype)
        assert np.shares_memory(as_batch(x, (4, 5)), x.numpy())
        assert np.shares_memory(as_batch(x[3:9], (4, 5)), x.numpy())


def test_rows_backwards_and_apart(pair):
    circuit, compiled = pair
    for dtype in ("uint8", "float64"):
        x = np.repeat(samples(circuit, 600, dtype), 2, axis=0)
        for part in (x[::-1], x[::-3], x[5::7]):
            assert np.array_equal(compiled.scores(part), circuit.scores(np.ascontiguousarray(part)))
