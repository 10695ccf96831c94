"""Compiled circuits on CUDA devices: `pytest -m cuda` where there is one."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from circuits import BATCHES, DTYPES, assert_at_once, classifier, many_gates, samples, with_encoder
from cuda_circuits import every_kernel
from cuda_ptx import check
from hypothesis import HealthCheck, given, settings
from strategies import netlists

import gatewright as gw
from gatewright.compiler import Circuit
from gatewright.runtime.arrays import binarize, pack
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cuda_compiler import build_cuda
from gatewright.runtime.cuda_driver import device_architectures
from gatewright.runtime.errors import InputError

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not device_architectures(), reason="needs a CUDA device"),
]
METHODS = ("bits", "counts", "scores", "predict")
FORMS = ("resident", "streamed", "straight")


def test_the_smallest_call():
    circuit = classifier()
    x = samples(circuit, 1, "uint8")
    assert np.array_equal(gw.compile(circuit, "cuda").predict(x), circuit.predict(x))


@pytest.fixture(scope="module", params=every_kernel().items(), ids=lambda case: case[0])
def built(request) -> tuple[Circuit, Path]:
    """A circuit, and its library for the devices here, which is compiled once for all forms."""
    name, (circuit, backend) = request.param
    architectures = device_architectures()
    artifact = backend.emit(backend.prepare(circuit), name.replace(" ", "_"))
    return circuit, build_cuda(artifact.files, artifact.name, architectures)


@pytest.mark.parametrize("form", FORMS)
def test_every_kernel(built, form, tmp_path, monkeypatch):
    """Of few samples, so that sanitizers take seconds; a file's form is chosen by its first use."""
    circuit, path = built
    monkeypatch.setenv("GATEWRIGHT_CUDA_FORM", form)
    check(circuit, gw.load(shutil.copy(path, tmp_path / "net.so")), 0)


def on_devices(circuit: Circuit, form: str, level: int = 2) -> CompiledCircuit:
    """Compiled for the devices here; the form is chosen when a device is first used."""
    compiled = gw.compile(circuit, "cuda", level=level, name=f"net_{form}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWRIGHT_CUDA_FORM", form)
        for device in compiled.engine.isas():
            compiled.engine.isa = device
            compiled.bits(samples(circuit, 1, "uint8"))
    compiled.engine.isa = "cuda:0"
    return compiled


@pytest.fixture(scope="module", params=FORMS)
def pair(request) -> tuple[Circuit, CompiledCircuit]:
    circuit = classifier(features=70, widths=(300, 200))
    return circuit, on_devices(circuit, request.param)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(form, netlist):
    circuit = with_encoder(netlist)
    library = on_devices(circuit, form, level=0)
    for dtype in DTYPES:
        x = samples(circuit, 100, dtype)
        assert np.array_equal(library.bits(x), circuit.bits(x)), dtype


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [*BATCHES, 200_000])
def test_every_batch_and_dtype(pair, n, dtype):
    circuit, library = pair
    x = np.resize(samples(circuit, min(n, 10_000), dtype), (n, *circuit.encoder.shape))
    part = x[:10_000]
    for method in METHODS:
        want = getattr(circuit, method)(part)
        found = getattr(library, method)(x)
        assert np.array_equal(found, np.resize(want, (n, *want.shape[1:]))), method


def test_more_values_than_shared_memory_holds():
    circuit = many_gates()
    x = samples(circuit, 5000, "bool")
    library = on_devices(circuit, "resident", level=0)
    assert np.array_equal(library.counts(x), circuit.counts(x))


def test_packed_bits(pair):
    circuit, library = pair
    x = samples(circuit, 5000, "uint8")
    bits = binarize(x, circuit.encoder.feature, circuit.encoder.threshold)
    rows, planes = np.packbits(bits, axis=1, bitorder="little"), pack(bits)
    want = circuit.predict(x)
    assert np.array_equal(library.predict(rows, packed="rows"), want)
    assert np.array_equal(library.predict(planes, packed="planes", n=len(x)), want)


def test_calls_from_several_threads(pair):
    circuit, library = pair
    x = samples(circuit, 100_000, "uint8")
    assert_at_once(lambda: library.predict(x), circuit.predict(x), 5)


def test_every_device(pair):
    circuit, library = pair
    x = samples(circuit, 3000, "uint8")
    for device in library.engine.isas():
        library.engine.isa = device
        assert np.array_equal(library.predict(x), circuit.predict(x)), device
    library.engine.isa = "cuda:0"


@pytest.fixture
def torch():
    found = pytest.importorskip("torch")
    if not found.cuda.is_available():
        pytest.skip("needs torch built for CUDA")
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_tensors_where_they_lie(pair, torch, dtype):
    circuit, library = pair
    host = samples(circuit, 5000, dtype)
    for number in range(torch.cuda.device_count()):
        x = torch.as_tensor(host, device=f"cuda:{number}")
        turned = x.t().contiguous().t()
        for rows in (x, x[::2], x[3:70], x[:0], x[:1].expand(99, -1), turned):
            for method in METHODS:
                found = getattr(library, method)(rows)
                assert found.device == x.device
                want = getattr(circuit, method)(rows.cpu().numpy())
                assert np.array_equal(found.cpu().numpy(), want), method
        out = torch.empty(len(x), dtype=torch.int64, device=x.device)
        assert library.predict(x, out=out) is out
        assert np.array_equal(out.cpu().numpy(), circuit.predict(host))


def test_packed_tensors(pair, torch):
    circuit, library = pair
    x = samples(circuit, 5000, "uint8")
    bits = binarize(x, circuit.encoder.feature, circuit.encoder.threshold)
    rows = torch.as_tensor(np.packbits(bits, axis=1, bitorder="little"), device="cuda:0")
    planes = torch.as_tensor(pack(bits).view(np.int64), device="cuda:0")
    want = circuit.predict(x)
    for found in (
        library.predict(rows, packed="rows"),
        library.predict(planes, packed="planes", n=len(x)),
    ):
        assert np.array_equal(found.cpu().numpy(), want)


def test_tensors_on_streams(pair, torch):
    """What is queued on a stream before the call is seen, and what is queued behind sees it."""
    circuit, library = pair
    host = samples(circuit, 200_000, "uint8")
    want = circuit.predict(host)
    pinned = torch.as_tensor(host).pin_memory()
    streams = [torch.cuda.Stream() for _ in range(3)]
    found = []
    for stream in streams:
        with torch.cuda.stream(stream):
            x = torch.zeros_like(pinned, device="cuda:0")
            torch.cuda._sleep(10_000_000)
            x.copy_(pinned, non_blocking=True)
            found.append(library.predict(x) + 1)
    torch.cuda.synchronize()
    for answers in found:
        assert np.array_equal(answers.cpu().numpy() - 1, want)
    for one, other in pairwise(found):
        assert one.data_ptr() != other.data_ptr()


def test_tensors_of_other_kinds(pair, torch):
    circuit, library = pair
    x = torch.as_tensor(samples(circuit, 10, "uint8"), device="cuda:0")
    for wrong in (x.int(), x[:, 1:], x[0], x.to_sparse()):
        with pytest.raises(InputError, match="input: "):
            library.predict(wrong)
    with pytest.raises(InputError, match=r"out: .* on cpu; allowed is a contiguous tensor"):
        library.predict(x, out=torch.empty(10, dtype=torch.int64))
