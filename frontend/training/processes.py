"""Several processes that train one model: each takes its share of every batch."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from ...runtime.errors import InputError
from .measure import device_of


@dataclass(frozen=True)
class Processes:
    """This process among `size`, on its device; rank 0 alone prints and writes."""

    rank: int
    size: int
    device: torch.device

    def share(self, tensor: Tensor) -> Tensor:
        """Every `size`-th row of a tensor that all processes have, from row `rank`."""
        return tensor if self.size == 1 else tensor[self.rank :: self.size]

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one dtype by their sums over all processes, equal bits everywhere."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.reshape(tensor.shape))

    def total(self, number: float) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return number
        found = torch.tensor([number], dtype=torch.float64, device=self.device)
        distributed.all_reduce(found)
        return found.item()

    @torch.no_grad()
    def spread(self, model: nn.Module) -> None:
        """Give every process the weights and buffers of rank 0."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                whole = tensor.contiguous()
                distributed.broadcast(whole, 0)
                tensor.copy_(whole)

    def agree(self, text: str) -> None:
        """Check that `text` is the same in every process.

        Raises:
            InputError: on every process, if one differs.
        """
        if self.size == 1:
            return
        digest = bytearray(hashlib.sha256(text.encode()).digest())
        own = torch.frombuffer(digest, dtype=torch.uint8).to(self.device)
        first = own.clone()
        distributed.broadcast(first, 0)
        if self.total(float(not torch.equal(own, first))):
            raise InputError(
                f"fit: the {self.size} processes were given different data, models, options or "
                "folders; allowed is the same in each, fit itself shares out the batches"
            )


def join(device: torch.device) -> Processes:
    """The processes that torchrun started, or that the caller connected; else this one alone.

    Sums go through nccl on CUDA devices and through gloo elsewhere.
    """
    if not distributed.is_available():
        return Processes(0, 1, device)
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
            return Processes(0, 1, device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


def _leave() -> None:
    """Close the connections, unless the caller has done so; together, where the others live."""
    if distributed.is_initialized():
        if distributed.get_backend() == "gloo":
            with contextlib.suppress(RuntimeError):
                distributed.monitored_barrier(timeout=timedelta(seconds=5))
        distributed.destroy_process_group()


def find_device(model: nn.Module, device: str | torch.device | None) -> torch.device:
    """Where to train: `device`, or where the model is. Each process of torchrun has a GPU.

    Raises:
        InputError: an unknown device, or CUDA and there is none.
    """
    if device is None:
        return device_of(model)
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if found is None or found.type not in ("cpu", "cuda"):
        raise InputError(f"fit: device {device!r}; allowed are cpu and cuda")
    if found.type == "cpu":
        return found
    index = int(os.environ.get("LOCAL_RANK", "0")) if found.index is None else found.index
    if index >= torch.cuda.device_count():
        raise InputError(
            f"fit: device {device!r}; PyTorch finds {torch.cuda.device_count()} CUDA devices "
            "here; allowed is one of those, or cpu"
        )
    return torch.device("cuda", index)
