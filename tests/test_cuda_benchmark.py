"""benchmarks/cuda.py runs: as loops, without a device, on a driver of loops; cuda_build.py too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from circuits import classifier

import gatewright as gw
from gatewright.backends.cuda.backend import Cuda
from gatewright.compiler import Encoder
from gatewright.runtime.cuda_driver import device_architectures
from gatewright.runtime.toolchain import find_compiler

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "benchmarks" / "cuda.py"
NVCC = f"""#!{sys.executable}
import sys, pathlib
if "--version" not in sys.argv and "--list-gpu-code" not in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("-o") + 1]).write_text("device code")
"""
ON_LOOPS = """
import ctypes, runpy, sys
ctypes.CDLL(sys.argv.pop(1), mode=ctypes.RTLD_GLOBAL)  # found again as libcuda.so.1
sys.argv.pop(0)
sys.path.insert(0, str(__import__("pathlib").Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def script(*words: object, code: int = 0, **environment: str) -> str:
    search = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": search, **environment}
    command = [sys.executable, *map(str, words)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == code, found.stdout + found.stderr
    return found.stdout


def test_as_loops():
    said = script(SCRIPT, "--emulate", "--forms", "straight", "--small")
    assert said.startswith("GATEWRIGHT_CUDA_FORM=straight\ndevice: loops on the CPU\n300x2: ")
    assert "bytes of tables: straight\n" in said
    assert "packed planes from numpy, answers to numpy: " in said


@pytest.mark.skipif(bool(device_architectures()), reason="there is a CUDA device here")
def test_without_a_device_it_says_so():
    assert script(SCRIPT, "--small", code=2).startswith("no CUDA device")


@pytest.mark.skipif(bool(device_architectures()), reason="there is a CUDA device here")
@pytest.mark.skipif(sys.platform != "linux", reason="CUDA libraries are built on Linux")
def test_the_seconds_of_each_step_of_building(tmp_path):
    (tmp_path / "nvcc").write_text(NVCC)
    (tmp_path / "nvcc").chmod(0o755)
    said = script(
        *(SCRIPT.with_name("cuda_build.py"), "--models", "20x2", "--architectures", "sm_80,sm_75"),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    )
    first, second = said.splitlines()
    assert first.endswith("nvcc; sm_75, sm_80")
    steps = ("prepare", "plan", "render", "device code", "C compiler", "total")
    assert re.findall(r"([a-zA-Z ]+) \d+\.\d\d s \(", second) == [f" {step}" for step in steps]


@pytest.mark.skipif(sys.platform != "linux", reason="CUDA libraries are built on Linux")
def test_on_a_driver_of_loops(tmp_path):
    encoder = classifier(features=70).encoder
    encoder = Encoder((1, 7, 10), encoder.feature, encoder.threshold)
    circuit = replace(classifier(features=70), encoder=encoder)
    (tmp_path / "nets").mkdir()
    gw.write(circuit, tmp_path / "nets" / "net.npz")
    nvcc = tmp_path / "nvcc"
    nvcc.write_text(NVCC)
    nvcc.chmod(0o755)
    Cuda().emit(Cuda().prepare(circuit), "net").write(tmp_path)
    fake = tmp_path / "libfake.so"
    command = [*find_compiler().command, "-O1", "-std=gnu99", "-fPIC", "-shared"]
    names = (f'-DGATEWRIGHT_CU="{tmp_path / "net.cu"}"', "-Wl,-soname,libcuda.so.1")
    subprocess.run([*command, *names, "-o", fake, HERE / "fake_cuda.c"], check=True)
    said = script(
        *("-c", ON_LOOPS, fake, SCRIPT, "--nets", tmp_path / "nets", "--level", "0"),
        *("--samples", "2500", "--seconds", "0.01"),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        GATEWRIGHT_CACHE=str(tmp_path / "cache"),
    )
    assert said.startswith("device: loops (sm_86), 4 multiprocessors")
    for form in ("bytes", "packed rows", "packed planes"):
        times = re.search(rf"{form} on the device: 0\.01 M images/s, (\d+)\.0", said)
        assert times, said
        assert int(times[1]) == 200_000  # the driver's events say half a second
    assert said.count("of the bound of LOP3: ") == 3
