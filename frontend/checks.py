"""What training accepts as samples and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..runtime.errors import InputError


def as_tensor(data: Any, where: str) -> Tensor:
    """A CPU or device tensor of an array or tensor; nested lists of equal lengths too.

    Raises:
        InputError: ragged, or not numbers.
    """
    if isinstance(data, Tensor):
        return data.detach()
    try:
        array = np.asarray(data)
    except ValueError:
        raise InputError(
            f"{where}: samples of different lengths; allowed is one shape for all, [n, ...]"
        ) from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{where}: dtype {array.dtype}; allowed are numbers; "
            "convert it, for example x.astype(numpy.float32)"
        )
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:  # torch computes little with those
        if array.size and array.max() > np.iinfo(np.int64).max:
            raise InputError(f"{where}: {array.max()}; allowed are integers below 2**63")
        array = array.astype(np.int64)
    return torch.from_numpy(np.array(array, order="C"))


def check_samples(x: Any, where: str = "x") -> Tensor:
    """Samples [n, ...], n from 1, of finite numbers.

    bool, uint8 and float32 stay as they are; other numbers become float32, integers only where
    that is exact.

    Raises:
        InputError: empty, no sample dimension, NaN or infinite, not numbers, or integers that
            float32 does not hold.
    """
    samples = as_tensor(x, where)
    if samples.ndim < 2 or samples.numel() == 0:
        raise InputError(
            f"{where}: shape {list(samples.shape)}; allowed is [n, features, ...], none of them 0"
        )
    if samples.is_complex():
        raise InputError(f"{where}: dtype {samples.dtype}; allowed are real numbers")
    if samples.dtype not in (torch.bool, torch.uint8, torch.float32):
        samples = _as_float32(samples, where)
    if samples.is_floating_point() and not torch.isfinite(samples).all():
        bad = (~torch.isfinite(samples)).flatten(1).any(1)
        raise InputError(
            f"{where}: {int(bad.sum())} of {len(bad)} samples hold NaN or infinity, the first is "
            f"sample {int(bad.nonzero()[0])}; allowed are finite numbers; drop or fill them"
        )
    return samples


def _as_float32(samples: Tensor, where: str) -> Tensor:
    found = samples.to(torch.float32)
    if not samples.is_floating_point():
        lost = (found.to(torch.int64) != samples) | (found >= 2.0**63)
        if lost.any():
            raise InputError(
                f"{where}: {int(lost.sum())} integers that float32 does not hold, such as "
                f"{int(samples[lost][0])}; allowed are all up to 2**24 in size; "
                "scale or clip them, or use float32 in the first place"
            )
    return found


def check_labels(y: Any, n: int, where: str = "y") -> Tensor:
    """Labels int64 [n], from 0.

    Raises:
        InputError: another shape, not integers, or negative.
    """
    labels = as_tensor(y, where)
    if labels.shape != (n,):
        raise InputError(
            f"{where}: shape {list(labels.shape)} for {n} samples; allowed is [{n}], one class each"
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InputError(
            f"{where}: dtype {labels.dtype}; allowed are integers, the class of each sample; "
            "convert it, for example y.astype(numpy.int64)"
        )
    labels = labels.to(torch.int64)
    if int(labels.min()) < 0:
        raise InputError(f"{where}: label {int(labels.min())}; allowed are classes from 0")
    return labels


def check_pair(x: Any, y: Any, name: str = "") -> tuple[Tensor, Tensor]:
    """`check_samples` and `check_labels` together; `name` opens the messages."""
    samples = check_samples(x, f"{name} x".strip())
    return samples, check_labels(y, len(samples), f"{name} y".strip())
