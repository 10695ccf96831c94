"""Compiling for CUDA: options, compilers, machines without device, damaged libraries."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from circuits import classifier, samples

import gatewright as gw
from gatewright.cli.main import main
from gatewright.runtime import cuda_compiler, nvrtc
from gatewright.runtime.cuda_compiler import find_cuda_compiler, find_nvcc
from gatewright.runtime.cuda_driver import device_architectures
from gatewright.runtime.errors import (
    BuildError,
    DeviceMissing,
    EmitError,
    FileError,
    ToolMissing,
)
from gatewright.runtime.foreign import CrossCompiled
from gatewright.runtime.toolchain import find_compiler

HERE = Path(__file__).parent
no_device = pytest.mark.skipif(bool(device_architectures()), reason="there is a CUDA device here")

# Takes the place of nvcc: keeps its arguments, and compiles nothing.
NVCC = """#!{python}
import sys, pathlib
if "--version" in sys.argv:
    print("nvcc: stand-in")
elif "--list-gpu-code" in sys.argv:
    print("sm_80\\nsm_75\\nsm_100\\nsm_90")
elif "--help" in sys.argv:
    print("--split-compile <number>" if {split} else "--threads <number>")
elif "fails" in pathlib.Path("kernels.cu").read_text():
    sys.exit("kernels.cu(1): error: it fails")
else:
    target = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    target.write_text("device code: " + " ".join(sys.argv))
"""


@pytest.fixture
def nvcc(tmp_path, monkeypatch) -> None:
    """A stand-in for nvcc, and a cache of its own."""
    home = tmp_path / "toolkit"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "nvcc"
    script.write_text(NVCC.format(python=sys.executable, split=True))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def no_cuda_compiler(monkeypatch) -> None:
    monkeypatch.setattr(cuda_compiler, "find_nvcc", lambda: None)
    monkeypatch.setattr(cuda_compiler, "find_nvrtc", lambda: None)


def test_loops_need_a_c_compiler_only(no_cuda_compiler, tmp_path):
    circuit = classifier()
    x = samples(circuit, 700, "uint8")
    compiled = gw.compile(circuit, "cuda", emulate=True)
    for library in (compiled, gw.load(compiled.save(tmp_path / "net.so", header=True))):
        assert library.engine.isas() == ("cpu-resident", "cpu-streamed", "cpu-straight")
        assert np.array_equal(library.predict(x), circuit.predict(x))
    again = pickle.loads(pickle.dumps(compiled))
    assert np.array_equal(again.scores(x, threads=2), circuit.scores(x))
    assert (tmp_path / "circuit.h").exists()


@no_device
def test_without_a_device_there_is_a_library_to_save(nvcc, tmp_path):
    circuit = classifier()
    compiled = gw.compile(circuit, "cuda", name="net", architectures=("sm_90", "sm_75"))
    assert isinstance(compiled, CrossCompiled)
    assert compiled.engine.isa == "sm_75, sm_90"
    assert "sm_75, sm_90" in repr(compiled)
    for call in (
        lambda: compiled.predict(samples(circuit, 3, "uint8")),
        lambda: gw.load(compiled.save(tmp_path / "net")),
    ):
        with pytest.raises(DeviceMissing, match=r"no CUDA device: the driver .*emulate=True"):
            call()
    assert (tmp_path / "net.so").read_bytes() == compiled.library
    assert b"-gencode=arch=compute_75,code=[sm_75,sm_90,compute_75]" in compiled.library
    assert pickle.loads(pickle.dumps(compiled)).library == compiled.library


@no_device
def test_by_default_for_every_common_architecture_that_nvcc_knows(nvcc):
    compiled = gw.compile(classifier(), "cuda")
    assert compiled.manifest["architectures"] == ["sm_75", "sm_80", "sm_90"]


def test_by_default_for_the_devices_here(nvcc, monkeypatch):
    monkeypatch.setattr(cuda_compiler, "device_architectures", lambda: ("sm_80", "sm_100"))
    assert cuda_compiler.wanted_architectures(None) == ("sm_80", "sm_100")
    # Newer than the compiler: PTX, which follows the newest, is then compiled by the driver.
    monkeypatch.setattr(cuda_compiler, "device_architectures", lambda: ("sm_130",))
    assert cuda_compiler.wanted_architectures(None) == ("sm_75", "sm_80", "sm_90")


@pytest.mark.parametrize("split", [True, False])
def test_kernels_are_compiled_side_by_side_where_nvcc_can(nvcc, tmp_path, split):
    script = tmp_path / "toolkit" / "bin" / "nvcc"
    script.write_text(NVCC.format(python=sys.executable, split=split))
    cuda_compiler._said.cache_clear()
    code = find_cuda_compiler().device_code(b"source", ("sm_80",)).decode()
    assert ("--split-compile=0" in code.split()) == split


def test_nvcc_is_found_in_the_toolkit(nvcc, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    assert find_nvcc() == str(tmp_path / "toolkit" / "bin" / "nvcc")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"architectures": ("sm_70",)}, EmitError, r"'sm_70',\); allowed are names from sm_75 on"),
        ({"architectures": ()}, EmitError, r"architectures \(\); allowed are"),
        ({"architectures": "H100"}, EmitError, r"architectures \('H100',\)"),
        ({"architectures": ("sm_90",), "emulate": True}, EmitError, "leave out one of the two"),
        ({"architectures": ("sm_99",)}, BuildError, "sm_99: nvcc does not know them; it compiles "),
        ({"triple": "aarch64-linux-gnu"}, EmitError, "allowed for target 'cuda' are architectures"),
    ],
)
def test_options_are_checked(nvcc, options, error, message):
    with pytest.raises(error, match=message):
        gw.compile(classifier(), "cuda", **options)


def test_what_nvcc_says_is_in_the_error(nvcc):
    with pytest.raises(BuildError, match=r"nvcc failed with status 1:\nkernels.cu\(1\): error"):
        find_cuda_compiler().device_code(b"fails", ("sm_80",))


def test_no_cuda_compiler(no_cuda_compiler):
    with pytest.raises(ToolMissing, match=r"neither nvcc nor NVRTC .*gatewright\[cuda\]"):
        gw.compile(classifier(), "cuda")


def test_not_on_linux(monkeypatch):
    monkeypatch.setattr(cuda_compiler, "SUFFIX", ".dll")
    with pytest.raises(BuildError, match="CUDA libraries are built on Linux"):
        gw.compile(classifier(), "cuda")


@no_device
def test_a_damaged_library(nvcc, tmp_path):
    path = gw.compile(classifier(), "cuda").save(tmp_path / "net.so")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"net\.so: a damaged or truncated shared library"):
        gw.load(path)


@no_device
def test_the_command(nvcc, tmp_path, capsys):
    source, library = str(tmp_path / "net.npz"), str(tmp_path / "net.so")
    gw.write(classifier(), source)
    command = ["compile", source, "--target", "cuda", "-o", library]
    assert main([*command, "--architecture", "sm_90", "--architecture", "sm_80"]) == 0
    assert "with CUDA (sm_80, sm_90)" in capsys.readouterr().out
    assert main(["inspect", library]) == 0
    assert json.loads(capsys.readouterr().out.split("bytes\n")[1])["target"] == "cuda"
    assert main(["bench", library]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert main([*command, "--emulate"]) == 0
    assert "runs here on cpu-resident" in capsys.readouterr().out
    assert main(["bench", library, "--samples", "10"]) == 0
    assert "cpu-streamed" in capsys.readouterr().out
    assert main(["verify", source, "--library", library, "--no-rtl", "--samples", "10"]) == 0
    assert "net.so, cpu-streamed" in capsys.readouterr().out


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A library in the place of NVRTC, where NVIDIA's package has it, that compiles nothing."""
    command = [*find_compiler().command, "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"]
    for place, major in (("cu13", 13), ("cuda_nvrtc", 12)):
        folder = tmp_path / "site" / "nvidia" / place / "lib"
        folder.mkdir(parents=True)
        target = str(folder / f"libnvrtc.so.{major}")
        source = str(HERE / "fake_nvrtc.c")
        subprocess.run([*command, target, f"-DMAJOR={major}", source], check=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    monkeypatch.setattr(nvrtc, "_NAMES", ())
    monkeypatch.setattr(cuda_compiler, "find_nvcc", lambda: None)
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(tmp_path / "cache"))
    nvrtc.find_nvrtc.cache_clear()
    yield
    nvrtc.find_nvrtc.cache_clear()


