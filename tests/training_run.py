"""A small run that can be killed, for tests of resuming and of several processes.

    python training_run.py FOLDER [DIE_AT_STEP]

The folder then holds the weights that the process of each RANK ended with, and what it is told
when the processes differ.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gatewright.frontend import GroupSum, History, LogicDense, fit
from gatewright.runtime.errors import InputError

OPTIONS = {"epochs": 3, "batch_size": 24, "lr": 0.05, "schedule": "cosine", "weight_decay": 0.01}
OPTIONS |= {"temperature": ("exponential", 2.0, 0.5), "warmup": 3}


def task() -> tuple[np.ndarray, np.ndarray]:
    """Samples [120, 12] of bits; the class is the third of them."""
    x = np.random.default_rng(0).integers(0, 2, (120, 12)).astype(np.uint8)
    return x, x[:, 2].astype(np.int64)


def network(seed: int = 0, sampling: str = "gumbel_soft") -> nn.Sequential:
    """Two layers, whose forward passes draw random numbers if the sampling does."""
    torch.manual_seed(seed)
    options = {"parametrization_kwargs": {"forward_sampling": sampling}}
    return nn.Sequential(
        LogicDense(12, 40, **options),
        LogicDense(40, 40, **options),
        GroupSum(2, tau=2.0),
    )


class Flip:
    """Augmentation that draws random numbers too, and kills the process at a call."""

    def __init__(self, die_at: int = 0) -> None:
        self.calls, self.die_at = 0, die_at

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        keep = torch.rand(x.shape, generator=generator) > 0.02
        keep[:, 2] = True
        return x * keep


def train(
    folder: Path | None, model: nn.Module | None = None, **options: object
) -> tuple[nn.Module, History]:
    """The run, of `network()` if no model is given; further options go to `fit`."""
    model = model or network()
    given = {**OPTIONS, "augment": Flip(), "progress": False, **options}
    return model, fit(model, *task(), folder=folder, **given)  # type: ignore[arg-type]


def weights(model: nn.Module) -> np.ndarray:
    """All parameters as one row of numbers."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).numpy()


def main() -> None:
    folder = Path(sys.argv[1])
    die_at = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    model, _ = train(folder, augment=Flip(die_at), resume=True)
    rank = os.environ["RANK"]
    np.save(folder / f"weights{rank}.npy", weights(model))
    try:
        train(None, seed=int(rank))
    except InputError as error:
        (folder / f"refused{rank}.txt").write_text(str(error))


if __name__ == "__main__":
    main()
