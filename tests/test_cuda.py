"""CUDA kernels answer as the circuit does: run as loops on the CPU, and compiled by nvcc."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import BATCHES, DTYPES, classifier, every_popcount, many_gates, samples, with_encoder
from cuda_circuits import convolution, pooled, trees
from cuda_loops import each_form, looped
from hypothesis import HealthCheck, given, settings, strategies
from strategies import netlists

from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Builder, Circuit, Decoder, Tile
from gatewright.runtime.arrays import binarize, pack
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cuda_compiler import Nvcc
from gatewright.runtime.seal import sealed
from gatewright.runtime.toolchain import find_compiler

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists(), straight=strategies.sampled_from([0, 256]))
def test_random_netlists(netlist, straight):
    circuit = with_encoder(netlist)
    library = looped(circuit, Cuda(straight_body=straight))
    for dtype in DTYPES:
        x = samples(circuit, 100, dtype)
        for form in each_form(library):
            assert np.array_equal(library.bits(x), circuit.bits(x)), (form, dtype)


@pytest.mark.parametrize(("outputs", "shared"), [(1, 0), (9, 0), (30, 4)])
@pytest.mark.parametrize("straight", [0, 40])
def test_large_tile_bodies_are_data(outputs, shared, straight):
    circuit = convolution(trees(outputs, outputs, shared), 5)
    backend = Cuda(straight_body=straight, straight_total=40, locals=8)
    library = looped(circuit, backend)
    x = samples(circuit, 100, "bool")
    for form in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), form


def test_a_body_is_data_unless_it_needs_too_many_locals():
    circuit = convolution(trees(0, 9, 0), 5)
    for most, kept in ((8, True), (1, False)):
        prepared = Cuda(straight_body=0, locals=most).prepare(circuit)
        assert any(isinstance(cell, Tile) for cell in prepared.netlist.cells) == kept
        x = samples(circuit, 100, "bool")
        assert np.array_equal(prepared.bits(x), circuit.bits(x))


@pytest.mark.parametrize("straight", [0, 1000])
def test_pooling_is_fused(straight):
    circuit = pooled()
    backend = Cuda(straight_body=straight, straight_total=straight, locals=64)
    prepared = backend.prepare(circuit).netlist
    tiles = [cell for cell in prepared.cells if isinstance(cell, Tile)]
    assert [(tile.places, len(tile.body.outputs)) for tile in tiles] == [(36, 6)]
    assert len(prepared.cells) == 1
    library = looped(circuit, backend)
    x = samples(circuit, 100, "uint8")
    for form in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), form


@pytest.fixture(scope="module")
def pair() -> tuple[Circuit, CompiledCircuit]:
    circuit = classifier()
    return circuit, looped(circuit)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", BATCHES)
def test_every_batch_and_dtype(pair, n, dtype):
    circuit, library = pair
    x = samples(circuit, n, dtype)
    for _ in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x))
        assert np.array_equal(library.counts(x), circuit.counts(x))
        assert np.array_equal(library.scores(x), circuit.scores(x))
        assert np.array_equal(library.predict(x), circuit.predict(x))


def test_more_slots_than_16_bits_hold():
    circuit = many_gates()
    x = samples(circuit, 70, "bool")
    library = looped(circuit)
    for _ in each_form(library):
        assert np.array_equal(library.counts(x), circuit.counts(x))


def test_popcounts_of_every_size():
    circuit = every_popcount()
    x = samples(circuit, 100, "bool")
    library = looped(circuit)
    for form in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x)), form


@pytest.mark.skipif(not shutil.which("nvcc"), reason="needs nvcc")
@pytest.mark.parametrize("architectures", [("sm_80",), ARCHITECTURES])
def test_nvcc_compiles_the_kernels(architectures, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path))
    backend = Cuda(straight_body=0)
    circuit = convolution(trees(0, 9, 0), 5) if len(architectures) > 1 else classifier()
    source = backend.emit(backend.prepare(circuit), "net").files["net.cu"]
    assert b"KERNEL(straight0, " in source
    code = Nvcc("nvcc").device_code(source, architectures)
    assert code.count(b"\x7fELF") == len(architectures)


def test_emission_is_deterministic():
    circuit = Cuda().prepare(classifier())
    assert Cuda().emit(circuit, "net").files == Cuda().emit(circuit, "net").files


@pytest.fixture(scope="module")
def launcher(tmp_path_factory) -> list[str]:
    return launcher_of(classifier(features=70), tmp_path_factory.mktemp("cuda"))


def launcher_of(circuit: Circuit, folder: Path, backend: Cuda = Cuda()) -> list[str]:  # noqa: B008
    """The launcher's command, on a driver that is loops and takes any "device code"."""
    artifact = backend.emit(backend.prepare(circuit), "net")
    artifact.write(folder)
    (folder / "kernels.bin").write_bytes(b"device code")
    compiler = [*find_compiler().command, "-O1", "-std=gnu99", "-Wall", "-Wextra", "-Werror"]
    shared = [*compiler, "-fPIC", "-shared"]
    kernels = ('-DGATEWRIGHT_KERNELS="kernels.bin"', "-DGATEWRIGHT_PIECE_BYTES=1")
    here = Path(__file__).parent
    fake = (f'-DGATEWRIGHT_CU="{folder / "net.cu"}"', "-Wl,-soname,libcuda.so.1")
    for command in (
        [*shared, *kernels, "-o", "libnet.so", "net.c"],
        [*shared, *fake, "-o", "libfake.so", str(here / "fake_cuda.c")],
    ):
        subprocess.run(command, cwd=folder, check=True)
    (folder / "libnet.so").write_bytes(sealed((folder / "libnet.so").read_bytes()))
    cases = {}
    for dtype in DTYPES:
        cases[f"x_{dtype}"] = x = samples(circuit, 5000, dtype)
        cases[f"classes_{dtype}"] = circuit.predict(x)
        cases[f"counts_{dtype}"] = circuit.counts(x)
        cases[f"scores_{dtype}"] = circuit.scores(x)
        cases[f"bits_{dtype}"] = circuit.bits(x)
    encoder = circuit.encoder
    bits = binarize(cases["x_uint8"], encoder.feature, encoder.threshold)
    cases["rows"] = np.packbits(bits, axis=1, bitorder="little")
    cases["planes"] = pack(bits)
    np.savez(folder / "cases.npz", **cases)
    names = [str(folder / name) for name in ("libfake.so", "libnet.so", "cases.npz")]
    return [sys.executable, "-W", "error", str(here / "cuda_launcher.py"), *names]


