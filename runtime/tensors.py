"""Tensors on a device as batches. Torch is not imported: whoever has a tensor has done so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import ACCEPTED, check_dtype, check_shape, exact_dtype
from .batch import Packed, check_options
from .errors import InputError


@dataclass(frozen=True)
class TensorBatch:
    """`n` samples on a device; as `runtime.batch.Batch`, the data being a tensor."""

    data: Any
    n: int
    packed: Packed | None = None

    @property
    def dtype(self) -> str:
        """What the data hold: the name of a dtype, "rows" or "planes"."""
        return self.packed or _dtype(self.data)

    @property
    def stride(self) -> int:
        """Bytes from one row, or plane, to the next."""
        return self.data.stride(0) * self.data.element_size()


def on_device(x: Any) -> bool:
    """Whether x is a tensor in the memory of a CUDA device."""
    if isinstance(x, np.ndarray):  # first, for it is what most calls hand over
        return False
    return bool(getattr(x, "is_cuda", False)) and hasattr(x, "data_ptr")


def read_tensor(
    x: Any, shape: tuple[int, ...], inputs: int, packed: str | None, n: int | None
) -> TensorBatch:
    """The batch in a device tensor, where it lies if its rows are contiguous.

    Args and errors are those of `runtime.batch.read_batch`; words of planes may be int64 as well.
    """
    options = check_options(packed, n)
    if str(x.layout) != "torch.strided":
        raise InputError(f"input: a tensor of layout {x.layout}; allowed is x.to_dense()")
    if options == "planes":
        assert n is not None
        _demand(x, ("uint64", "int64"), (inputs, -(-n // 64)), "planes")
        return TensorBatch(_contiguous_rows(x), int(n), options)
    if options == "rows":
        _demand(x, ("uint8",), (None, -(-inputs // 8)), "rows")
        return TensorBatch(_contiguous_rows(x), len(x), options)
    check_dtype(_dtype(x), x.dtype, "x.float()")
    check_shape(tuple(x.shape), shape)
    x = _exact(x)
    return TensorBatch(_contiguous_rows(x.reshape(len(x), math.prod(shape))), len(x))


def _exact(x: Any) -> Any:
    """The tensor in a dtype that kernels read; of integers, after a look at their range."""
    name = _dtype(x)
    if name in ACCEPTED:
        return x
    low = high = 0
    if name != "float16" and x.numel():
        wide = x.double() if name.startswith("u") else x  # torch finds no extremes of these
        low, high = int(wide.min()), int(wide.max())
    return x.byte() if exact_dtype(name, low, high) == "uint8" else x.float()


def _dtype(x: Any) -> str:
    return str(x.dtype).removeprefix("torch.")


def _demand(x: Any, dtypes: tuple[str, ...], shape: tuple[int | None, int], what: str) -> None:
    found = tuple(x.shape)
    fits = len(found) == 2 and found[1] == shape[1] and shape[0] in (None, found[0])
    if _dtype(x) not in dtypes or not fits:
        wanted = f"[{'n' if shape[0] is None else shape[0]}, {shape[1]}]"
        raise InputError(
            f"packed {what}: {x.dtype} {list(found)}; allowed is {' or '.join(dtypes)} {wanted}"
        )


def _contiguous_rows(rows: Any) -> Any:
    """A matrix itself if each row is contiguous, else a copy on its device."""
    if not rows.numel() or rows.stride(1) == 1 or rows.shape[1] == 1:
        return rows
    return rows.contiguous()
