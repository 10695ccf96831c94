"""Run in a process of its own: a CUDA library's launcher on a driver that is loops.

python cuda_launcher.py DRIVER LIBRARY CASES.npz arrays|tensors|forms|fail|fork
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

import gatewright as gw
from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cuda import CudaEngine
from gatewright.runtime.errors import BuildError, DeviceMissing, InputError
from gatewright.runtime.library import ANSWERS
from gatewright.runtime.library import DTYPES as DTYPES_OF_C

DTYPES = ("bool", "uint8", "float32", "float64")
Cases = dict[str, np.ndarray]


def main() -> None:
    driver = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)  # found again as libcuda.so.1
    with np.load(sys.argv[3]) as stored:
        cases = {name: stored[name] for name in stored.files}
    if sys.argv[4] == "fail":
        fail(cases)
    else:
        answer(cases, driver)
    gc.collect()
    assert driver.fake_contexts() == 0, "a context was left current"
    assert driver.fake_live(ctypes.byref(ctypes.c_void_p())) == 0, "memory was left allocated"
    assert driver.fake_modules() == 0, "a module was left loaded"
    assert driver.fake_streams() == 0, "a stream was left"


def answer(cases: Cases, driver: ctypes.CDLL) -> None:
    driver.fake_kept.restype = ctypes.POINTER(ctypes.c_uint64)
    kept = driver.fake_kept()
    kept[1] = 1 << 40  # as somebody else wants it
    library, other = gw.load(sys.argv[2]), gw.load(sys.argv[2])
    assert isinstance(library.engine, CudaEngine)
    assert library.engine.isa == "cuda:0"
    if sys.argv[4] == "forms":
        forms(library, cases, driver)
        return
    {"arrays": arrays, "tensors": tensors, "fork": fork}[sys.argv[4]](library, cases)
    assert driver.fake_allocations() == 0, "memory of a call was left allocated"
    assert driver.fake_streams() <= 2 * 8
    assert kept[:2] == [1 << 30, 1 << 40]
    del library
    gc.collect()
    assert driver.fake_modules() > 0, "what another engine uses was given back"
    assert np.array_equal(other.predict(cases["x_uint8"]), cases["classes_uint8"])
    print("equal")


def fork(library: CompiledCircuit, cases: Cases) -> None:
    """Print what is said in a process that was forked after CUDA was used."""
    library.predict(cases["x_uint8"])
    sys.stdout.flush()
    if not (child := os.fork()):
        try:
            library.predict(cases["x_uint8"])
        except BuildError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)


def arrays(library: CompiledCircuit, cases: Cases) -> None:
    for device in ("cuda:0", "cuda:1"):
        library.engine.isa = device
        check(library, cases)
    calls = [threading.Thread(target=check, args=(library, cases)) for _ in range(6)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    refused("isa 'cuda:2'", lambda: setattr(library.engine, "isa", "cuda:2"))


def forms(library: CompiledCircuit, cases: Cases, driver: ctypes.CDLL) -> None:
    """Print which kernel computes the counts of batches of different sizes on the device."""
    driver.fake_kernel.restype = ctypes.c_char_p
    run = ctypes.CDLL(library.engine.library._opened.name).gatewright_cuda_run
    whole, want = cases["x_uint8"], cases["counts_uint8"]
    for n in (1, 4095, 4096, 5000):
        found = np.zeros((n, *want.shape[1:]), np.int32)
        x = ctypes.c_void_p(whole.ctypes.data)
        sizes = ctypes.c_int64(n), ctypes.c_int64(whole.strides[0])
        out = ctypes.c_void_p(found.ctypes.data)
        assert run(0, None, x, DTYPES_OF_C["uint8"], *sizes, ANSWERS["counts"], out) == 0
        assert np.array_equal(found, want[:n])
        print(n, driver.fake_kernel().decode())
    assert np.array_equal(library.counts(whole), want)


def check(library: CompiledCircuit, cases: Cases) -> None:
    for dtype in DTYPES:
        x, want = cases[f"x_{dtype}"], cases[f"classes_{dtype}"]
        for part in (slice(None), slice(1), slice(0), slice(None, None, 2), slice(3, 1030)):
            assert np.array_equal(library.predict(x[part]), want[part])
            assert np.array_equal(library.counts(x[part]), cases[f"counts_{dtype}"][part])
            assert np.array_equal(library.scores(x[part]), cases[f"scores_{dtype}"][part])
            assert np.array_equal(library.bits(x[part]), cases[f"bits_{dtype}"][part])
        assert np.array_equal(library.predict(x[::-1]), want[::-1])
        assert np.array_equal(library.predict(x, threads=2), want)
        repeated = np.broadcast_to(x[:1], x.shape)
        assert np.array_equal(library.predict(repeated), np.broadcast_to(want[:1], want.shape))
    n, want = len(cases["rows"]), cases["classes_uint8"]
    wide = np.zeros((n, cases["rows"].shape[1] + 3), np.uint8)
    wide[:, 1:-2] = cases["rows"]
    for rows in (cases["rows"], wide[:, 1:-2]):
        assert np.array_equal(library.predict(rows, packed="rows"), want)
    for planes in (cases["planes"], np.asfortranarray(cases["planes"])):
        assert np.array_equal(library.predict(planes, packed="planes", n=n), want)
    part = np.ascontiguousarray(cases["planes"][:, :2])
    assert np.array_equal(library.predict(part, packed="planes", n=100), want[:100])


def tensors(library: CompiledCircuit, cases: Cases) -> None:
    import cuda_tensors
    import torch

    cuda_tensors.install()
    for device in ("cuda:0", "cuda:1"):
        check_tensors(library, cases, device)
        assert set(cuda_tensors.STREAMS) == {int(device[-1])}
        cuda_tensors.STREAMS.clear()
    x = cuda_tensors.on(cases["x_uint8"], "cuda:0")
    for message, call in {
        "input: a tensor on cuda:9": lambda: library.predict(cuda_tensors.on(x, "cuda:9")),
        "input: dtype torch.complex64; allowed are bool": lambda: library.predict(x.cfloat()),
        "input: int64 with 4294967": lambda: library.predict(x.long() | 1 << 32),
        "input: shape [5000, 69]": lambda: library.predict(x[:, 1:]),
        "input: shape [70]; allowed is [n, 70]": lambda: library.predict(x[0]),
        "input: a tensor of layout torch.sparse": lambda: library.predict(
            SimpleNamespace(is_cuda=True, data_ptr=None, layout="torch.sparse_coo")
        ),
        "packed 'bytes'": lambda: library.predict(x, packed="bytes"),
        "packed rows: torch.uint8 [5000, 70]": lambda: library.predict(x, packed="rows"),
        "packed planes: torch.uint8 [5000, 70]": lambda: library.predict(x, packed="planes", n=9),
        "packed planes: n None": lambda: library.predict(x, packed="planes"),
        "n 3; allowed is n with": lambda: library.predict(x, n=3),
        "threads 0": lambda: library.predict(x, threads=0),
        "out: torch.int64 [4999] on cuda:0; allowed is a contiguous tensor": lambda: (
            library.predict(x, out=cuda_tensors.empty((4999,), dtype=torch.int64, device=x.device))
        ),
        "out: torch.int64 [5000] on cuda:1": lambda: library.predict(
            x, out=cuda_tensors.on(torch.empty(5000, dtype=torch.int64), "cuda:1")
        ),
        "out: int64 [5000] on": lambda: library.predict(x, out=np.empty(5000, np.int64)),
        "out: a tensor on cuda:0; allowed is cpu": lambda: library.predict(
            cases["x_uint8"], out=cuda_tensors.empty((5000,), dtype=torch.int64, device=x.device)
        ),
    }.items():
        refused(message, call)


def check_tensors(library: CompiledCircuit, cases: Cases, device: str) -> None:
    import cuda_tensors
    import torch

    def equal(found: object, want: np.ndarray, dtype: str) -> None:
        assert isinstance(found, torch.Tensor)
        assert (str(found.device), str(found.dtype)) == (device, f"torch.{dtype}")
        assert np.array_equal(found.as_subclass(torch.Tensor).numpy(), want)

    for dtype in DTYPES:
        x = cuda_tensors.on(cases[f"x_{dtype}"], device)
        for part in (slice(None), slice(1), slice(0), slice(None, None, 2), slice(3, 1030)):
            equal(library.predict(x[part]), cases[f"classes_{dtype}"][part], "int64")
            equal(library.counts(x[part]), cases[f"counts_{dtype}"][part], "int32")
            equal(library.scores(x[part]), cases[f"scores_{dtype}"][part], "float32")
            equal(library.bits(x[part]), cases[f"bits_{dtype}"][part], "bool")
        want = cases[f"classes_{dtype}"]
        equal(library.predict(x[:1].expand(300, -1)), np.repeat(want[:1], 300), "int64")
        equal(library.predict(x.t().contiguous().t()), want, "int64")
        out = cuda_tensors.empty(want.shape, dtype=torch.int64, device=x.device)
        assert library.predict(x, out=out) is out
        equal(out, want, "int64")
    for kind in (torch.int16, torch.int32, torch.int64, torch.uint16, torch.float16):
        x = cuda_tensors.on(cases["x_uint8"], device).to(kind)
        equal(library.predict(x), cases["classes_uint8"], "int64")
        equal(library.predict(x[:0]), cases["classes_uint8"][:0], "int64")
    n, want = len(cases["rows"]), cases["classes_uint8"]
    rows = cuda_tensors.on(cases["rows"], device)
    equal(library.predict(rows, packed="rows"), want, "int64")
    for planes in (cases["planes"], cases["planes"].view(np.int64)):
        found = library.predict(cuda_tensors.on(planes, device), packed="planes", n=n)
        equal(found, want, "int64")


def refused(message: str, call: Callable[[], object]) -> None:
    said = ""
    try:
        call()
    except InputError as error:
        said = str(error)
    assert message in said, f"{message} is not in: {said}"


def fail(cases: Cases) -> None:
    """Print what is said of a failure; what fails no longer must then work again."""
    try:
        library = gw.load(sys.argv[2])
    except DeviceMissing as error:
        print(type(error).__name__, error)
        return
    try:
        library.predict(cases["x_uint8"])
    except BuildError as error:
        print(type(error).__name__, error)
    else:
        raise AssertionError("nothing failed")
    os.environ.pop("FAKE_CUDA_FAIL")
    assert np.array_equal(library.predict(cases["x_uint8"]), cases["classes_uint8"])


main()
