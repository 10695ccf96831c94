"""The Triton kernels: their numbers, that they compile, and when they are used."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from gatewright.frontend.gates import functional  # noqa: E402
from gatewright.frontend.gates.cuda import launch  # noqa: E402


def _knows_numpy():
    """Whether Triton's interpreter is one that was tried with the numpy of today."""
    try:
        return tuple(map(int, version("triton").split(".")[:2])) >= (3, 9)
    except PackageNotFoundError:
        return True  # and there is another reason to skip


HERE = Path(__file__).parent
ROOT = HERE.parent
needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="the Triton kernels need triton: pip install --no-deps triton",
)


@pytest.fixture(autouse=True)
def _fresh():
    """Each test looks for triton anew, and leaves no verdict behind."""
    launch._installed.cache_clear()
    yield
    launch._installed.cache_clear()


def python(*words, cache=None, **environment):
    """What another Python process prints; it must end well and warn of nothing."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("TRITON")}
    search = os.pathsep.join(path for path in sys.path if path)
    found |= {"PYTHONPATH": search, **environment}
    if cache is not None:
        found["TRITON_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-W", "error", *map(str, words)]
    done = subprocess.run(command, env=found, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cases(**options):
    plain = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    return python("-m", "pytest", *plain, HERE / "triton_cases.py", **options)


@needs_triton
@pytest.mark.skipif(not _knows_numpy(), reason="older interpreters do not know today's numpy")
def test_the_interpreter_computes_what_plain_pytorch_does():
    assert " passed" in cases(TRITON_INTERPRET="1")


@pytest.mark.cuda
@needs_triton
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_computes_what_plain_pytorch_does():
    assert " passed" in cases()


@needs_triton
def test_every_kernel_compiles_without_a_device(tmp_path):
    text = python(HERE / "triton_compiled.py", "80", "90", cache=tmp_path)
    built = {tuple(line.split()[:3]) for line in text.splitlines()[1:]}
    sources = (ROOT / "frontend" / "gates" / "cuda").glob("*.py")
    written = {
        (f"gatewright.frontend.gates.cuda.{path.stem}", line.split("(")[0].removeprefix("def "))
        for path in sources
        for before, line in pairwise(path.read_text().splitlines())
        if before == "@triton.jit" and not line.startswith("def _")
    }
    assert len(written) > 5
    assert built == {(*kernel, target) for kernel in written for target in ("80", "90")}


def test_the_frontend_does_not_import_triton():
    code = (
        "import sys, gatewright.frontend as f, torch\n"
        "f.LogicDense(4, 4)(torch.rand(2, 4)).sum().backward()\n"
        "assert 'triton' not in sys.modules"
    )
    python("-c", code)


class OnDevice:
    """What `usable` asks of a tensor."""

    is_cuda = True

    def __init__(self, dtype):
        self.dtype = dtype


@needs_triton
def test_where_the_kernels_are_used(monkeypatch):
    assert all(launch.usable(OnDevice(dtype)) for dtype in launch.DTYPES)
    assert not launch.usable(OnDevice(torch.float64))
    assert not launch.usable(torch.zeros(3))
    launch._installed.cache_clear()
    monkeypatch.setenv("GATEWRIGHT_NATIVE", "0")
    assert not launch.usable(OnDevice(torch.float32))


def test_without_triton_it_says_so_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.warns(UserWarning, match="in plain PyTorch, which is slower: triton cannot be"):
        assert not launch.usable(OnDevice(torch.float32))
    assert not launch.usable(OnDevice(torch.float32))


def test_an_old_triton_is_not_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", type(sys)("triton"))
    sys.modules["triton"].__version__ = "2.3.1+git"
    with pytest.warns(UserWarning, match=r"triton 2\.3\.1\+git; allowed is 3\.3 or newer"):
        assert not launch.usable(OnDevice(torch.float32))


@pytest.mark.parametrize(("batch", "wanted"), [(0, 32), (1, 32), (33, 64), (128, 128), (999, 256)])
def test_lanes(batch, wanted):
    assert launch.lanes_of(batch, 256) == wanted
    assert launch.tile(batch) == (1024 // wanted, wanted)


def test_functional_asks_for_the_kernels(monkeypatch):
    """On a device that `usable` accepts, every entry point goes to the kernels."""
    asked = []

    class Recorder:
        @staticmethod
        def apply(*given):
            asked.append(len(given))
            return given[0]

    kernels = type(sys)("kernels")
    kernels.TritonGates = kernels.TritonMixture = Recorder
    for name in ("gates", "mixture"):
        monkeypatch.setitem(sys.modules, f"gatewright.frontend.gates.cuda.{name}", kernels)
    monkeypatch.setattr(functional, "usable", lambda x: False)
    monkeypatch.setattr(functional, "cuda_usable", lambda x: True)
    x = torch.rand(3, 2)
    assert functional.logic_gates(x, x, x, lambda: (x, x)) is x
    assert functional.mixture_coefficients(x, x, 1.0) is x
    assert functional.mixed_gates(x, x, x, 1.0, x, lambda: (x, x)) is x
    assert asked == [5, 3, 3, 5]