def launched(launcher: list[str], mode: str, **environment: str) -> str:
    """What the launcher prints; it must end well and leave nothing behind."""
    search = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": search, **environment}
    command = [*launcher, mode]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


@pytest.mark.parametrize("form", ["resident", "streamed", "straight"])
def test_arrays_on_a_driver_of_loops(launcher, form):
    assert launched(launcher, "arrays", GATEWRIGHT_CUDA_FORM=form) == "equal\n"


def test_large_batches_of_small_networks_are_straight_line_code(launcher):
    said = launched(launcher, "forms")
    assert said.splitlines() == ["1 resident", "4095 resident", "4096 straight0", "5000 straight0"]
    for form, kernel in (("resident", "resident"), ("streamed", "step"), ("straight", "straight0")):
        said = launched(launcher, "forms", GATEWRIGHT_CUDA_FORM=form)
        assert {line.split()[1] for line in said.splitlines()} == {kernel}


def test_large_batches_of_networks_of_which_few_words_fit_are_streamed(tmp_path):
    random = np.random.default_rng(0)
    builder = Builder(300)
    nets = builder.luts(random.integers(2, 302, (9000, 2)), random.integers(1, 15, 9000))
    wide = builder.build(builder.popcount(nets.reshape(10, -1)))
    circuit = Circuit(classifier(features=300).encoder, wide, Decoder(10))
    said = launched(launcher_of(circuit, tmp_path, Cuda(straight=0)), "forms")
    assert said.splitlines() == ["1 resident", "4095 resident", "4096 step", "5000 step"]


def test_arrays_in_page_locked_memory_on_a_driver_of_loops(launcher):
    assert launched(launcher, "arrays", FAKE_CUDA_PINNED="1") == "equal\n"


def test_a_forked_process_is_told_so(launcher):
    said = launched(launcher, "fork")
    assert "initialization error (3); this process was forked from one that had used CUDA" in said


@pytest.mark.parametrize("words", ["1", "4", "99"])
def test_blocks_of_any_size_on_a_driver_of_loops(launcher, words):
    resident = {"GATEWRIGHT_CUDA_FORM": "resident", "GATEWRIGHT_CUDA_WORDS": words}
    device = {"FAKE_CUDA_PROCESSORS": "1", "FAKE_CUDA_UNASKED": "1"}
    assert launched(launcher, "arrays", **device, **resident) == "equal\n"


@pytest.mark.parametrize("form", ["streamed", "straight"])
def test_tensors_on_a_driver_of_loops(launcher, form):
    pytest.importorskip("torch")
    assert launched(launcher, "tensors", GATEWRIGHT_CUDA_FORM=form) == "equal\n"


@pytest.mark.parametrize(
    ("call", "at", "status", "message"),
    [
        ("cuInit", 1, 100, "DeviceMissing libnet.so: no CUDA device"),
        ("cuDevicePrimaryCtxRetain", 1, 2, "out of memory (2); use smaller batches"),
        ("cuModuleLoadData", 1, 209, "no kernel image is available for execution on the device"),
        ("cuModuleLoadData", 1, 209, "the devices here are sm_86; compile again"),
        ("cuMemAlloc", 1, 2, "out of memory (2); use smaller batches"),
        ("cuStreamSynchronize", 1, 2, "cuStreamSynchronize: out of memory (2)"),
        ("cuMemAllocAsync", 1, 2, "BuildError libnet.so on cuda:0: cuMemAllocAsync: out of memory"),
        ("cuMemAllocAsync", 2, 2, "out of memory"),
        ("cuMemAllocAsync", 9, 2, "out of memory"),
        ("cuMemcpyHtoDAsync", 3, 700, "an illegal memory access was encountered (700)"),
        ("cuLaunchKernel", 1, 700, "cuLaunchKernel: an illegal memory access was encountered"),
        ("cuLaunchKernel", 4, 999, "unknown error (999)"),
        ("cuStreamSynchronize", 2, 700, "cuStreamSynchronize"),
    ],
)
def test_what_a_driver_refuses_is_said(launcher, call, at, status, message):
    said = launched(
        launcher,
        "fail",
        GATEWRIGHT_CUDA_FORM="streamed",
        FAKE_CUDA_FAIL=call,
        FAKE_CUDA_FAIL_AT=str(at),
        FAKE_CUDA_STATUS=str(status),
    )
    assert message in said


def test_a_driver_without_devices(launcher):
    said = launched(launcher, "fail", FAKE_CUDA_DEVICES="0")
    assert said.startswith("DeviceMissing libnet.so: no CUDA device: the driver (libcuda.so.1)")
