"""When the Triton kernels are used, and how they are launched.

Importing this file does not import triton. On other devices, in float64 or without triton,
`functional` and `trees` compute the same numbers in other ways. `GATEWRIGHT_NATIVE=0` in the
environment asks for plain PyTorch, here as for the native kernels.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
DEEPEST = 4  # levels of a tree whose values fit a thread's registers
_OLDEST = (3, 3)  # tuples of tensors within kernels
_TILE = 1024  # elements of a result that one program makes
_WARP = 32


def usable(x: Tensor) -> bool:
    """Whether the kernels serve this tensor: on a CUDA device, in a dtype of `DTYPES`."""
    return x.is_cuda and x.dtype in DTYPES and _installed()


@lru_cache(maxsize=1)
def _installed() -> bool:
    """Whether triton is there, recent enough and wanted; says once what is missing."""
    if os.environ.get("GATEWRIGHT_NATIVE") == "0":
        return False
    try:
        version = importlib.import_module("triton").__version__
    except ImportError as error:
        _warn(f"triton cannot be imported: {error}")
        return False
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        _warn(f"triton {version}; allowed is {'.'.join(map(str, _OLDEST))} or newer")
        return False
    return True


def _warn(reason: str) -> None:
    warnings.warn(f"training in plain PyTorch, which is slower: {reason}", stacklevel=5)


def tile(batch: int) -> tuple[int, int]:
    """Rows and lanes (samples) of one program's block, both powers of two."""
    lanes = lanes_of(batch, 256)
    return _TILE // lanes, lanes


def lanes_of(batch: int, most: int) -> int:
    """How many samples one program takes: a power of two from a warp to `most`."""
    return min(max(1 << (batch - 1).bit_length(), _WARP), most)


def blocks(size: int, block: int) -> int:
    """How many blocks cover `size`."""
    return -(-size // block)


def run(kernel: Any, grid: tuple[int, ...], like: Tensor, *args: Any, **constants: Any) -> None:
    """Launch a kernel on the device of `like`; an empty grid does nothing.

    Products and sums are fused on purpose: the default differs between versions of triton.
    """
    if 0 in grid:
        return
    with torch.cuda.device_of(like):
        kernel[grid](*args, **constants, enable_fp_fusion=True)
