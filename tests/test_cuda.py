"""CUDA kernels answer as the circuit does: run as loops on the CPU, and compiled by nvcc."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import BATCHES, DTYPES, classifier, samples, with_encoder
from hypothesis import HealthCheck, given, settings
from strategies import netlists

from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Builder, Circuit, Decoder, Encoder
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.library import LibraryEngine
from gatewright.runtime.seal import sealed
from gatewright.runtime.toolchain import find_compiler

STRICT = ("-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wno-overlength-strings", "-Werror")
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90")


def looped(circuit: Circuit) -> CompiledCircuit:
    """The kernels as loops, with every warning an error."""
    backend = Cuda()
    files = backend.emit(backend.prepare(circuit), "net").files
    flags = ("-DGATEWRIGHT_ON_CPU", *STRICT)
    return CompiledCircuit(LibraryEngine(find_compiler().build(files, "net", flags)))


def each_form(library: CompiledCircuit):
    """Blocks in shared memory, and steps through device memory."""
    engine = library.engine
    assert isinstance(engine, LibraryEngine)
    assert engine.isas() == ("cpu-resident", "cpu-streamed")
    for form in engine.isas():
        engine.isa = form
        yield form


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(netlist=netlists())
def test_random_netlists(netlist):
    circuit = with_encoder(netlist)
    library = looped(circuit)
    for dtype in DTYPES:
        x = samples(circuit, 100, dtype)
        for form in each_form(library):
            assert np.array_equal(library.bits(x), circuit.bits(x)), (form, dtype)


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
    random = np.random.default_rng(0)
    builder = Builder(200)
    nets = builder.luts(random.integers(2, 202, (70_000, 2)), random.integers(1, 15, 70_000))
    netlist = builder.build(builder.popcount(nets.reshape(2, -1)))
    circuit = Circuit(Encoder.boolean(200), netlist, Decoder(2))
    x = samples(circuit, 70, "bool")
    library = looped(circuit)
    for _ in each_form(library):
        assert np.array_equal(library.counts(x), circuit.counts(x))


def test_popcounts_of_every_size():
    builder = Builder(40)
    nets = [builder.popcount([np.arange(2, 2 + m)]) for m in range(1, 41)]
    netlist = builder.build(np.concatenate([n.reshape(-1) for n in nets]))
    circuit = Circuit(Encoder.boolean(40), netlist)
    x = samples(circuit, 100, "bool")
    library = looped(circuit)
    for _ in each_form(library):
        assert np.array_equal(library.bits(x), circuit.bits(x))


@pytest.mark.skipif(not shutil.which("nvcc"), reason="needs nvcc")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvcc_compiles_the_kernels(architecture, tmp_path):
    backend = Cuda()
    files = backend.emit(backend.prepare(classifier()), "net").files
    (tmp_path / "net.cu").write_bytes(files["net.cu"])
    command = ["nvcc", "-cubin", f"-arch={architecture}", "-o", "net.cubin", "net.cu"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (tmp_path / "net.cubin").stat().st_size


def test_emission_is_deterministic():
    circuit = Cuda().prepare(classifier())
    assert Cuda().emit(circuit, "net").files == Cuda().emit(circuit, "net").files


@pytest.fixture(scope="module")
def launcher(tmp_path_factory) -> tuple[list[str], dict[str, str]]:
    """The launcher's command, on a driver that is loops and takes any "device code"."""
    folder = tmp_path_factory.mktemp("cuda")
    circuit = classifier(features=70)
    backend = Cuda()
    artifact = backend.emit(backend.prepare(circuit), "net")
    artifact.write(folder)
    (folder / "kernels.bin").write_bytes(b"device code")
    compiler = [*find_compiler().command, "-O1", "-std=gnu99", "-Wall", "-Wextra", "-Werror"]
    shared = [*compiler, "-fPIC", "-shared"]
    here = Path(__file__).parent
    fake = (f'-DGATEWRIGHT_CU="{folder / "net.cu"}"', "-Wl,-soname,libcuda.so.1")
    for command in (
        [*shared, '-DGATEWRIGHT_KERNELS="kernels.bin"', "-o", "libnet.so", "net.c"],
        [*shared, *fake, "-o", "libfake.so", str(here / "fake_cuda.c")],
    ):
        subprocess.run(command, cwd=folder, check=True)
    (folder / "libnet.so").write_bytes(sealed((folder / "libnet.so").read_bytes()))
    cases = {}
    for dtype in DTYPES:
        cases[f"x_{dtype}"] = x = samples(circuit, 5000, dtype)
        cases[f"classes_{dtype}"] = circuit.predict(x)
        cases[f"scores_{dtype}"] = circuit.scores(x)
        cases[f"bits_{dtype}"] = circuit.bits(x)
    np.savez(folder / "cases.npz", **cases)
    names = [str(folder / name) for name in ("libfake.so", "libnet.so", "cases.npz")]
    return [sys.executable, str(here / "cuda_launcher.py"), *names], dict(os.environ)


@pytest.mark.parametrize("form", ["resident", "streamed"])
def test_the_launcher_on_a_driver_of_loops(launcher, form):
    command, environment = launcher
    environment = {**environment, "GATEWRIGHT_CUDA_FORM": form}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "equal\n"), found.stderr


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"FAKE_CUDA_DEVICES": "0"}, "no CUDA device"),
        ({"FAKE_CUDA_FAIL": "cuInit"}, "no CUDA device"),
        ({"FAKE_CUDA_FAIL": "cuModuleLoadData"}, "no kernel image is available"),
        ({"FAKE_CUDA_FAIL": "cuMemAllocAsync"}, "out of memory"),
    ],
)
def test_what_a_driver_refuses_is_said(launcher, setting, message):
    command, environment = launcher
    found = subprocess.run(
        [*command, "--fail"], env=environment | setting, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert message in found.stdout
