"""Run in a process of its own: a CUDA library's launcher on a driver that is loops.

python cuda_launcher.py DRIVER LIBRARY ANSWERS.npz [--fail]
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading

import numpy as np

from gatewright.runtime.compiled import CompiledCircuit
from gatewright.runtime.cuda import CudaEngine
from gatewright.runtime.errors import BuildError


def main() -> None:
    driver = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)  # found again as libcuda.so.1
    with np.load(sys.argv[3]) as stored:
        cases = {name: stored[name] for name in stored.files}
    if "--fail" in sys.argv:
        return fail(cases)
    library = CompiledCircuit(CudaEngine(sys.argv[2]))
    assert library.engine.isa == "cuda:0"
    for device in ("cuda:0", "cuda:1"):
        library.engine.isa = device
        check(library, cases)
    threads = [threading.Thread(target=check, args=(library, cases)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert driver.fake_contexts() == 0, "a context was left current"
    print("equal")


def check(library: CompiledCircuit, cases: dict[str, np.ndarray]) -> None:
    for dtype in ("bool", "uint8", "float32", "float64"):
        x = cases[f"x_{dtype}"]
        for rows in (x, x[:1], x[:0], x[::2], np.broadcast_to(x[:1], x.shape)):
            whole = {len(x): slice(None), 1: slice(1), 0: slice(0)}.get(
                len(rows), slice(None, None, 2)
            )
            if rows.strides[0] == 0:
                assert np.array_equal(library.predict(rows), library.predict(np.array(rows)))
                continue
            assert np.array_equal(library.predict(rows), cases[f"classes_{dtype}"][whole])
            assert np.array_equal(library.scores(rows), cases[f"scores_{dtype}"][whole])
            assert np.array_equal(library.bits(rows), cases[f"bits_{dtype}"][whole])


def fail(cases: dict[str, np.ndarray]) -> None:
    try:
        CompiledCircuit(CudaEngine(sys.argv[2])).predict(cases["x_uint8"])
    except BuildError as error:
        print(error)
        os._exit(0)
    raise SystemExit("nothing failed")


main()
