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
import pytest
from circuits import classifier, many_gates
from cuda_circuits import every_kernel

from gatewright.backends.cuda.backend import Cuda
from gatewright.runtime.cuda_compiler import find_nvcc
from gatewright.runtime.nvrtc import find_nvrtc

needs_nvcc = pytest.mark.skipif(not find_nvcc(), reason="needs nvcc, of the CUDA toolkit")
needs_nvrtc = pytest.mark.skipif(not find_nvrtc(), reason="needs NVRTC: gatewright[cuda]")


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
    cases = every_kernel()
    of = dict.fromkeys(cases, "compute_75") | {"popcounts": "compute_80", "pooled": "compute_90"}
    aligned = classifier(features=64, widths=(90, 40))  # packed rows of eight bytes
    cases["newest"], of["newest"] = (aligned, Cuda()), "compute_90"
    for name, (circuit, backend) in cases.items():
        (folder / name).mkdir()
        cuda_ptx.ptx_library(circuit, folder / name, of[name], backend)
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
