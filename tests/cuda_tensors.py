"""Torch's CPU tensors, posing as tensors of CUDA devices on a driver whose memory is the host's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

STREAMS: list[int] = []  # the device that each call asked for its stream
_empty = torch.empty


class Device(str):
    """As `torch.device("cuda", index)`."""

    @property
    def index(self) -> int:
        return int(self.split(":")[1])


class Tensor0(torch.Tensor):
    is_cuda = True
    device = Device("cuda:0")


class Tensor1(Tensor0):
    device = Device("cuda:1")


class Tensor9(Tensor0):
    device = Device("cuda:9")


_KINDS: dict[str, type[torch.Tensor]] = {str(k.device): k for k in (Tensor0, Tensor1, Tensor9)}


def on(x: Any, device: str) -> Any:
    """A tensor with the data of x, numpy array or tensor, that says it is on `device`."""
    return torch.as_tensor(x).as_subclass(_KINDS[device])


def empty(shape: tuple[int, ...], *, dtype: Any, device: Any = None) -> Any:
    found = _empty(shape, dtype=dtype)
    return on(found, str(device)) if isinstance(device, Device) else found


def current_stream(device: Any) -> Any:
    STREAMS.append(device.index)
    return SimpleNamespace(cuda_stream=0)  # the default stream, as most programs use it


def install() -> None:
    """Let torch make such tensors and name streams."""
    torch.empty = empty
    torch.cuda.current_stream = current_stream
