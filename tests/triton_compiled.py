"""Compile the Triton kernels for GPUs that need not be there, exactly as they are launched.

    python tests/triton_compiled.py 80 90

Launches are turned into compilations for each compute capability; prints one line a kernel: its
name, the capability, and the bytes of machine code and of shared memory. The last capability is
compiled for in more dtypes and sizes.
"""

from __future__ import annotations

import sys

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from gatewright.frontend.gates.cuda.gates import TritonGates
from gatewright.frontend.gates.cuda.mixture import TritonMixture
from gatewright.frontend.gates.cuda.trees import triton_trees
from gatewright.frontend.gates.functional import gate_coefficients, readers_of
from gatewright.frontend.gates.windows import Windows
from gatewright.frontend.gates.wiring import Wiring


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
        steps(128, torch.float32, (3, 4))
        if capability == sys.argv[-1]:
            steps(128, torch.bfloat16, (2, 1))
            steps(1, torch.float32, (1, 4))


def steps(size: int, dtype: torch.dtype, tree: tuple[int, int]) -> None:
    """One forward and backward pass of everything, with trees of a depth and window.

    The numbers are not computed. The compiler makes sizes of 1, and multiples of 16, kernels of
    their own.
    """
    x = torch.rand(size, size).to(dtype).requires_grad_()
    coefficients = torch.rand(4, size).to(dtype).requires_grad_()
    indices = torch.randint(0, size, (2, size))
    out = TritonGates.apply(x, coefficients, indices, lambda: readers_of(indices, size), 1.5)
    out.sum().backward()
    trees(x, *tree, size)
    logits = torch.rand(size, 16).to(dtype).requires_grad_()
    TritonMixture.apply(logits, gate_coefficients(dtype), 0.5).sum().backward()


def trees(x: torch.Tensor, depth: int, window: int, size: int) -> None:
    """Trees of one kernel or more at `window * size` places."""
    windows = Windows((window * size,), (window,), "cpu") if window > 1 else None
    coefficients = torch.rand(4, size * (2**depth - 1)).to(x.dtype).requires_grad_()
    leaves = torch.randint(0, size, (2, 2 ** (depth - 1) * size * window * size))
    wiring = Wiring(leaves, size)
    triton_trees(x, coefficients, wiring, depth, 1.0, windows).sum().backward()


if __name__ == "__main__":
    print("triton", triton.__version__)
    main()