def test_nvrtc_is_found_in_its_package(stand_in):
    found = find_cuda_compiler()
    assert isinstance(found, nvrtc.Nvrtc)
    assert found.version == "13.0"
    assert found.architectures() == ("sm_75", "sm_90", "sm_100")
    one = found.device_code(b"source", ("sm_90",))
    assert one == b"binary, --gpu-architecture=sm_90 --split-compile=0: source"
    several = found.device_code(b"source", ("sm_75", "sm_90"))
    assert several == b"PTX, --gpu-architecture=compute_75 --split-compile=0: source"


def test_older_versions_of_nvrtc_compile_on_one_processor(stand_in, monkeypatch):
    monkeypatch.setattr(nvrtc, "driver_version", lambda: 12)
    code = find_cuda_compiler().device_code(b"source", ("sm_90",))
    assert code == b"binary, --gpu-architecture=sm_90: source"


@pytest.mark.parametrize(
    ("driver", "found"), [(12, "12.0"), (13, "13.0"), (14, "13.0"), (0, "13.0")]
)
def test_nvrtc_is_none_that_the_driver_is_too_old_for(stand_in, driver, found, monkeypatch):
    monkeypatch.setattr(nvrtc, "driver_version", lambda: driver)
    compiler = nvrtc.find_nvrtc()
    assert compiler is not None
    assert compiler.version == found


def test_what_nvrtc_says_is_in_the_error(stand_in):
    with pytest.raises(BuildError, match=r"NVRTC failed .*compute_75 \(6\):\nit fails"):
        find_cuda_compiler().device_code(b"fails", ("sm_75", "sm_90"))


@pytest.mark.skipif(nvrtc.find_nvrtc() is None, reason="needs NVRTC")
@pytest.mark.parametrize("architectures", [("sm_75",), ("sm_90",), ("sm_75", "sm_90")])
def test_nvrtc_compiles_the_kernels(architectures, monkeypatch):
    monkeypatch.setattr(cuda_compiler, "find_nvcc", lambda: None)
    compiled = gw.compile(classifier(), "cuda", architectures=architectures)
    assert compiled.manifest["architectures"] == list(architectures)
