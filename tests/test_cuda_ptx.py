"""The kernels as nvcc or NVRTC compiled them, launched as on a device, answer as the circuit does.

Their PTX is executed on the CPU, where races, accesses out of bounds or misaligned, and barriers
that not all threads of a block reach are errors.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cuda_ptx
import numpy as np
import pytest
from circuits import classifier, every_popcount, many_gates, with_encoder
from cuda_circuits import convolution, pooled, trees
from strategies import KINDS, random_netlist

from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Circuit
from gatewright.runtime.cuda_compiler import find_nvcc
from gatewright.runtime.nvrtc import find_nvrtc

needs_nvcc = pytest.mark.skipif(not find_nvcc(), reason="needs nvcc, of the CUDA toolkit")
needs_nvrtc = pytest.mark.skipif(not find_nvrtc(), reason="needs NVRTC: gatewright[cuda]")


def random_circuit(seed: int) -> Circuit:
    random = np.random.default_rng(seed)
    kinds = [KINDS[i] for i in random.integers(0, len(KINDS), 12)]
    return with_encoder(random_netlist(random, 9, kinds, KINDS, 6, 2))


def executed(folder: Path, form: str) -> list[str]:
    """What is printed of each library in the folder: its name, the form, and its kernels."""
    driver = cuda_ptx.without_device(folder)
    search = os.pathsep.join(path for path in sys.path if path)
    found = subprocess.run(
        [sys.executable, "-W", "error", cuda_ptx.__file__, driver, folder, form],
        env={**os.environ, "PYTHONPATH": search, "GATEWRIGHT_CUDA_FORM": form},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout.splitlines()


@pytest.fixture(scope="module")
def libraries(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ptx")
    tables, bodies = Cuda(straight=0, straight_body=0), Cuda(straight_body=40, straight_total=40)
    dense = classifier(features=70, widths=(100, 80))
    cases = {
        "dense": (dense, "compute_75", Cuda()),
        "newest": (dense, "compute_90", Cuda()),
        "popcounts": (every_popcount((1, 2, 5, 17, 40)), "compute_80", Cuda()),
        "trees": (convolution(trees(9, 9, 4), 5), "compute_75", tables),
        "bodies": (convolution(trees(9, 9, 4), 5), "compute_75", bodies),
        "pooled": (pooled(), "compute_90", Cuda()),
        "random 1": (random_circuit(1), "compute_75", Cuda()),
        "random 2": (random_circuit(2), "compute_80", tables),
    }
    for name, (circuit, architecture, backend) in cases.items():
        (folder / name).mkdir()
        cuda_ptx.ptx_library(circuit, folder / name, architecture, backend)
    return folder


@needs_nvcc
@pytest.mark.parametrize("form", ["resident", "streamed", "straight"])
def test_answers(libraries, form):
    kernels = dict(line.split(f" {form} ") for line in executed(libraries, form))
    assert len(kernels) == 8
    without = {
        name for name, said in kernels.items() if form.replace("streamed", "step") not in said
    }
    assert without == ({"trees", "random 2"} if form == "straight" else set())


@needs_nvcc
def test_more_values_than_shared_memory_holds(tmp_path):
    (tmp_path / "many").mkdir()
    cuda_ptx.ptx_library(many_gates(), tmp_path / "many", "compute_75")
    assert executed(tmp_path, "resident") == ["many resident step"]


@needs_nvrtc
def test_answers_of_nvrtc(tmp_path):
    (tmp_path / "dense").mkdir()
    cuda_ptx.ptx_library(classifier(), tmp_path / "dense", "nvrtc")
    assert executed(tmp_path, "resident") == ["dense resident resident"]
