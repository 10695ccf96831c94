"""Compile the Triton kernels for GPUs that need not be there, exactly as they are launched.

    python tests/triton_compiled.py 80 90

Launches are turned into compilations for each compute capability; prints one line a kernel: its
name, the capability, and the bytes of machine code and of shared memory.
"""

from __future__ import annotations

import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from gatewright.frontend.cuda.gates import TritonGates
from gatewright.frontend.cuda.mixture import TritonMixture
from gatewright.frontend.cuda.trees import TritonTrees, Windows
from gatewright.frontend.functional import gate_coefficients, readers_of


class Absent:
    """As much of a driver as compiling asks for."""

    def __init__(self, capability: int) -> None:
        self.target = GPUTarget("cuda", capability, 32)

    def get_current_target(self) -> GPUTarget:
        return self.target

    def get_current_device(self) -> int:
        return self.target.arch

    def get_current_stream(self, device: int) -> int:
        return 0


def main() -> None:
    launch = JITFunction.run

    def compiled(self, *args, **options):
        found = launch(self, *args, **{**options, "warmup": True})
        target = driver.active.get_current_target().arch
        size = len(found.asm["cubin"])
        print(self.fn.__module__, self.fn.__name__, target, size, found.metadata.shared)
        return found

    JITFunction.run = compiled
    for capability in sys.argv[1:]:
        driver.set_active(Absent(int(capability)))
        steps(128, torch.float32)
        steps(128, torch.bfloat16)
        steps(1, torch.float32)


def steps(size: int, dtype: torch.dtype) -> None:
    """One forward and backward pass of everything; the numbers are not computed.

    The compiler treats a size of 1 and multiples of 16 as constants of their own.
    """
    x = torch.rand(size, size).to(dtype).requires_grad_()
    coefficients = torch.rand(4, size).to(dtype).requires_grad_()
    indices = torch.randint(0, size, (2, size))
    out = TritonGates.apply(x, coefficients, indices, lambda: readers_of(indices, size), 1.5)
    out.sum().backward()
    for depth, window in ((1, 1), (3, 4), (4, 4)):
        trees(x, depth, window, size)
    logits = torch.rand(size, 16).to(dtype).requires_grad_()
    TritonMixture.apply(logits, gate_coefficients(dtype), 0.5).sum().backward()


def trees(x: torch.Tensor, depth: int, window: int, size: int) -> None:
    """Trees of one kernel or more at `window * size` places."""
    windows = Windows((window * size,), (window,), "cpu") if window > 1 else None
    coefficients = torch.rand(4, size * (2**depth - 1)).to(x.dtype).requires_grad_()
    leaves = torch.randint(0, size, (2, 2 ** (depth - 1) * size * window * size))

    def transpose():
        readers = readers_of(leaves, size)
        return readers if windows is None else windows.readers(*readers)

    out = TritonTrees.apply(x, coefficients, leaves, transpose, depth, 1.0, size, windows)
    out.sum().backward()


if __name__ == "__main__":
    print("triton", triton.__version__)
    main()
